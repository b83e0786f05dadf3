//! The hook that returns the newest payload of a pattern.

use std::rc::Rc;

use serde::de::DeserializeOwned;
use yew::prelude::*;

use super::use_topic_with;

/// The newest payload of the events that `pattern` matches since the component has subscribed. `None` before the
/// first event, and again after the pattern has changed.
///
/// The component renders again at most once per animation frame.
///
/// A payload of another type is reported on [`ERROR_TOPIC`](crate::ERROR_TOPIC) and otherwise ignored.
///
/// ```
/// use event_driven_kit::hooks::use_topic;
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
    let newest = use_topic_with(
        pattern,
        || None,
        |newest: &mut Option<Rc<T>>, event| {
            if !event.lacks_data() {
                *newest = Some(event.data::<T>()?);
            }
            Ok(())
        },
    );
    Option::clone(&newest)
}
