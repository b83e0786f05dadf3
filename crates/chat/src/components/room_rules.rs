//! The rules of a room's topics at the bridge, while the room is open.

use std::rc::Rc;

use event_driven_kit::bridge::StartFrom;
use event_driven_kit::{Bridge, Rule};
use yew::prelude::*;

use crate::events::{PAGE, Room};
use crate::language::t;

/// Sets the room's rules in an effect. The components of the room subscribe while they render, so they miss nothing of
/// a replay. Returns the text to show if a rule is refused.
#[hook]
pub fn use_room_rules(room: &Room, bridge: &Option<Rc<Bridge>>) -> Option<AttrValue> {
    let problem = use_state_eq(|| None);
    let set = problem.setter();
    use_effect_with((bridge.clone(), room.clone()), move |(bridge, room)| {
        let mut guards = Vec::new();
        if let Some(bridge) = bridge {
            for rule in rules(room) {
                match bridge.rule(rule) {
                    Ok(guard) => guards.push(guard),
                    Err(_) => set.set(Some(t("This room can't be read."))),
                }
            }
        }
        move || drop(guards)
    });
    (*problem).clone()
}

/// The relations come first: what is published while the first page is read is not missed.
fn rules(room: &Room) -> [Rule; 3] {
    let first_page = StartFrom::Last(PAGE.into());
    [
        Rule::both(room.relations()).durable(),
        Rule::both(room.text_message.as_str()).durable().from(first_page),
        Rule::both(room.typing.as_str()).ephemeral(),
    ]
}
