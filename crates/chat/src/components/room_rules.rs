//! Says what of a room crosses the bridge, while the room is open. Stands after the room's subscribers:
//! it speaks in an effect, and they subscribe while they render, so nothing of a replay passes them by.

use event_driven_kit::{Rule, StartFrom};
use yew::prelude::*;

use super::Link;
use crate::events::{HISTORY, Room};

#[derive(Properties, PartialEq)]
pub struct RoomRulesProps {
    pub room: Room,
}

#[component]
pub fn RoomRules(props: &RoomRulesProps) -> Html {
    let link = use_context::<Link>().unwrap_or_default();
    let problem = use_state_eq(|| None);
    let set = problem.setter();
    use_effect_with((link, props.room.clone()), move |(link, room)| {
        let guards: Vec<_> = rules(room)
            .into_iter()
            .filter_map(|rule| link.bridge().map(|bridge| bridge.rule(rule)))
            .filter_map(|rule| rule.map_err(|error| set.set(Some(error.to_string()))).ok())
            .collect();
        move || drop(guards)
    });
    match &*problem {
        Some(problem) => html! { <p class="problem" role="alert">{ problem.clone() }</p> },
        None => Html::default(),
    }
}

fn rules(room: &Room) -> [Rule; 2] {
    [
        Rule::both(room.text_message.as_str())
            .durable()
            .from(StartFrom::Last(HISTORY)),
        Rule::both(room.typing.as_str()).ephemeral(),
    ]
}
