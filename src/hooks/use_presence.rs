//! The hooks for being present, and for seeing who is.

use std::rc::Rc;

use serde::Serialize;
use yew::prelude::*;

use super::use_retained::use_retained;
use super::use_subscription::report;
use super::{use_bridge, use_bus};
use crate::Payload;
use crate::bridge::{LINK_TOPIC, Occupants, PRESENCE_TOPIC};

/// Who is present at a topic, by the bridge of the [`BridgeProvider`](crate::hooks::BridgeProvider) above, while the
/// component is mounted; `None` until the peer has told.
///
/// ```
/// use event_driven_kit::hooks::use_presence;
/// use yew::prelude::*;
///
/// #[component]
/// fn Lobby() -> Html {
///     let Some(here) = use_presence("chat.lobby") else { return html! { "..." } };
///     html! { <ul>{ for here.present.iter().map(|one| html! { <li>{ &one.key }</li> }) }</ul> }
/// }
/// ```
#[hook]
pub fn use_presence(topic: &str) -> Option<Rc<Occupants>> {
    let (bus, bridge) = (use_bus(), use_bridge());
    // Before the subscription, so that it finds what is retained for others.
    use_memo((bus, bridge, topic.to_owned()), |(bus, bridge, topic)| {
        let watched = bridge.as_ref()?.watch(topic);
        watched.map_err(|error| report(bus, LINK_TOPIC, topic, error)).ok()
    });
    use_retained(&[PRESENCE_TOPIC, topic].concat(), |newest: &mut Option<Rc<Occupants>>, event| {
        *newest = Some(event.data()?);
        Ok(())
    })
}

/// Is present at a topic while the component is mounted, under a key and with what `data` says to the others; by
/// the bridge of the [`BridgeProvider`](crate::hooks::BridgeProvider) above. See [`Bridge::join`](crate::Bridge::join).
#[hook]
pub fn use_join<T: Serialize + Clone + PartialEq + 'static>(topic: &str, key: &str, data: T) {
    let (bus, bridge) = (use_bus(), use_bridge());
    let deps = (bus, bridge, topic.to_owned(), key.to_owned(), data);
    use_effect_with(deps, |(bus, bridge, topic, key, data)| {
        let joined = bridge.as_ref().and_then(|bridge| {
            let joined = bridge.join_with(topic, key, &Payload::new(data.clone()));
            joined.map_err(|error| report(bus, LINK_TOPIC, topic, error)).ok()
        });
        move || drop(joined)
    });
}
