//! The unread messages of a room: exact up to a hundred.

use super::At;

/// The most messages that are counted. One more shows as "99+".
const MAX: usize = 100;

/// The most mentions that are remembered.
const MAX_MENTIONS: usize = 100;

/// The messages after the read position, without those of the user and without deleted ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Unread {
    read: Option<At>,
    /// In order. Of the newest epoch only.
    offsets: Vec<u64>,
    epoch: u64,
    /// Up to this offset there may be more unread messages.
    more: Option<u64>,
    mentions: Vec<At>,
}

impl Unread {
    /// The position of the last message that was read.
    pub fn read(&self) -> Option<At> {
        self.read
    }

    /// How many messages are unread, at most 100: a hundred may be more.
    pub fn count(&self) -> u32 {
        if self.more.is_some() { MAX as u32 } else { self.offsets.len() as u32 }
    }

    /// The count as it is shown. `None` if all is read.
    pub fn shown(&self) -> Option<String> {
        match self.count() as usize {
            0 => None,
            MAX => Some("99+".to_owned()),
            count => Some(count.to_string()),
        }
    }

    /// Whether an unread message mentions the user.
    pub fn has_mention(&self) -> bool {
        !self.mentions.is_empty()
    }

    /// The unread messages that mention the user.
    pub fn mentions(&self) -> Vec<At> {
        self.mentions.clone()
    }

    /// The message does not mention the user.
    pub fn not_mentioned(&mut self, at: At) {
        self.mentions.retain(|mention| *mention != at);
    }

    /// The offset after which messages are unread, if any are.
    pub fn line(&self) -> Option<u64> {
        let read =
            self.read.filter(|(epoch, _)| *epoch == self.epoch).map_or(0, |(_, offset)| offset);
        (self.count() > 0).then_some(read)
    }

    /// A message of another person.
    pub fn add(&mut self, at: At) {
        if self.is_read(at) {
            return;
        }
        let (epoch, offset) = at;
        if epoch != self.epoch {
            // A new log has none of the messages of the one before.
            (self.epoch, self.more) = (epoch, None);
            self.offsets.clear();
        }
        let place = self.offsets.partition_point(|other| *other < offset);
        if self.offsets.get(place) != Some(&offset) {
            self.offsets.insert(place, offset);
        }
        if self.offsets.len() > MAX {
            let oldest = self.offsets.remove(0);
            self.more = self.more.max(Some(oldest));
        }
    }

    /// Messages before this position may be unread, too.
    pub fn has_more(&mut self, before: At) {
        let last = (before.0, before.1.saturating_sub(1));
        if before.0 == self.epoch && !self.is_read(last) {
            self.more = self.more.max(Some(last.1));
        }
    }

    /// The message was deleted.
    pub fn remove(&mut self, at: At) {
        if at.0 == self.epoch {
            self.offsets.retain(|offset| *offset != at.1);
        }
        self.not_mentioned(at);
    }

    /// The message mentions the user.
    pub fn mention(&mut self, at: At) {
        if !self.is_read(at) && !self.mentions.contains(&at) && self.mentions.len() < MAX_MENTIONS {
            self.mentions.push(at);
        }
    }

    /// All messages up to this one are read. Returns whether anything changed: a position never goes back in its log.
    pub fn has_read(&mut self, at: At) -> bool {
        if self.is_read(at) {
            return false;
        }
        self.read = Some(at);
        let (epoch, offset) = at;
        if epoch == self.epoch {
            self.offsets.retain(|other| *other > offset);
            self.more = self.more.filter(|more| *more > offset);
        }
        self.mentions.retain(|mention| mention.0 == epoch && mention.1 > offset);
        true
    }

    fn is_read(&self, (epoch, offset): At) -> bool {
        self.read.is_some_and(|(known, read)| known == epoch && offset <= read)
    }
}
