//! The rooms that the user has joined: their order, their newest messages, and what is unread.
//!
//! The list of rooms folds it from the events of all rooms, from the peer's counts, and from the user's read positions.
//! The order in which they arrive does not matter.

mod unread;

use std::rc::Rc;

use crate::events::{Membership, PersonId};

pub use unread::Unread;

/// The most joined rooms that are listed.
const MAX_ROOMS: usize = 200;

/// A position in the log: epoch and offset.
pub type At = (u64, u64);

/// The joined rooms.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rooms {
    entries: Vec<Entry>,
}

/// A joined room, or one that was left.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The [key](crate::events::Room::key).
    pub key: Rc<str>,
    /// The membership of the user.
    pub membership: Membership,
    /// The newest message.
    pub newest: Option<Newest>,
    /// The messages that were not read.
    pub unread: Unread,
    /// Whether the log has the membership, and not only this browser.
    pub is_in_log: bool,
    /// Whether it was joined just now, so that its history counts as read.
    is_fresh: bool,
}

/// The newest message of a room.
#[derive(Debug, Clone, PartialEq)]
pub struct Newest {
    /// Its position.
    pub at: At,
    /// When it was published, in milliseconds since 1970, and not later than when it arrived.
    pub time_ms: u64,
    /// The author, by the relay.
    pub author: Option<PersonId>,
    /// The name of the author. Empty for the user.
    pub name: Rc<str>,
    /// The first line, as its author has last written it. Empty once it was deleted.
    pub text: Rc<str>,
    /// Where its last edit is in the log.
    edited: Option<At>,
}

/// A message that a list of rooms sees.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its position.
    pub at: At,
    /// Whether the user has written it.
    pub is_own: bool,
    /// When it was published, in milliseconds since 1970, and not later than when it arrived.
    pub time_ms: u64,
    /// The author, by the relay.
    pub author: Option<PersonId>,
    /// The name of the author.
    pub name: Rc<str>,
    /// The first line. `None` if the message has no visible text, or was deleted.
    pub text: Option<Rc<str>>,
}

impl Rooms {
    /// All joined rooms, in the order in which they are shown: pinned ones, those with mentions, those with unread
    /// messages, and then the newest first.
    pub fn joined(&self) -> Vec<&Entry> {
        let mut joined: Vec<&Entry> =
            self.entries.iter().filter(|entry| entry.membership.is_joined).collect();
        joined.sort_by_key(|entry| std::cmp::Reverse(entry.rank()));
        joined
    }

    /// What is known of a room.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| &*entry.key == key)
    }

    /// The number of unread messages of all rooms that are not muted.
    pub fn total(&self) -> u32 {
        let counted = |entry: &&Entry| entry.membership.is_joined && !entry.membership.is_muted;
        self.entries.iter().filter(counted).map(|entry| entry.unread.count()).sum()
    }

    /// Changes the membership of the user in a room. A new room is not added beyond a bound. Returns whether anything
    /// changed.
    pub fn set(&mut self, key: &str, membership: Membership) -> bool {
        if let Some(entry) = self.entry(key) {
            return std::mem::replace(&mut entry.membership, membership) != membership;
        }
        let has_room = self.entries.len() < MAX_ROOMS;
        if has_room {
            self.entries.push(Entry {
                key: key.into(),
                membership,
                newest: None,
                unread: Unread::default(),
                is_in_log: false,
                is_fresh: false,
            });
        }
        has_room
    }

    /// The log has the membership of the user in a room. Returns whether anything changed.
    pub fn set_logged(&mut self, key: &str, membership: Membership) -> bool {
        let is_changed = self.set(key, membership);
        if let Some(entry) = self.entry(key) {
            entry.is_in_log = true;
        }
        is_changed
    }

    /// The user joins a room now. Its past is not unread. Returns whether the user was not in it.
    pub fn join(&mut self, key: &str) -> bool {
        let before = self.get(key).map(|entry| entry.membership).unwrap_or_default();
        let is_new = self.set(key, Membership { is_joined: true, ..before });
        if is_new && let Some(entry) = self.entry(key) {
            entry.is_fresh = entry.unread.read().is_none();
        }
        is_new
    }

    /// The history of a room is there: what comes from now on is new.
    pub fn caught_up(&mut self, key: &str) {
        if let Some(entry) = self.entry(key) {
            entry.is_fresh = false;
        }
    }

    /// A message of a room, live or from the log. Returns whether it moves the read position, because the user has
    /// written it.
    pub fn message(&mut self, key: &str, message: &Message) -> bool {
        let Some(entry) = self.entry(key) else { return false };
        let Message { at, is_own, time_ms, author, name, text } = message;
        let before = entry.unread.read();
        let is_later = entry.newest.as_ref().is_none_or(|newest| {
            newest.at.1 < at.1
                || newest.at.0 != at.0
                || (newest.text.is_empty() && newest.at != *at)
        });
        if *is_own || entry.is_fresh {
            entry.unread.has_read(*at);
        } else if text.is_some() {
            entry.unread.add(*at);
        }
        if is_later && let Some(text) = text {
            let name = if *is_own { Rc::default() } else { name.clone() };
            let (author, text) = (author.clone(), text.clone());
            entry.newest =
                Some(Newest { at: *at, time_ms: *time_ms, author, name, text, edited: None });
        }
        entry.unread.read() != before
    }

    /// The message at this position was deleted. Returns whether it was the newest one.
    pub fn deleted(&mut self, key: &str, at: At) -> bool {
        let Some(entry) = self.entry(key) else { return false };
        entry.unread.remove(at);
        let newest = entry.newest.as_mut().filter(|newest| newest.at == at);
        newest.map(|newest| newest.text = Rc::default()).is_some()
    }

    /// A person has changed the text of the message at `about`, by the event at `at`. Returns whether the preview
    /// changes.
    pub fn edited(&mut self, key: &str, about: At, by: &PersonId, at: At, text: Rc<str>) -> bool {
        let newest = self.entry(key).and_then(|entry| entry.newest.as_mut()).filter(|newest| {
            let is_last = newest.edited.is_none_or(|before| before.0 == at.0 && before.1 < at.1);
            let is_theirs = newest.at == about && newest.author.as_ref() == Some(by);
            is_theirs && is_last && !newest.text.is_empty()
        });
        newest.map(|newest| (newest.text, newest.edited) = (text, Some(at))).is_some()
    }

    /// The user is another person now: that person's log does not know the rooms.
    pub fn forget_log(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.is_in_log = false);
    }

    /// The user has read a room up to here. Returns whether anything changed.
    pub fn read(&mut self, key: &str, at: At) -> bool {
        self.entry(key).is_some_and(|entry| entry.unread.has_read(at))
    }

    /// A message mentions the user.
    pub fn mentioned(&mut self, key: &str, at: At) {
        if let Some(entry) = self.entry(key) {
            entry.unread.mention(at);
        }
    }

    /// A message does not mention the user, whatever the inbox says.
    pub fn not_mentioned(&mut self, key: &str, at: At) {
        if let Some(entry) = self.entry(key) {
            entry.unread.not_mentioned(at);
        }
    }

    /// The peer has counted more messages than a page has.
    pub fn has_more(&mut self, key: &str, before: At) {
        if let Some(entry) = self.entry(key) {
            entry.unread.has_more(before);
        }
    }

    /// The joined rooms and the read positions as a text.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for entry in self.entries.iter().filter(|entry| entry.membership.is_joined) {
            let Membership { is_muted, is_pinned, .. } = entry.membership;
            let flags = if is_muted { "m" } else { "-" };
            text.push_str(flags);
            text.push_str(if is_pinned { "p " } else { "- " });
            let (epoch, offset) = entry.unread.read().unwrap_or_default();
            for number in [epoch, offset] {
                text.push_str(&number.to_string());
                text.push(' ');
            }
            text.push_str(&entry.key);
            text.push('\n');
        }
        text
    }

    /// The rooms of such a text. What is not understood is skipped.
    pub fn of_text(text: &str) -> Self {
        let mut rooms = Self::default();
        for line in text.lines() {
            let mut parts = line.splitn(4, ' ');
            let (Some(flags), Some(epoch), Some(offset), Some(key)) =
                (parts.next(), parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let (is_muted, is_pinned) = (flags.starts_with('m'), flags.ends_with('p'));
            rooms.set(key, Membership { is_joined: true, is_muted, is_pinned });
            if let (Ok(epoch), Ok(offset @ 1..)) = (epoch.parse(), offset.parse()) {
                rooms.read(key, (epoch, offset));
            }
        }
        rooms
    }

    fn entry(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| &*entry.key == key)
    }
}

impl Entry {
    fn rank(&self) -> (bool, bool, bool, u64) {
        let has_news = !self.membership.is_muted && self.unread.count() > 0;
        let time_ms = self.newest.as_ref().map_or(0, |newest| newest.time_ms);
        (self.membership.is_pinned, self.unread.has_mention(), has_news, time_ms)
    }
}

#[cfg(test)]
mod tests;
