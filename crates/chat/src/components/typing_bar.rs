//! Shows which other users are typing.

use std::rc::Rc;

use event_driven_kit::hooks::use_subscription;
use gloo_timers::callback::Timeout;
use yew::prelude::*;

use super::{Newest, Origin};
use crate::clock;
use crate::effect::use_effect_with;
use crate::events::{Person, Room};
use crate::language::{isolated, list, t_count, t_html};
use crate::model::typists::Typists;

#[derive(Properties, PartialEq)]
pub struct TypingBarProps {
    pub room: Room,
    pub me: Person,
    pub origin: Origin,
}

#[derive(Default, Clone, PartialEq)]
struct Typing(Typists);

enum Heard {
    Typed(Rc<str>, String),
    Said(Rc<str>),
    TimePassed,
}

impl Reducible for Typing {
    type Action = Heard;

    fn reduce(self: Rc<Self>, heard: Heard) -> Rc<Self> {
        let mut typists = self.0.clone();
        match heard {
            Heard::Typed(client, name) => typists.typed(client, name, clock::monotonic()),
            Heard::Said(client) => typists.said(&client),
            Heard::TimePassed => typists.fade(clock::monotonic()),
        }
        Rc::new(Self(typists))
    }
}

#[component]
pub fn TypingBar(props: &TypingBarProps) -> Html {
    let typing = use_reducer_eq(Typing::default);
    let origin = props.origin.clone();
    let (hear, me, from) = (typing.dispatcher(), props.me.id.clone(), origin.clone());
    use_subscription(props.room.typing.as_str(), move |event| {
        let (client, person) = (from.client(event), event.data::<Person>()?);
        if !client.is_empty() || person.id != me {
            hear.dispatch(Heard::Typed(client.into(), from.name(event, &person.name)));
        }
        Ok(())
    });
    let (hear, newest) = (typing.dispatcher(), use_mut_ref(Newest::default));
    use_subscription(props.room.text_message.as_str(), move |event| {
        if newest.borrow_mut().is_new(event) {
            hear.dispatch(Heard::Said(origin.client(event).into()));
        }
        Ok(())
    });

    let hear = typing.dispatcher();
    use_effect_with(typing.0.clone(), move |typists| {
        let wait = typists.next_fade(clock::monotonic());
        let timer = wait.map(|ms| {
            // One millisecond more, so that rounding does not wake it too early.
            Timeout::new(ms as u32 + 1, move || hear.dispatch(Heard::TimePassed))
        });
        move || drop(timer)
    });

    html! { <p class="typing">{ sentence(&typing.0) }</p> }
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
