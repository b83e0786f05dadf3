//! Detects when a room's history has been replayed. Later messages are announced and counted.

use event_driven_kit::bridge::{CAUGHT_UP_TOPIC, CaughtUp};
use event_driven_kit::hooks::use_subscription;
use yew::prelude::*;

use crate::events::Room;

/// Whether the history has been replayed.
#[hook]
pub fn use_history_is_over(room: &Room) -> bool {
    let is_over = use_state_eq(|| false);
    let (set, pattern) = (is_over.setter(), room.text_message.clone());
    use_subscription(CAUGHT_UP_TOPIC, move |event| {
        if event.data::<CaughtUp>()?.pattern == pattern.as_str() {
            set.set(true);
        }
        Ok(())
    });
    *is_over
}
