//! The current day, for the message list: older messages show their date.

use gloo_timers::callback::Interval;
use yew::prelude::*;

use crate::clock;
use crate::effect::use_effect_with;
use crate::state::use_state_eq;

/// The polling interval in milliseconds. A timer for midnight would be late after a suspension or a change of clock or
/// time zone.
const LOOK_MS: u32 = 10_000;

/// The [day](clock::today). The component renders again when it changes.
#[hook]
pub fn use_today() -> f64 {
    let day = use_state_eq(clock::today);
    use_effect_with(day.setter(), |set| {
        let set = set.clone();
        let timer = Interval::new(LOOK_MS, move || set.set(clock::today()));
        move || drop(timer)
    });
    clock::today()
}
