//! Owns the bridge to the relay for as long as the page is open.
//!
//! This, the outlet and the room's rules draw nothing. They are hooks and not components because each
//! Yew component costs the page some two kilobytes. The bridge goes down as a property and the link bar subscribes by
//! itself for the same reason: with `BridgeProvider` and `use_link` the page has 3.7 kB more after compression.

use std::rc::Rc;

use event_driven_kit::bridge::BridgeError;
use event_driven_kit::{Bridge, Bus};
use yew::prelude::*;

use crate::address;

/// Connects `bus` in the first effect of the page: by then all that shows the link's state has
/// subscribed. Nothing before; an error if there can be no bridge.
#[hook]
pub fn use_uplink(bus: &Bus) -> Option<Result<Rc<Bridge>, BridgeError>> {
    let uplink = use_state(|| None);
    let (set, bus) = (uplink.setter(), bus.clone());
    use_effect_with((), move |()| {
        set.set(Some(Bridge::connect(&bus, address::peer()).map(Rc::new)));
    });
    (*uplink).clone()
}
