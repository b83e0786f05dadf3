//! Shows which other users are typing.

use event_driven_kit::hooks::use_subscription;
use yew::prelude::*;

use super::{Newest, Origin};
use crate::boxed::after;
use crate::clock;
use crate::effect::use_effect_with;
use crate::events::{Person, Room};
use crate::language::{isolated, list, t_count, t_html};
use crate::model::typists::Typists;
use crate::state::use_state_eq;

#[derive(Properties, PartialEq)]
pub struct TypingBarProps {
    pub room: Room,
    pub me: Person,
    pub origin: Origin,
}

#[component]
pub fn TypingBar(props: &TypingBarProps) -> Html {
    let typing = use_state_eq(Typists::default);
    let origin = props.origin.clone();
    let (hear, me, from) = (typing.setter(), props.me.id.clone(), origin.clone());
    use_subscription(props.room.typing.as_str(), move |event| {
        let (client, person) = (from.client(event), event.data::<Person>()?);
        if !client.is_empty() || person.id != me {
            let (client, name) = (client.into(), from.name(event, &person.name));
            hear.change(|typists| typists.typed(client, name, clock::monotonic()));
        }
        Ok(())
    });
    let (hear, newest) = (typing.setter(), use_mut_ref(Newest::default));
    use_subscription(props.room.text_message.as_str(), move |event| {
        if newest.borrow_mut().is_new(event) {
            hear.change(|typists| typists.said(origin.client(event)));
        }
        Ok(())
    });

    let hear = typing.setter();
    use_effect_with((*typing).clone(), move |typists| {
        let wait = typists.next_fade(clock::monotonic());
        let timer = wait.map(|ms| {
            // One millisecond more, so that rounding does not wake it too early.
            after(ms as u32 + 1, move || {
                hear.change(|typists| typists.fade(clock::monotonic()));
            })
        });
        move || drop(timer)
    });

    html! { <p class="typing">{ sentence(&typing) }</p> }
}

fn sentence(typists: &Typists) -> Html {
    let mut names = typists.names();
    let rest = names.len().saturating_sub(2) as u64;
    let name = |name: &str| html! { <bdi>{ name.to_owned() }</bdi> };
    match (names.next(), names.next()) {
        (None, _) => Html::default(),
        (Some(one), None) => t_html("{name} is typing…", &[("name", name(one))]),
        (Some(one), Some(two)) => {
            let more = (rest > 0).then(|| t_count("{n} more", "{n} more", rest));
            let names = [one, two].map(isolated).into_iter().chain(more);
            t_html("{names} are typing…", &[("names", list(names).into())])
        }
    }
}
