//! Passes a worker that this library has created to gloo.
//!
//! gloo-worker creates its `Worker` itself and keeps it private: a hanging worker cannot be terminated, its
//! errors cannot be observed, and a worker that cannot be created is a panic. So the worker is created here.
//! While gloo's `spawn` runs, which is synchronous, the global constructor returns that worker.

use js_sys::{Object, Proxy, Reflect};
use wasm_bindgen::prelude::*;

use crate::js::object;

/// Calls `spawn`, in which `new Worker(…)` returns `worker`.
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
