//! A room: messages, typing users and the composer.

use std::rc::Rc;

use event_driven_kit::Bridge;
use yew::prelude::*;

use super::{
    Composer, MessageList, Origin, TypingBar, use_announcer, use_history, use_notice, use_outlet,
    use_room_rules, use_title,
};
use crate::events::{Person, Room};

#[derive(Properties, PartialEq)]
pub struct RoomViewProps {
    pub room: Room,
    pub me: Person,
    /// `None` until there is one.
    pub bridge: Option<Rc<Bridge>>,
    /// The offset of the message that the address names.
    pub offset: Option<u64>,
}

#[component]
pub fn RoomView(props: &RoomViewProps) -> Html {
    let room = || props.room.clone();
    let me = || props.me.clone();
    let origin = || Origin(props.bridge.clone());
    use_outlet(&props.room);
    let (is_live, is_current) = use_history(&props.room, &origin());
    use_title(&props.room, &origin(), is_live);
    let announcer = use_announcer(&props.room, &origin(), &is_current);
    let notice = use_notice();
    let problem = use_room_rules(&props.room, &props.bridge);
    html! {
        <main class="room">
            <MessageList room={room()} me={me()} origin={origin()} {is_live} offset={props.offset} />
            // A status is read as a whole unless it says otherwise: earlier texts would be read again.
            <div ref={announcer} class="aside" role="status" aria-atomic="false" />
            <TypingBar room={room()} me={me()} origin={origin()} />
            { notice }
            <Composer room={room()} me={me()} />
            if let Some(problem) = problem {
                <p class="problem" role="alert">{ problem }</p>
            }
        </main>
    }
}
