//! A room: messages, typing users and the composer.

use std::rc::Rc;

use event_driven_kit::Bridge;
use yew::prelude::*;

use super::{Composer, MessageList, Origin, TypingBar, use_outlet, use_room_rules};
use crate::events::{Person, Room};

#[derive(Properties, PartialEq)]
pub struct RoomViewProps {
    pub room: Room,
    pub me: Person,
    /// `None` until there is one.
    pub bridge: Option<Rc<Bridge>>,
}

#[component]
pub fn RoomView(props: &RoomViewProps) -> Html {
    let room = || props.room.clone();
    let me = || props.me.clone();
    let origin = || Origin(props.bridge.clone());
    use_outlet(&props.room);
    let problem = use_room_rules(&props.room, &props.bridge);
    html! {
        <main class="room">
            <MessageList room={room()} me={me()} origin={origin()} />
            <TypingBar room={room()} me={me()} origin={origin()} />
            <Composer room={room()} me={me()} />
            if let Some(problem) = problem {
                <p class="problem" role="alert">{ problem }</p>
            }
        </main>
    }
}
