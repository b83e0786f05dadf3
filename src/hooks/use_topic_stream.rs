//! The hook that passes the events of a pattern to a task as a stream.

use std::cell::RefCell;
use std::num::NonZeroUsize;

use futures_util::future::abortable;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::use_bus;
use super::use_subscription::report;
use crate::{Overflow, Queue};

/// Runs `task` with the events that `pattern` matches, from the component's first render until it is unmounted.
/// Then the task is dropped at its next `await`. Another pattern or bus starts a new task.
///
/// Up to `capacity` events wait for the task. Beyond that the oldest are dropped and [counted](Queue::dropped).
/// An invalid pattern is reported on [`ERROR_TOPIC`](crate::ERROR_TOPIC).
///
/// ```
/// use event_driven_kit::hooks::use_topic_stream;
/// use futures_util::StreamExt;
/// use std::num::NonZeroUsize;
/// use yew::prelude::*;
///
/// const WAITING: NonZeroUsize = NonZeroUsize::new(100).unwrap();
///
/// #[component]
/// fn Loudest() -> Html {
///     let loudest = use_state(|| 0);
///     let set = loudest.setter();
///     use_topic_stream("volume.*", WAITING, move |mut events| async move {
///         let mut most = 0;
///         while let Some(event) = events.next().await {
///             if let Ok(volume) = event.data::<u32>() {
///                 most = most.max(*volume);
///                 set.set(most);
///             }
///         }
///     });
///     html! { <p>{ *loudest }</p> }
/// }
/// ```
#[hook]
pub fn use_topic_stream<F>(
    pattern: &str,
    capacity: NonZeroUsize,
    task: impl FnOnce(Queue) -> F + 'static,
) where
    F: Future<Output = ()> + 'static,
{
    let deps = (use_bus(), pattern.to_owned());
    let queue = use_memo(deps.clone(), |(bus, pattern)| {
        let queue = bus.subscriber(pattern).queue(capacity, Overflow::drop_oldest());
        RefCell::new(queue.map_err(|error| report(bus, "$bus.subscribe", pattern, error)).ok())
    });
    use_effect_with(deps, move |_| {
        let running = queue.take().map(|queue| {
            let (task, running) = abortable(task(queue));
            spawn_local(async move {
                let _aborted = task.await;
            });
            running
        });
        move || {
            if let Some(running) = running {
                running.abort();
            }
        }
    });
}
