//! Owns the bridge to the relay for as long as the page is open.
//!
//! Uplink, outlet and room rules render nothing. They are hooks and not components because each Yew component adds
//! about two kilobytes to the page. For the same reason the bridge is passed as a property and the link bar subscribes
//! itself: `BridgeProvider` and `use_link` would add 3.7 kB after compression.

use std::rc::Rc;

use event_driven_kit::bridge::BridgeError;
use event_driven_kit::{Bridge, Bus};
use yew::prelude::*;

use crate::boxed::{sleep, spawn};
use crate::effect::use_effect_with;
use crate::state::use_state_eq;
use crate::{account, address};

/// Connects `bus` after the first effects of the page, when the components that show the link's state have subscribed,
/// in a task of its own. `None` before that, and an error if the bridge cannot be created.
#[hook]
pub fn use_uplink(bus: &Bus) -> Option<Result<Rc<Bridge>, BridgeError>> {
    let uplink = use_state_eq(|| None);
    let (set, bus) = (uplink.setter(), bus.clone());
    use_effect_with((), move |()| {
        if bus.is_sealed() {
            return;
        }
        spawn(async move {
            sleep(0).await;
            let bridge = Bridge::connect(&bus, account::sign_in(address::peer())).map(Rc::new);
            if let Ok(bridge) = &bridge {
                account::certify(bridge);
            }
            set.set(Some(bridge));
        });
    });
    (*uplink).clone()
}
