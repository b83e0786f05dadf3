//! Detects when a room's history has been replayed. Later messages are counted, and announced while the link is up.

use std::cell::Cell;
use std::rc::Rc;

use event_driven_kit::bridge::{CAUGHT_UP_TOPIC, CaughtUp, LINK_TOPIC};
use event_driven_kit::hooks::{use_bus, use_subscription};
use yew::prelude::*;

use super::Origin;
use crate::events::Room;
use crate::state::{use_memo, use_state_eq};

/// Whether the history has been replayed, and whether what was missed while the link was down has been, too. The latter
/// changes without a render.
#[hook]
pub fn use_history(room: &Room, origin: &Origin) -> (bool, Rc<Cell<bool>>) {
    // A replay reads nothing first.
    let is_replay = use_bus().is_sealed();
    let (is_over, is_current) =
        (use_state_eq(|| is_replay), use_memo((), |()| Cell::new(is_replay)));
    let (set, current, pattern) = (is_over.setter(), is_current.clone(), room.text_message.clone());
    use_subscription(CAUGHT_UP_TOPIC, move |event| {
        if event.data::<CaughtUp>()?.pattern == pattern.as_str() {
            set.set(true);
            current.set(true);
        }
        Ok(())
    });
    let (current, origin) = (is_current.clone(), origin.clone());
    use_subscription(LINK_TOPIC, move |_| {
        if origin.is_offline() {
            current.set(false);
        }
        Ok(())
    });
    (*is_over, is_current)
}
