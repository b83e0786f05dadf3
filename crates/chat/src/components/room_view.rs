//! A room whose messages are in the page. If it is open: its messages, the users who are typing, and the composer.
//! Otherwise nothing of it is drawn, but its messages are ready for when it is opened.

use std::rc::Rc;

use event_driven_kit::Bridge;
use yew::prelude::*;

use super::{
    Composer, MessageList, Origin, TypingBar, use_announcer, use_history, use_outlet,
    use_room_rules,
};
use crate::events::{Person, Room};

#[derive(Properties, PartialEq)]
pub struct RoomViewProps {
    pub room: Room,
    pub is_open: bool,
    pub me: Person,
    /// `None` until there is one.
    pub bridge: Option<Rc<Bridge>>,
    /// The offset of the message that the address names.
    pub offset: Option<u64>,
    /// The offset after which the messages were new when the room was entered.
    pub new_after: Option<u64>,
    /// What stands above the composer for as long as the room is open.
    #[prop_or_default]
    pub hint: Option<AttrValue>,
}

#[component]
pub fn RoomView(props: &RoomViewProps) -> Html {
    let RoomViewProps { is_open, offset, new_after, .. } = *props;
    let room = || props.room.clone();
    let me = || props.me.clone();
    let origin = || Origin(props.bridge.clone());
    use_outlet(&props.room);
    let (is_live, is_current) = use_history(&props.room, &origin());
    let announcer = use_announcer(&props.room, &origin(), &is_current);
    let problem = use_room_rules(&props.room, &props.bridge, is_open);
    html! {
        <main class="room" hidden={!is_open}>
            <MessageList room={room()} me={me()} origin={origin()} {is_live} {is_open} {offset} {new_after} />
            if is_open {
                // A status is read as a whole unless it says otherwise: earlier texts would be read again.
                <div ref={announcer} class="aside" role="status" aria-atomic="false" />
                <TypingBar room={room()} me={me()} origin={origin()} />
                if let Some(hint) = &props.hint {
                    <p class="hint">{ hint.clone() }</p>
                }
                <Composer room={room()} me={me()} />
            }
            if let Some(problem) = problem {
                <p class="problem" role="alert">{ problem }</p>
            }
        </main>
    }
}
