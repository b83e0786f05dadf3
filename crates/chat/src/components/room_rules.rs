//! The rules of a room's topics at the bridge, while the room's messages are in the page.

use std::rc::Rc;

use event_driven_kit::bridge::StartFrom;
use event_driven_kit::{Bridge, Rule};
use yew::prelude::*;

use crate::effect::use_effect_with;
use crate::events::{PAGE, Room};
use crate::language::t;
use crate::state::use_state_eq;

/// Sets the room's rules in an effect. The components of the room subscribe while they render, so they miss nothing of
/// a replay. Returns the text to show if a rule is refused.
#[hook]
pub fn use_room_rules(
    room: &Room,
    bridge: &Option<Rc<Bridge>>,
    is_open: bool,
) -> Option<AttrValue> {
    let problem = use_state_eq(|| None);
    let set = problem.setter();
    let add = move |bridge: &Option<Rc<Bridge>>, rules: &[Rule]| {
        let mut guards = Vec::new();
        let Some(bridge) = bridge else { return guards };
        for rule in rules {
            match bridge.rule(rule.clone()) {
                Ok(guard) => guards.push(guard),
                Err(_) => set.set(Some(t("This room can't be read."))),
            }
        }
        guards
    };
    let add_more = add.clone();
    use_effect_with((bridge.clone(), room.clone()), move |(bridge, room)| {
        let guards = add(bridge, &rules(room));
        move || drop(guards)
    });
    use_effect_with(
        (bridge.clone(), room.typing.clone(), is_open),
        move |(bridge, typing, is_open)| {
            let typing = is_open.then(|| Rule::both(typing.as_str()).ephemeral());
            let guards = add_more(bridge, typing.as_slice());
            move || drop(guards)
        },
    );
    (*problem).clone()
}

/// The relations come first: what is published while the first page is read is not missed.
fn rules(room: &Room) -> [Rule; 2] {
    let first_page = StartFrom::Last(PAGE.into());
    [
        Rule::both(room.relations()).durable(),
        Rule::both(room.text_message.as_str()).durable().from(first_page),
    ]
}
