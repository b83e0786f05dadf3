//! What the user can do with a message of their own that is not stored.

use std::rc::Rc;

use event_driven_kit::Bus;
use event_driven_kit::hooks::use_bus;
use yew::prelude::*;

use super::super::{Action, Origin};
use super::feed::Feed;
use crate::events::{COMPOSE, NOTICE, Room};
use crate::model::refusal::unpublished;
use crate::model::timeline::{Change, Row};

/// Does what the user asks for a message of their own: sends it again as a new event, puts its text into the composer,
/// removes it, or takes it back. The focus goes to the composer, because the button that had it is gone.
#[hook]
pub fn use_actions(room: &Room, origin: &Origin, feed: &Rc<Feed>) -> Callback<(Action, Rc<Row>)> {
    let bus = use_bus();
    let (feed, deps) = (feed.clone(), (room.text_message.clone(), origin.clone()));
    use_callback(deps, move |(action, row): (Action, Rc<Row>), (topic, origin)| {
        let id = row.seen.id.clone();
        let mut text = "";
        match action {
            Action::Retry => match bus.publish(topic.clone(), row.seen.message.as_ref().clone()) {
                Ok(_receipt) => feed.apply(Change::Removed { id }),
                Err(error) => return notify(&bus, &unpublished(&error)),
            },
            Action::TakeBack if !origin.cancel(&id) => {
                return notify(&bus, "This message may have been sent already.");
            }
            // The echo of the cancelled event removes it.
            Action::TakeBack => text = &row.seen.message.text,
            Action::Edit => {
                text = &row.seen.message.text;
                feed.apply(Change::Removed { id });
            }
            Action::Delete => feed.apply(Change::Removed { id }),
        }
        // Nothing limits the number of events on this topic.
        let _ = bus.publish(COMPOSE, text.to_owned());
    })
}

pub fn notify(bus: &Bus, text: &str) {
    // Nothing limits the number of events on this topic.
    let _ = bus.publish(NOTICE, text.to_owned());
}
