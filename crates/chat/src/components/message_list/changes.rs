//! What the events of a room change in its timeline.

use std::rc::Rc;

use event_driven_kit::bridge::Position;
use event_driven_kit::{Cause, Delivery, Event, Stage};

use super::super::Origin;
use crate::clock;
use crate::events::{Edited, Reacted, Reference};
use crate::model::text;
use crate::model::timeline::{self, Author, Change, Relation, Seen, State};

/// What the developer tools say about an event without visible content.
const NOT_SHOWN: &str = "nothing to show";

/// The change that an event of the room's text causes. `TEXT_ERROR` reports refused messages. Events that are neither
/// durable nor from this browser are ignored.
///
/// # Errors
/// It is not a message, or has no visible text.
pub fn of_message(event: &Event, origin: &Origin) -> Result<Option<Change>, Cause> {
    let seen = |message| {
        let time_ms = clock::sane(event.time().unwrap_or_default());
        let (id, author, day) = (event.id().into(), author(event, origin), clock::day_of(time_ms));
        Seen { id, author, message, time_ms, day }
    };
    Ok(match event.delivery() {
        Delivery::Pending(stage) => {
            let state = if *stage == Stage::Sent { State::Sent } else { State::Queued };
            Some(Change::Pending { seen: seen(event.data()?), state })
        }
        Delivery::Stored(position) => {
            if let Some(Position { epoch, offset, .. }) = event.deletes() {
                return Ok(Some(Change::Deleted { epoch, offset }));
            }
            let (epoch, offset) = (position.epoch, position.offset);
            let message = match event.is_deleted() {
                true => Rc::default(),
                false => text::shown(event.data()?).ok_or(NOT_SHOWN)?,
            };
            Some(Change::Stored { seen: seen(message), epoch, offset })
        }
        _ => None,
    })
}

/// The change that an event about a message causes. Its topic is `chat.<room>.on.<day>.<kind>`.
///
/// # Errors
/// It is not about a message, or says nothing.
pub fn of_relation(event: &Event, origin: &Origin) -> Result<Option<Change>, Cause> {
    let (at, is_refused) = match event.delivery() {
        Delivery::Stored(position) => (Some((position.epoch, position.offset)), false),
        Delivery::Pending(_) => (None, false),
        Delivery::Rejected(_) => (None, true),
        _ => return Ok(None),
    };
    if lacks_data(event) {
        return Ok(None);
    }
    let mut tokens = event.topic().as_str().rsplit('.');
    let (kind, day) = (tokens.next(), tokens.next().and_then(|day| day.parse().ok()));
    let (about, relation) = match kind {
        Some("EDITED") => {
            let edited = event.data::<Edited>()?;
            let relation = text::shown_text(&edited.text).map(|text| Relation::Edited { text });
            (edited.about.clone(), relation)
        }
        Some("REACTED") => {
            let reacted = event.data::<Reacted>()?;
            let emoji = text::shown_emoji(&reacted.emoji);
            let relation = emoji.map(|emoji| Relation::Reacted { emoji, is_on: reacted.is_on });
            (reacted.about.clone(), relation)
        }
        _ => return Ok(None),
    };
    let (Some(about), Some(day), Some(relation)) = (reference(&about), day, relation) else {
        return Err(NOT_SHOWN.into());
    };
    let (event, author) = (event.id().into(), author(event, origin));
    let relation = Some(relation).filter(|_| !is_refused);
    Ok(Some(Change::Related { event, about, day, author, at, relation }))
}

/// Whether an event changes the text of the message with this id.
pub fn edits(event: &Event, id: &str) -> bool {
    let is_edit = event.topic().as_str().ends_with(".EDITED") && !lacks_data(event);
    is_edit && event.data::<Edited>().is_ok_and(|edited| edited.about.id == id)
}

/// Whether the event was deleted or reports a deletion.
fn lacks_data(event: &Event) -> bool {
    event.is_deleted() || event.deletes().is_some()
}

/// The message that an event is about, if its id and its numbers are valid.
pub fn reference(about: &Reference) -> Option<timeline::Reference> {
    if !text::is_possible(about) {
        return None;
    }
    let Reference { id, epoch, offset } = about;
    let id: Rc<str> = id.as_str().into();
    Some(timeline::Reference { id, epoch: epoch.parse().ok()?, offset: offset.parse().ok()? })
}

fn author(event: &Event, origin: &Origin) -> Author {
    let (client, account) = (origin.client(event).into(), origin.account(event));
    Author { client, account, is_verified: event.is_verified() }
}
