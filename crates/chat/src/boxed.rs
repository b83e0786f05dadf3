//! Listeners, timers and tasks of the browser. They are boxed, so that the program contains the code behind them once
//! and not once per closure.

use std::pin::Pin;

use gloo_events::{EventListener, EventListenerOptions};
use gloo_timers::callback::Timeout;
use js_sys::Promise;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, EventTarget, window};
use yew::functional::Hook;

use crate::effect::use_effect_with;

/// What is called with each event.
type Handler = Box<dyn FnMut(&Event)>;

/// Calls `handler` with each event of this kind until the listener is dropped.
pub fn listen(
    target: &EventTarget,
    kind: &'static str,
    handler: impl FnMut(&Event) + 'static,
) -> EventListener {
    listen_boxed(target, kind, Box::new(handler))
}

fn listen_boxed(target: &EventTarget, kind: &'static str, handler: Handler) -> EventListener {
    // Else handlers may not prevent what the browser does by default.
    let options = EventListenerOptions::enable_prevent_default();
    EventListener::new_with_options(target, kind, options, handler)
}

/// Calls the `handler` of the first render with each event of this kind that reaches the window, while the component is
/// mounted.
pub fn use_listener(
    kind: &'static str,
    handler: impl FnMut(&Event) + 'static,
) -> impl Hook<Output = ()> {
    use_boxed_listener(kind, Box::new(handler))
}

fn use_boxed_listener(kind: &'static str, handler: Handler) -> impl Hook<Output = ()> {
    use_effect_with((), move |()| {
        let listener = window().map(|window| listen_boxed(&window, kind, handler));
        move || drop(listener)
    })
}

/// Calls `job` after a delay in milliseconds, unless the timer is dropped first.
pub fn after(millis: u32, job: impl FnOnce() + 'static) -> Timeout {
    let job: Box<dyn FnOnce()> = Box::new(job);
    Timeout::new(millis, job)
}

/// Waits for this time in milliseconds. The browser may paint, and handle input, before the rest runs.
pub async fn sleep(millis: i32) {
    let timer = Promise::new(&mut |done, _| {
        if let Some(window) = window() {
            // Fails only in a document that is no longer shown.
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&done, millis);
        }
    });
    // It is never rejected.
    let _ = JsFuture::from(timer).await;
}

/// Runs a task from the next microtask on.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    let task: Pin<Box<dyn Future<Output = ()>>> = Box::pin(task);
    wasm_bindgen_futures::spawn_local(task);
}
