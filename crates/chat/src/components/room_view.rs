//! A room: what is said, who types, and where one writes.

use yew::prelude::*;

use super::{Composer, MessageList, Outlet, RoomRules, TypingBar};
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
    html! {
        <main class="room">
            <MessageList room={room()} me={me()} />
            <TypingBar room={room()} me={me()} />
            <Composer room={room()} me={me()} />
            <Outlet room={room()} />
            <RoomRules room={room()} />
        </main>
    }
}
