//! The hook that returns a publishing callback.

use serde::Serialize;
use yew::prelude::*;

use super::use_bus;
use super::use_subscription::report;

/// A callback that publishes its argument on `topic`. It stays the same as long as topic and bus do. Failed
/// publishes are reported on [`ERROR_TOPIC`](crate::ERROR_TOPIC).
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
