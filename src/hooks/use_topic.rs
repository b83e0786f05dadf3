//! The hook that answers the newest payload of a pattern.

use std::rc::Rc;

use serde::de::DeserializeOwned;
use yew::prelude::*;

use super::{use_bus, use_subscription};
use crate::Bus;

/// The newest payload of the events that `pattern` matches, since the component subscribed; renders
/// again with each. `None` before the first, and again after the pattern has changed.
///
/// A payload that is no `T` is told on [`ERROR_TOPIC`](crate::ERROR_TOPIC) and changes nothing.
///
/// ```
/// use event_driven_kit::use_topic;
/// use yew::prelude::*;
///
/// #[component]
/// fn Temperature() -> Html {
///     match use_topic::<f64>("weather.temperature") {
///         Some(degrees) => html! { <p>{ *degrees }</p> },
///         None => html! { <p>{ "not measured yet" }</p> },
///     }
/// }
/// ```
#[hook]
pub fn use_topic<T: DeserializeOwned + 'static>(pattern: &str) -> Option<Rc<T>> {
    struct Newest<T> {
        bus: Bus,
        pattern: String,
        payload: Rc<T>,
    }
    let newest = use_state(|| None::<Newest<T>>);
    let bus = use_bus();
    let set = newest.setter();
    use_subscription(pattern, {
        let (bus, pattern) = (bus.clone(), pattern.to_owned());
        move |event| {
            let payload = event.data::<T>()?;
            set.set(Some(Newest { bus: bus.clone(), pattern: pattern.clone(), payload }));
            Ok(())
        }
    });
    let newest = newest.as_ref().filter(|newest| newest.pattern == pattern && newest.bus == bus)?;
    Some(newest.payload.clone())
}
