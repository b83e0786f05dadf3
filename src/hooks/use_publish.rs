//! The hook that answers a callback which publishes.

use serde::Serialize;
use yew::prelude::*;

use super::use_bus;
use super::use_subscription::report;

/// A callback that publishes what it is called with on `topic`. The same callback as long as topic and
/// bus are the same. What cannot be published is told on [`ERROR_TOPIC`](crate::ERROR_TOPIC).
///
/// ```
/// use event_driven_kit::hooks::use_publish;
/// use yew::prelude::*;
///
/// #[component]
/// fn Greeter() -> Html {
///     let greet = use_publish::<String>("greeting.world");
///     html! { <button onclick={greet.reform(|_| "hello".to_owned())}>{ "Greet" }</button> }
/// }
/// ```
#[hook]
pub fn use_publish<T: Serialize + 'static>(topic: &str) -> Callback<T> {
    let bus = use_bus();
    let callback = use_memo((bus, topic.to_owned()), |(bus, topic)| {
        let (bus, topic) = (bus.clone(), topic.clone());
        Callback::from(move |value: T| {
            if let Err(error) = bus.publish(topic.as_str(), value) {
                report(&bus, "$bus.publish", &topic, error);
            }
        })
    });
    (*callback).clone()
}
