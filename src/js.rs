//! The globals that the runtime uses, bound so that they work in windows, workers and Node.

use std::pin::Pin;
use std::time::Duration;

#[cfg(feature = "bridge")]
use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
#[cfg(feature = "bridge")]
use web_sys::{Event, EventTarget};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    pub(crate) fn console_error(text: &str, cause: &JsValue);

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(catch, js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]) -> Result<Uint8Array, JsValue>;

    #[wasm_bindgen(catch, js_name = String)]
    fn string(value: &JsValue) -> Result<String, JsValue>;
}

/// Fills `bytes` from the platform's secure random source. False without such a source.
pub(crate) fn fill_random(bytes: &mut [u8]) -> bool {
    get_random_values(bytes).is_ok()
}

/// Sixteen random bytes in hex: a globally unique id.
pub(crate) fn random_id() -> Box<str> {
    let mut bytes = [0; 16];
    if !fill_random(&mut bytes) {
        // An id must be unique, not secret.
        bytes.fill_with(|| (js_sys::Math::random() * 256.0) as u8);
    }
    hex(&bytes).into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for half in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        text.push(char::from(b"0123456789abcdef"[usize::from(half)]));
    }
    text
}

/// Milliseconds of a monotonic clock.
#[cfg(feature = "bridge")]
pub(crate) fn monotonic() -> u64 {
    performance_now() as u64
}

/// An object with these fields.
pub(crate) fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // Fails only on frozen objects.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}

/// An array of the items, each as `show` returns it.
#[cfg(feature = "inspect")]
pub(crate) fn list<T>(items: &[T], show: fn(&T) -> JsValue) -> JsValue {
    items.iter().map(show).collect::<js_sys::Array>().into()
}

/// A number; a larger one than 32 bits hold is the largest of these.
#[cfg(feature = "inspect")]
pub(crate) fn number(number: impl TryInto<u32>) -> JsValue {
    number.try_into().unwrap_or(u32::MAX).into()
}

/// The time of a monotonic clock, in microseconds, or as coarse as the platform makes it.
pub(crate) fn monotonic_exactly() -> Duration {
    Duration::from_micros((performance_now() * 1_000.0) as u64)
}

/// Runs a task from the next microtask on. The task is boxed, so that the module contains the executor once and
/// not once per task.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    let task: Pin<Box<dyn Future<Output = ()>>> = Box::pin(task);
    wasm_bindgen_futures::spawn_local(task);
}

/// The same, and returns a promise of the result.
#[cfg(any(feature = "npm", feature = "trust"))]
pub(crate) fn promise(
    task: impl Future<Output = Result<JsValue, JsValue>> + 'static,
) -> js_sys::Promise {
    let task: Pin<Box<dyn Future<Output = _>>> = Box::pin(task);
    wasm_bindgen_futures::future_to_promise(task)
}

/// Calls `handler` with each event of this kind until the listener is dropped. Boxed for the same reason as a task.
#[cfg(feature = "bridge")]
pub(crate) fn listen(
    target: &EventTarget,
    kind: &'static str,
    handler: impl FnMut(&Event) + 'static,
) -> EventListener {
    let handler: Box<dyn FnMut(&Event)> = Box::new(handler);
    EventListener::new(target, kind, handler)
}

/// Calls `job` after a delay, unless the timer is dropped first. Boxed for the same reason as a task.
pub(crate) fn after(millis: u32, job: impl FnOnce() + 'static) -> Timeout {
    let job: Box<dyn FnOnce()> = Box::new(job);
    Timeout::new(millis, job)
}

/// The text of a thrown value.
pub(crate) fn text_of(value: &JsValue) -> String {
    string(value).unwrap_or_else(|_| "a value without a text".to_owned())
}
