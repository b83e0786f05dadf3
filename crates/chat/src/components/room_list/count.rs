//! Counts what is unread in rooms whose messages are not in the page: by the peer's counts, and by pages of the log
//! back to the read position.

use std::rc::Rc;

use event_driven_kit::bridge::TopicTally;
use event_driven_kit::{Bridge, Delivery};

use super::RoomList;
use crate::boxed::spawn;
use crate::events::Room;
use crate::model::rooms::At;

/// The most messages that are read to count them.
const MAX: usize = 100;
/// The most pages, if the peer returns fewer messages than asked for.
const MAX_PAGES: usize = 4;

impl RoomList {
    /// Counts each joined room once. After that its rules bring all changes.
    pub(super) fn count_unread(&self) {
        let me = self.me();
        let mut counted = self.counted.borrow_mut();
        let mut rooms = Vec::new();
        for entry in self.rooms.borrow().joined() {
            if !counted.contains(&entry.key)
                && let Ok(room) = Room::of_key(&entry.key, me.as_ref())
            {
                counted.push(entry.key.clone());
                rooms.push(room);
            }
        }
        drop(counted);
        let Some(bridge) = self.origin.borrow().0.clone().filter(|_| !rooms.is_empty()) else {
            return;
        };
        let this = self.this.clone();
        spawn(async move {
            let topics = rooms.iter().map(|room| (room.text_message.to_string(), None)).collect();
            // Without counts a room shows what is new from now on.
            let Ok(tallies) = bridge.tally(topics).await else { return };
            for (room, tally) in rooms.iter().zip(tallies) {
                let Some(this) = this.upgrade() else { return };
                this.count(&bridge, room, tally).await;
                this.changed();
            }
            if let Some(this) = this.upgrade() {
                this.read_edits(&bridge, &rooms).await;
            }
        });
    }

    /// Counts a room once more, because its newest message is gone.
    pub(super) fn count_again(&self, key: &str) {
        self.counted.borrow_mut().retain(|known| **known != *key);
        self.count_unread();
    }

    async fn count(&self, bridge: &Rc<Bridge>, room: &Room, tally: TopicTally) {
        if let Some(event) = &tally.newest {
            self.add_page(room, std::slice::from_ref(event));
        }
        let Some(head) = tally.head.map(|head| (head.epoch, head.offset)) else { return };
        let (mut before, mut left) = (None, MAX);
        for _ in 0..MAX_PAGES {
            let known = self.rooms.borrow().get(&room.key).map(|entry| {
                let has_newest =
                    entry.newest.as_ref().is_some_and(|newest| !newest.text.is_empty());
                (entry.unread.read(), has_newest)
            });
            let (read, has_newest) = known.unwrap_or_default();
            if has_newest && is_up_to(read, head) {
                return;
            }
            let page = bridge.history(room.text_message.as_str(), before, left as u32).await;
            let Ok(page) = page else { return };
            self.add_page(room, &page.events);
            let Some(next) = page.next else { return };
            let at = (next.epoch, next.offset);
            if has_newest && read.is_some_and(|(epoch, offset)| epoch == at.0 && at.1 <= offset + 1)
            {
                return;
            }
            left = left.saturating_sub(page.events.len());
            if left == 0 {
                return self.rooms.borrow_mut().has_more(&room.key, at);
            }
            before = Some(next);
        }
    }

    fn add_page(&self, room: &Room, events: &[event_driven_kit::Event]) {
        for event in events {
            if let Delivery::Stored(position) = event.delivery()
                && event.deletes().is_none()
            {
                self.add_message(&room.key, event, (position.epoch, position.offset));
            }
        }
    }
}

fn is_up_to(read: Option<At>, head: At) -> bool {
    read.is_some_and(|(epoch, offset)| epoch == head.0 && offset >= head.1)
}
