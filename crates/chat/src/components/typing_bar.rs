//! Says who is typing. Never names oneself.

use std::rc::Rc;

use event_driven_kit::use_subscription;
use gloo_timers::callback::Timeout;
use yew::prelude::*;

use crate::clock;
use crate::events::{Person, Room, TextMessage};
use crate::model::typists::Typists;

#[derive(Properties, PartialEq)]
pub struct TypingBarProps {
    pub room: Room,
    pub me: Person,
}

#[derive(Default, Clone, PartialEq)]
struct Typing(Typists);

enum Heard {
    Typed(Person),
    Said(String),
    TimePassed,
}

impl Reducible for Typing {
    type Action = Heard;

    fn reduce(self: Rc<Self>, heard: Heard) -> Rc<Self> {
        let mut typists = self.0.clone();
        match heard {
            Heard::Typed(person) => typists.typed(person, clock::now()),
            Heard::Said(id) => typists.said(&id),
            Heard::TimePassed => typists.fade(clock::now()),
        }
        Rc::new(Self(typists))
    }
}

#[component]
pub fn TypingBar(props: &TypingBarProps) -> Html {
    let typing = use_reducer_eq(Typing::default);
    let (hear, me) = (typing.dispatcher(), props.me.id.clone());
    use_subscription(props.room.typing.as_str(), move |event| {
        let person = event.data::<Person>()?;
        if person.id != me {
            hear.dispatch(Heard::Typed(person.as_ref().clone()));
        }
        Ok(())
    });
    let hear = typing.dispatcher();
    use_subscription(props.room.text_message.as_str(), move |event| {
        let message = event.data::<TextMessage>()?;
        hear.dispatch(Heard::Said(message.sender.id.clone()));
        Ok(())
    });

    let hear = typing.dispatcher();
    use_effect_with(typing.0.clone(), move |typists| {
        let wait = typists.next_fade(clock::now());
        let timer = wait.map(|ms| {
            // A millisecond more, so that rounding does not wake it too early.
            Timeout::new(ms as u32 + 1, move || hear.dispatch(Heard::TimePassed))
        });
        move || drop(timer)
    });

    html! { <p class="typing">{ sentence(&typing.0) }</p> }
}

fn sentence(typists: &Typists) -> Html {
    let mut people = typists.people();
    let rest = people.len().saturating_sub(2);
    let name = |person: &Person| html! { <bdi>{ person.name.clone() }</bdi> };
    match (people.next(), people.next()) {
        (None, _) => Html::default(),
        (Some(one), None) => html! { <>{ name(one) }{ " is typing…" }</> },
        (Some(one), Some(two)) if rest == 0 => html! {
            <>{ name(one) }{ " and " }{ name(two) }{ " are typing…" }</>
        },
        (Some(one), Some(two)) => html! {
            <>{ name(one) }{ ", " }{ name(two) }{ " and " }{ rest }{ " more are typing…" }</>
        },
    }
}
