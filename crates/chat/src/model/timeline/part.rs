//! Which part of the log a timeline is: where it begins, which relations it has, and how parts join. A reader who jumps
//! far back reads a part of its own, which joins the newest one when it has grown up to it.

use std::rc::Rc;

use super::chunks::Chunks;
use super::{Chunk, Place, Row, Timeline, utc_day};

/// The most messages of a timeline, and the most bytes that they may need, about. The oldest ones are forgotten; paging
/// back brings them again.
const MAX_ROWS: usize = 20_000;
const MAX_BYTES: usize = 24_000_000;

/// Chunks of separate parts get keys from separate ranges.
const KEYS: u64 = 1 << 32;

/// What a timeline knows about its part of the log.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Events before this place are not known. Without it, the log had no event when it was read.
    oldest: Option<Place>,
    /// It begins with the first message.
    is_first: bool,
    /// The days of which all relations are known.
    days: Vec<u32>,
    /// Relations were dropped since days were asked for: those of these days are to be read again.
    has_forgotten: bool,
    /// The number of the newest separate part.
    separate: u64,
}

impl Part {
    pub(super) fn forget_days(&mut self) {
        self.has_forgotten = true;
    }
}

impl Timeline {
    /// The epoch and the offset of the oldest known event, before which paging continues.
    pub fn oldest(&self) -> Option<(u64, u64)> {
        match self.part.oldest? {
            Place::InLog { life, offset, .. } => Some((*self.epochs.get(life)?, offset)),
            Place::Pending(_) => None,
        }
    }

    /// Whether it begins with the first message of the room.
    pub fn is_first(&self) -> bool {
        self.part.is_first
    }

    /// Everything from this offset on is known now. `is_first` says that nothing is before it.
    pub fn begins_at(&mut self, oldest: Option<(u64, u64)>, is_first: bool) {
        if let Some((epoch, offset)) = oldest {
            let place = Place::in_log(self.life(epoch), offset);
            self.part.oldest = Some(self.part.oldest.map_or(place, |known| known.min(place)));
        }
        // A page of the middle does not take back that the first message is known.
        self.part.is_first |= is_first;
    }

    /// Whether an event at this offset belongs to this part, which goes on to the newest one.
    pub fn covers(&mut self, epoch: u64, offset: u64) -> bool {
        let place = Place::in_log(self.life(epoch), offset);
        self.part.oldest.is_none_or(|oldest| place >= oldest)
    }

    /// The days of these messages of which the relations are still to be read, newest first.
    pub fn unread_days(&mut self, times: impl IntoIterator<Item = Option<u64>>) -> Vec<u32> {
        // Relations that were dropped while their day was read are still missing.
        if std::mem::take(&mut self.part.has_forgotten) {
            self.part.days.clear();
        }
        let mut days: Vec<u32> = times.into_iter().map(utc_day).collect();
        days.sort_unstable_by(|one, other| other.cmp(one));
        days.dedup();
        days.retain(|day| !self.part.days.contains(day));
        days
    }

    /// All relations of these days were applied.
    pub fn has_read_days(&mut self, days: &[u32]) {
        self.part.days.extend(days);
    }

    /// An empty part of the same log, for another place of it.
    pub fn separate(&mut self) -> Self {
        self.part.separate += 1;
        let chunks = Chunks::from_key(self.part.separate * KEYS);
        let (days, has_forgotten) = (self.part.days.clone(), self.part.has_forgotten);
        let part = Part { days, has_forgotten, ..Part::default() };
        let (orphans, epochs) = (self.orphans.clone(), self.epochs.clone());
        Self {
            chunks,
            orphans,
            epochs,
            part,
            is_live: true,
            gaps: self.gaps.clone(),
            ..Self::default()
        }
    }

    /// Joins a separate part that ends where this one begins, or later: messages that both have are taken from this
    /// one.
    pub fn join(&mut self, mut before: Self) {
        let oldest = self.part.oldest;
        let is_known = |row: &&Rc<Row>| oldest.is_some_and(|oldest| row.place >= oldest);
        let known = before.chunks.rows().rev().take_while(is_known);
        for place in known.map(|row| row.place).collect::<Vec<_>>() {
            before.remove(place);
        }
        // A message that the log has twice stands where it is first.
        let twice =
            before.places.iter().filter_map(|(key, at)| Some((*at, *self.places.get(key)?)));
        for (at, known) in twice.collect::<Vec<_>>() {
            if at.is_better_than(known) {
                self.remove(known);
            } else {
                before.remove(at);
            }
        }
        // Refused messages may stand before all that is known of the log.
        let is_before = |row: &&Rc<Row>| oldest.is_some_and(|oldest| row.place < oldest);
        let refused: Vec<_> = self.chunks.rows().take_while(is_before).cloned().collect();
        for row in &refused {
            self.chunks.remove(row.place);
        }
        self.chunks.prepend(before.chunks);
        refused.into_iter().for_each(|row| self.chunks.insert(row));
        self.places.extend(before.places);
        self.part.has_forgotten |= self.orphans.append(before.orphans) || before.part.has_forgotten;
        self.part.oldest = before.part.oldest;
        self.part.is_first = before.part.is_first;
        self.part.days.extend(before.part.days);
    }

    /// Forgets the oldest messages when there are too many, but no chunk from `read` on, which the reader sees.
    pub fn trim(&mut self, read: Option<u64>) {
        let is_full = |it: &Self| it.chunks.len() > MAX_ROWS || it.chunks.bytes() > MAX_BYTES;
        if !is_full(self) {
            return;
        }
        let read = self.chunks().iter().position(|chunk| Some(chunk.key) == read);
        let most = read.unwrap_or(usize::MAX).min(self.chunks().len().saturating_sub(1));
        let mut gone = Vec::new();
        while is_full(self) && gone.len() < most {
            gone.extend(self.chunks.drain(0..1));
        }
        self.forget(&gone);
    }

    /// Whether it is twice as full as it should be: it was not trimmed because the reader is at its beginning.
    pub fn is_overfull(&self) -> bool {
        self.chunks.len() > 2 * MAX_ROWS || self.chunks.bytes() > 2 * MAX_BYTES
    }

    /// Splits a timeline whose reader is at its beginning: returns the oldest messages as a separate part, and forgets
    /// those in the middle, so that both are far below the limits.
    pub fn split(&mut self) -> Self {
        let mut older = self.separate();
        (older.part.oldest, older.part.is_first) = (self.part.oldest, self.part.is_first);
        let mut first = self.chunks.drain(0..self.chunks().len() / 2);
        let middle = first.split_off(first.len() / 2);
        for row in first.iter().flat_map(|chunk| &chunk.rows) {
            self.places.remove(&row.key);
            older.places.insert(row.key.clone(), row.place);
        }
        older.chunks.adopt(first);
        self.forget(&middle);
        older.part.days.clone_from(&self.part.days);
        older
    }

    /// Forgets messages, but not those that were refused, which no log brings again.
    fn forget(&mut self, gone: &[Rc<Chunk>]) {
        for row in gone.iter().flat_map(|chunk| &chunk.rows) {
            let day = utc_day(row.seen.time_ms);
            self.part.days.retain(|known| *known != day);
            if row.is_pending() {
                self.chunks.insert(row.clone());
            } else {
                self.places.remove(&row.key);
            }
        }
        if !gone.is_empty() {
            let first = self.chunks.rows().find(|row| !row.is_pending());
            self.part.oldest = first.map(|row| row.place).or(self.part.oldest);
            self.part.is_first = false;
        }
    }

    /// The epoch and the offset of the newest message in the log.
    pub fn end(&self) -> Option<(u64, u64)> {
        self.chunks.rows().rev().find_map(|row| self.position(row))
    }
}
