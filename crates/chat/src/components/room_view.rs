//! A room: what is said, who types, and where one writes.

use yew::prelude::*;

use super::{Composer, MessageList, TypingBar, use_outlet, use_room_rules};
use crate::events::{Person, Room};

#[derive(Properties, PartialEq)]
pub struct RoomViewProps {
    pub room: Room,
    pub me: Person,
}

#[component]
pub fn RoomView(props: &RoomViewProps) -> Html {
    let room = || props.room.clone();
    let me = || props.me.clone();
    use_outlet(&props.room);
    let problem = use_room_rules(&props.room);
    html! {
        <main class="room">
            <MessageList room={room()} me={me()} />
            <TypingBar room={room()} me={me()} />
            <Composer room={room()} me={me()} />
            if let Some(problem) = problem {
                <p class="problem" role="alert">{ problem }</p>
            }
        </main>
    }
}
