//! What the user can do with a message.

use std::rc::Rc;

use event_driven_kit::Bus;
use event_driven_kit::bridge::DeleteError;
use event_driven_kit::hooks::use_bus;
use yew::prelude::*;

use super::super::{Action, Origin};
use super::changes;
use super::feed::Feed;
use super::pages::{RELATIONS, stored_at};
use crate::boxed::spawn;
use crate::events::{
    COMPOSE, EDIT, EDITED, JUMP, NOTICE, REPLY, Reacted, Reference, Room, Subject,
};
use crate::language::t;
use crate::model::refusal::unpublished;
use crate::model::timeline::{Author, Change, Row, utc_day};

/// Does what the user asks for. The composer acts on replies and edits. After a message that is not stored is sent
/// again, edited, removed or taken back, the focus goes to the composer, because the button that had it is gone.
#[hook]
pub fn use_actions(
    room: &Room,
    me: &str,
    origin: &Origin,
    feed: &Rc<Feed>,
) -> Callback<(Action, Rc<Row>)> {
    let bus = use_bus();
    let deps = (room.text_message.clone(), me.to_owned(), origin.clone());
    let feed = feed.clone();
    use_callback(deps, move |(action, row): (Action, Rc<Row>), (topic, me, origin)| {
        let id = row.seen.id.clone();
        let is_stored = row.offset().is_some();
        let mut text = "";
        match action {
            Action::Reply => return say(&bus, REPLY, feed.subject(&row)),
            Action::Edit if is_stored => return say(&bus, EDIT, feed.subject(&row)),
            Action::Quote => return say(&bus, JUMP, row.seen.message.reply_to.clone()),
            Action::React => {
                feed.reacting.replace(Some(row));
                return feed.frames.render();
            }
            Action::Toggle(emoji) => return react(&bus, &feed, &row, &emoji, me),
            Action::Delete if is_stored => return delete(&bus, &feed, &row),
            Action::Retry => match bus.publish(topic.clone(), row.seen.message.as_ref().clone()) {
                Ok(_receipt) => feed.apply(Change::Removed { id }),
                Err(error) => return notify(&bus, &unpublished(&error)),
            },
            Action::TakeBack if !origin.cancel(&id) => {
                return notify(&bus, &t("This message may have been sent already."));
            }
            Action::TakeBack | Action::Edit => {
                text = &row.seen.message.text;
                // The echo of a cancelled event removes it, too.
                feed.apply(Change::Removed { id });
                say(&bus, REPLY, feed.replied_to(&row));
            }
            Action::Delete => feed.apply(Change::Removed { id }),
        }
        say(&bus, COMPOSE, Some(text.to_owned()));
    })
}

/// Publishes a local event. Nothing limits the number of events on its topic.
fn say<T: serde::Serialize + 'static>(bus: &Bus, topic: &'static str, data: Option<T>) {
    if let Some(data) = data {
        let _ = bus.publish(topic, data);
    }
}

pub fn notify(bus: &Bus, text: &str) {
    say(bus, NOTICE, Some(text.to_owned()));
}

/// Reacts to a message, or takes the user's reaction back.
pub fn react(bus: &Bus, feed: &Feed, row: &Row, emoji: &str, me: &str) {
    let Some(subject) = feed.subject(row) else { return };
    let known = row.reactions().into_iter().find(|(other, _)| **other == *emoji);
    let is_on = !known.is_some_and(|(_, people)| people.iter().any(Author::is_me));
    let reacted =
        Reacted { about: subject.about, emoji: emoji.to_owned(), is_on, person: me.to_owned() };
    if let Some(topic) = feed.room.reacted(subject.day)
        && let Err(error) = bus.publish(topic, reacted)
    {
        notify(bus, &unpublished(&error));
    }
}

/// Deletes a message from the log, and its earlier texts with it.
fn delete(bus: &Bus, feed: &Feed, row: &Row) {
    let bridge = feed.origin.borrow().0.clone();
    let position = feed.look(|timeline| timeline.position(row));
    let position = position.and_then(|(epoch, offset)| feed.position(epoch, offset));
    let (Some(bridge), Some(position)) = (bridge, position) else { return };
    if feed.origin.borrow().is_offline() {
        notify(bus, &t("The message will be deleted when you are online again."));
    }
    let (deletion, bus) = (bridge.delete(&position), bus.clone());
    feed.delete_edits(row.seen.id.clone(), utc_day(row.seen.time_ms));
    spawn(async move {
        match deletion.await {
            // The deletion comes as an event.
            Ok(_) | Err(DeleteError::Closed) => {}
            Err(DeleteError::Refused(_)) => notify(&bus, &t("You can't delete this message.")),
            Err(_) => notify(&bus, &t("This server can't delete messages.")),
        }
    });
}

impl Feed {
    /// A message in the log, as other components know it.
    pub fn subject(&self, row: &Row) -> Option<Subject> {
        let (epoch, offset) = self.look(|timeline| timeline.position(row))?;
        let (epoch, offset) = (epoch.to_string(), offset.to_string());
        let about = Reference { id: row.seen.id.to_string(), epoch, offset };
        let (name, text) = (row.seen.name(), row.text().to_owned());
        Some(Subject { about, day: utc_day(row.seen.time_ms), name, text })
    }

    /// The message that another one replies to, if it is known.
    fn replied_to(&self, row: &Row) -> Option<Subject> {
        let about = changes::reference(row.seen.message.reply_to.as_ref()?)?;
        let row = self.look(|timeline| timeline.target(&about).cloned())?;
        self.subject(&row)
    }

    /// Deletes the edits of a message, which contain its text.
    fn delete_edits(&self, id: Rc<str>, day: u32) {
        let pattern = self.room.relations_of(day, EDITED);
        self.spawn(async move |feed| {
            let bridge = feed.origin.borrow().0.clone()?;
            let mut before = None;
            loop {
                let page = feed.history(&pattern, before, RELATIONS).await.ok()?;
                for event in &page.events {
                    if bridge.is_own(event) && changes::edits(event, &id) {
                        // Another tab may have deleted it meanwhile.
                        let _ = bridge.delete(stored_at(event)?).await;
                    }
                }
                before = Some(page.next?);
            }
        });
    }

    /// The user has chosen no reaction, or another one. The focus returns to the message.
    pub fn stop_reacting(&self) {
        let row = self.reacting.take();
        if let Some(row) = row {
            self.viewport.focus(&row.seen.id);
        }
        self.frames.render();
    }
}
