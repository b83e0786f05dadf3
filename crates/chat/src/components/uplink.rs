//! Owns the bridge to the relay for as long as the page is open.
//!
//! This, the outlet and the room's rules draw nothing. They are hooks and not components because each
//! Yew component costs the page some two kilobytes.

use std::rc::Rc;

use event_driven_kit::{Bridge, Bus};
use yew::prelude::*;

use crate::address;

/// The bridge, once it is there.
#[derive(Debug, Clone, Default)]
pub struct Link(Option<Rc<Bridge>>);

impl Link {
    pub fn bridge(&self) -> Option<&Bridge> {
        self.0.as_deref()
    }
}

impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(two)) => Rc::ptr_eq(one, two),
            (None, None) => true,
            _ => false,
        }
    }
}

/// Connects `bus` in the first effect of the page: by then all that shows the link's state has
/// subscribed. Beside the link there is what to tell the user if there can be none.
#[hook]
pub fn use_uplink(bus: &Bus) -> (Link, Option<String>) {
    let state = use_state(|| (Link::default(), None));
    let (set, bus) = (state.setter(), bus.clone());
    use_effect_with((), move |()| {
        set.set(match Bridge::connect(&bus, address::peer()) {
            Ok(bridge) => (Link(Some(Rc::new(bridge))), None),
            Err(error) => (Link::default(), Some(error.to_string())),
        });
    });
    (*state).clone()
}
