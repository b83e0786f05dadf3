//! The room that is open, the rooms whose messages are in the page, and the line above new messages.

use super::RoomList;
use crate::events::Room;

/// The number of rooms whose messages stay in the page, so that opening one of them draws it at once.
const MAX_KEPT: usize = 8;

/// A room whose messages are in the page.
pub(super) struct Kept {
    pub(super) room: Room,
    /// When it was last open.
    opened: u32,
    pub(super) is_live: bool,
}

/// The line above the messages that were new when the room was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// The history has not arrived yet.
    Unknown,
    After(Option<u64>),
}

impl RoomList {
    /// Opens a room, which the user joins by that.
    pub fn open(&self, room: Option<&Room>) {
        let is_other = self.open.borrow().as_ref() != room;
        if is_other {
            self.open.replace(room.cloned());
            self.line.set(Line::Unknown);
        }
        if let Some(room) = room {
            self.clock.set(self.clock.get() + 1);
            let opened = self.clock.get();
            let mut kept = self.kept.borrow_mut();
            match kept.iter_mut().find(|kept| kept.room == *room) {
                Some(known) => known.opened = opened,
                None => kept.push(Kept { room: room.clone(), opened, is_live: false }),
            }
            let is_live = kept.iter().any(|kept| kept.room == *room && kept.is_live);
            drop(kept);
            if is_other {
                if is_live {
                    self.freeze_line();
                }
                self.join(room);
                self.check_mentions();
            }
        }
        self.keep();
        self.show_title();
    }

    /// The rooms whose messages are to be in the page.
    pub fn kept(&self) -> Vec<Room> {
        self.kept.borrow().iter().map(|kept| kept.room.clone()).collect()
    }

    /// The offset after which the messages were new when the open room was entered.
    pub fn new_after(&self) -> Option<u64> {
        match self.line.get() {
            Line::After(after) => after,
            Line::Unknown => None,
        }
    }

    /// Chooses the rooms whose messages are in the page: those that were open, and the first ones of the list.
    pub(super) fn keep(&self) {
        let mut kept = self.kept.borrow_mut();
        if self.is_settled.get() {
            let (rooms, me) = (self.rooms.borrow(), self.me.borrow());
            for entry in rooms.joined() {
                let is_known = kept.iter().any(|kept| *kept.room.key == *entry.key);
                if !is_known
                    && kept.len() < MAX_KEPT
                    && let Ok(room) = Room::of_key(&entry.key, me.as_ref())
                {
                    kept.push(Kept { room, opened: 0, is_live: false });
                }
            }
        }
        while kept.len() > MAX_KEPT {
            let oldest = kept.iter().enumerate().min_by_key(|(_, kept)| kept.opened);
            let Some((oldest, _)) = oldest else { break };
            kept.remove(oldest);
        }
        drop(kept);
        self.set_room_rules();
    }

    pub(super) fn freeze_line(&self) {
        let open = self.open.borrow();
        let Some(open) = &*open else { return };
        let after = self.rooms.borrow().get(&open.key).and_then(|entry| entry.unread.line());
        self.line.set(Line::After(after));
    }

    /// The user writes in the open room, or has left it.
    pub(super) fn remove_line(&self) {
        if self.new_after().is_some() {
            self.line.set(Line::After(None));
            self.call_page();
        }
    }

    pub(super) fn is_open(&self, key: &str) -> bool {
        self.open.borrow().as_ref().is_some_and(|open| *open.key == *key)
    }
}
