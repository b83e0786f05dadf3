//! Edits of the messages that the list of rooms shows.

use event_driven_kit::{Bridge, Event};

use super::super::message_list::stored_at;
use super::RoomList;
use super::heard::{at, line};
use crate::events::{Edited, Room};
use crate::model::text;
use crate::model::timeline::utc_day;

/// The most edits of a day that are read to find those of one message.
const MAX: u32 = 64;

impl RoomList {
    /// An edit of any message. The list shows only edits of a room's newest message. The message list reports edits
    /// that cannot be read.
    pub(super) fn hear_edit(&self, event: &Event) -> Option<()> {
        let key = Room::key_of(event.topic().as_str(), self.me().as_ref())?;
        let position =
            stored_at(event).filter(|_| !event.is_deleted() && event.deletes().is_none())?;
        let edited = event.data::<Edited>().ok()?;
        let (about, author) = (at(&edited.about)?, self.sender(event)?);
        let (place, text) =
            ((position.epoch, position.offset), line(&text::shown_text(&edited.text)?));
        if self.rooms.borrow_mut().edited(&key, about, &author, place, text) {
            self.changed();
        }
        Some(())
    }

    /// Reads the edits of the rooms' newest messages: the rules bring only those that come from now on.
    pub(super) async fn read_edits(&self, bridge: &Bridge, rooms: &[Room]) -> Option<()> {
        let topic = |room: &Room| {
            let time_ms = self.rooms.borrow().get(&room.key)?.newest.as_ref()?.time_ms;
            Some((room.edited(utc_day(Some(time_ms)))?.to_string(), None))
        };
        let topics = rooms.iter().filter_map(topic).collect();
        for tally in bridge.tally(topics).await.ok()? {
            if tally.head.is_some()
                && let Ok(page) = bridge.history(&tally.topic, None, MAX).await
            {
                page.events.iter().for_each(|event| {
                    self.hear_edit(event);
                });
            }
        }
        Some(())
    }
}
