//! Lends gloo a worker that this library has made.
//!
//! gloo-worker makes its `Worker` itself and keeps it: it can neither be terminated when it hangs, nor
//! be listened to when it fails, and one that cannot be made is a panic. So it is made here, and while
//! gloo's `spawn` runs, which returns before anything else can, the global constructor answers that.

use js_sys::{Object, Proxy, Reflect};
use wasm_bindgen::prelude::*;

use crate::js::object;

/// Calls `spawn`, for which `new Worker(…)` is `worker`.
pub(super) fn lend<T>(worker: &web_sys::Worker, spawn: impl FnOnce() -> T) -> Result<T, JsValue> {
    let (global, name) = (js_sys::global(), JsValue::from_str("Worker"));
    let constructor = Reflect::get(&global, &name)?;
    let ours = worker.clone();
    let construct = Closure::<dyn FnMut() -> JsValue>::new(move || ours.clone().into());
    // A proxy, because a closure's function cannot be called with `new`.
    let handler = Object::from(object(&[("construct", construct.as_ref().clone())]));
    let lent: JsValue = Proxy::new(&constructor, &handler).into();
    if !Reflect::set(&global, &name, &lent)? {
        return Err(js_sys::Error::new("the global `Worker` is frozen: workers need it").into());
    }
    let spawned = spawn();
    Reflect::set(&global, &name, &constructor)?;
    Ok(spawned)
}
