//! Tells the message list which day it is: yesterday's messages say their day.

use gloo_timers::callback::Interval;
use yew::prelude::*;

use crate::clock;

/// How often it looks, in milliseconds. A timer for midnight would be late where a computer has slept, or where the
/// clock or the time zone was changed.
const LOOK_MS: u32 = 10_000;

/// The [day](clock::today); the component renders again when it changes.
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
