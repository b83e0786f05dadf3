//! The hooks for presence.

use std::rc::Rc;

use serde::Serialize;
use yew::prelude::*;

use super::use_retained::use_retained;
use super::use_subscription::report;
use super::{use_bridge, use_bus};
use crate::Payload;
use crate::bridge::{LINK_TOPIC, Occupants, PRESENCE_TOPIC};

/// The occupants of a topic while the component is mounted, through the bridge of the
/// [`BridgeProvider`](crate::hooks::BridgeProvider) above. `None` until the peer has sent them.
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
    // Before the subscription, so that it finds the occupants that are retained for others.
    use_memo((bus, bridge, topic.to_owned()), |(bus, bridge, topic)| {
        let watched = bridge.as_ref()?.watch(topic);
        watched.map_err(|error| report(bus, LINK_TOPIC, topic, error)).ok()
    });
    use_retained(&[PRESENCE_TOPIC, topic].concat(), |newest: &mut Option<Rc<Occupants>>, event| {
        *newest = Some(event.data()?);
        Ok(())
    })
}

/// Joins a topic while the component is mounted, with a key and with `data` for the other occupants, through the
/// bridge of the [`BridgeProvider`](crate::hooks::BridgeProvider) above. See [`Bridge::join`](crate::Bridge::join).
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
