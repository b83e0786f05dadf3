//! The messages of one room in the order in which they are shown: first those in the log, in the log's order, then the
//! user's own messages that are not in the log yet, in the order of their publishing. A refused message stays between
//! the messages that it stood between. Edits, reactions and deletions change the message that they are about.
//!
//! The message list folds it from the room's events. Each message occurs once, and the order in which events of the log
//! arrive does not matter.

mod author;
mod chunks;
mod marks;
mod orphans;
mod part;
mod place;
mod relations;
mod row;

use std::collections::HashMap;
use std::rc::Rc;

use super::refusal::Refusal;

pub use author::Author;
pub use chunks::Chunk;
pub use marks::{Gap, Mark, marks};
pub use place::Place;
pub use relations::{About, Fold, Relation, Said, utc_day};
pub use row::{Row, Seen, State};

use chunks::Chunks;
use orphans::Orphans;
use part::Part;

/// The messages of a room, or a part of them.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    chunks: Chunks,
    /// The place of each row, by its key.
    places: HashMap<Rc<str>, Place>,
    orphans: Orphans,
    /// The epochs of the log, in the order of their first events.
    epochs: Vec<u64>,
    /// How many pending messages of this browser were added so far.
    pending_seen: u64,
    /// Whether the newest page of the history is there.
    is_live: bool,
    /// Which part of the log it is.
    part: Part,
    /// Where events are gone.
    gaps: Rc<Vec<Gap>>,
}

/// A change to the timeline.
#[derive(Debug, Clone)]
pub enum Change {
    /// The user's own message is pending: [`State::Queued`] or [`State::Sent`].
    Pending { seen: Seen, state: State },
    /// A message is in the log.
    Stored { seen: Seen, epoch: u64, offset: u64 },
    /// The user's own message has been stored.
    Succeeded { id: Rc<str>, offset: u64 },
    /// The user's own message has been refused.
    Failed { id: Rc<str>, refusal: Refusal },
    /// The user has taken back a waiting message, or has removed a refused one.
    Removed { id: Rc<str> },
    /// An event is about another message. `at` is the epoch and the offset, or `None` while this browser's outbox has
    /// the event. There is no relation if the event was refused.
    Related {
        event: Rc<str>,
        about: Reference,
        day: u32,
        author: Author,
        at: Option<(u64, u64)>,
        relation: Option<Relation>,
    },
    /// The message at this offset was deleted.
    Deleted { epoch: u64, offset: u64 },
    /// Events of the log's newest epoch are gone: the first and the last offset.
    Gap { from: u64, to: u64 },
    /// The newest page of the history is there.
    Live,
}

/// The message that an event says it is about.
#[derive(Debug, Clone)]
pub struct Reference {
    pub id: Rc<str>,
    pub epoch: u64,
    pub offset: u64,
}

/// The most gaps that are shown.
const MAX_GAPS: usize = 100;

impl Timeline {
    /// The messages in order, in chunks.
    pub fn chunks(&self) -> &[Rc<Chunk>] {
        self.chunks.all()
    }

    /// Where events are gone.
    pub fn gaps(&self) -> &Rc<Vec<Gap>> {
        &self.gaps
    }

    /// Whether it has this browser's message with this id.
    pub fn has(&self, id: &Rc<str>) -> bool {
        self.find_own(id).is_some()
    }

    /// The message at an offset of an epoch, or of the newest one, and the index of its chunk.
    pub fn find(&self, epoch: Option<u64>, offset: u64) -> Option<(usize, &Rc<Row>)> {
        let life = match epoch {
            Some(epoch) => self.known_life(epoch)?,
            None => self.newest_life(),
        };
        let place = Place::in_log(life, offset);
        Some((self.chunks.chunk_of(place)?, self.chunks.get(place)?))
    }

    /// The message that an event says it is about.
    pub fn target(&self, about: &Reference) -> Option<&Rc<Row>> {
        let (_, row) = self.find(Some(about.epoch), about.offset)?;
        (row.seen.id == about.id).then_some(row)
    }

    /// The epoch and the offset of a message in the log.
    pub fn position(&self, row: &Row) -> Option<(u64, u64)> {
        match row.place {
            Place::InLog { life, offset, after: 0 } => Some((*self.epochs.get(life)?, offset)),
            _ => None,
        }
    }

    /// The newest message in the log that this browser's user has written, unless it was deleted.
    pub fn last_by(&self, me: &str) -> Option<&Rc<Row>> {
        let is_wanted = |row: &&Rc<Row>| row.offset().is_some() && row.is_by(me);
        self.chunks.rows().rev().filter(is_wanted).find(|row| !row.is_deleted())
    }

    /// The offset of the message that is nearest to an offset of the newest epoch: at or before it, or else the first
    /// one.
    pub fn nearest(&self, offset: u64) -> Option<u64> {
        let newest = self.newest_life();
        let offsets = || {
            self.chunks.rows().filter_map(|row| match row.place {
                Place::InLog { life, offset, after: 0 } if life == newest => Some(offset),
                _ => None,
            })
        };
        offsets().rev().find(|at| *at <= offset).or_else(|| offsets().next())
    }

    /// The timeline of a page that was just loaded, with the messages that were refused before.
    pub fn with_refused(refused: impl IntoIterator<Item = (Seen, Refusal)>) -> Self {
        let mut timeline = Self::default();
        for (seen, refusal) in refused {
            timeline.add_pending(seen, State::Failed(refusal));
        }
        timeline
    }

    /// The ids of the refused messages.
    pub fn refused(&self) -> Vec<Rc<str>> {
        let failed = self.chunks.rows().filter(|row| matches!(row.state, State::Failed(_)));
        failed.map(|row| row.seen.id.clone()).collect()
    }

    /// Applies a change. Known messages change nothing.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Pending { seen, state } => self.pending(seen, state),
            Change::Stored { seen, epoch, offset } => {
                let place = Place::in_log(self.life(epoch), offset);
                self.stored(seen, place);
            }
            Change::Succeeded { id, offset } => {
                let place = Place::in_log(self.newest_life(), offset);
                if let Some(row) = self.remove_pending(&id) {
                    self.insert(row.seen.clone(), State::Stored, place);
                }
            }
            Change::Failed { id, refusal } => {
                if let Some(row) = self.remove_pending(&id) {
                    // Its neighbours are known once the history is there.
                    let place = if self.is_live { self.fixed(&row) } else { row.place };
                    self.insert(row.seen.clone(), State::Failed(refusal), place);
                }
            }
            Change::Removed { id } => {
                self.remove_pending(&id);
            }
            Change::Related { event, about, day, author, at, relation } => {
                let place = at.map_or(Place::Pending(0), |(epoch, offset)| {
                    Place::in_log(self.life(epoch), offset)
                });
                let Reference { id, epoch, offset } = about;
                // Senders choose what they refer to. A message of an epoch without events is not in the log.
                if let Some(life) = self.known_life(epoch) {
                    let about = About { id, place: Place::in_log(life, offset), day };
                    self.related(about, Said { event, author, place, relation });
                }
            }
            Change::Deleted { epoch, offset } => {
                let place = Place::in_log(self.life(epoch), offset);
                match self.chunks.get(place) {
                    Some(row) => {
                        let fold = Some(relations::deleted(row.fold.as_ref()));
                        self.chunks.insert(Rc::new(Row { fold, ..(**row).clone() }));
                    }
                    None => self.orphans.delete(place),
                }
            }
            Change::Gap { from, to } => {
                let life = self.newest_life();
                let gap = Gap { from: Place::in_log(life, from), to: Place::in_log(life, to) };
                if self.gaps.len() < MAX_GAPS && !self.gaps.contains(&gap) {
                    Rc::make_mut(&mut self.gaps).push(gap);
                }
            }
            Change::Live => {
                self.is_live = true;
                self.fix_refused();
            }
        }
    }

    fn stored(&mut self, mut seen: Seen, place: Place) {
        let row = Row::new(seen.clone(), State::Stored, place, None);
        // The row of the same message: one of the same client, or a pending one, whose id no other client knows yet.
        let known = self.places.get(&row.key).copied().or_else(|| {
            let at = *self.places.get(&seen.id)?;
            self.chunks.get(at)?.is_pending().then_some(at)
        });
        let mut fold = None;
        if let Some(at) = known {
            if !place.is_better_than(at) && self.chunks.get(at).is_some_and(|row| !row.is_pending())
            {
                return;
            }
            if let Some(row) = self.remove(at) {
                fold = row.fold.clone().filter(|_| at == place);
                if row.seen.author.client != seen.author.client {
                    // The relay knows this browser under an earlier client id.
                    seen = row.seen.clone();
                }
            }
        }
        self.insert(seen, State::Stored, place);
        if let (Some(fold), Some(row)) = (fold, self.chunks.get(place)) {
            self.chunks.insert(Rc::new(Row { fold: Some(fold), ..(**row).clone() }));
        }
    }

    fn related(&mut self, about: About, said: Said) {
        let Some(row) = self.chunks.get(about.place) else {
            if self.orphans.add(about, said) {
                self.part.forget_days();
            }
            return;
        };
        if row.seen.id == about.id && utc_day(row.seen.time_ms) == about.day {
            let fold = Some(relations::with(row.fold.as_ref(), said, &row.seen.author));
            self.chunks.insert(Rc::new(Row { fold, ..(**row).clone() }));
        }
    }

    /// The place of a refused message: before the user's first later message, or else at the end of the log. Other
    /// clients' clocks say nothing about the order.
    fn fixed(&self, refused: &Row) -> Place {
        let Place::Pending(number) = refused.place else { return refused.place };
        let time_ms = refused.seen.time_ms;
        let is_later = |row: &Row| {
            time_ms.is_some() && row.seen.author.client.is_empty() && row.seen.time_ms > time_ms
        };
        let log = || self.chunks.rows().filter(|row| row.state == State::Stored);
        let before = log().take_while(|row| !is_later(row)).last();
        match before.map(|row| row.place) {
            Some(Place::InLog { life, offset, .. }) => Place::InLog { life, offset, after: number },
            _ => Place::InLog { life: 0, offset: 0, after: number },
        }
    }

    fn fix_refused(&mut self) {
        for id in self.refused() {
            if let Some(row) = self.remove_pending(&id) {
                self.insert(row.seen.clone(), row.state.clone(), self.fixed(&row));
            }
        }
    }

    /// Applies an echo: adds a row at the end, or changes the state of one. A late echo does not reset a stored or
    /// refused message to pending.
    fn pending(&mut self, seen: Seen, state: State) {
        match self.find_own(&seen.id) {
            None => self.add_pending(seen, state),
            Some(row) => {
                if matches!(row.state, State::Queued | State::Sent) {
                    let row = Row { seen, state, ..(**row).clone() };
                    self.chunks.insert(Rc::new(row));
                }
            }
        }
    }

    fn add_pending(&mut self, seen: Seen, state: State) {
        self.pending_seen += 1;
        self.insert(seen, state, Place::Pending(self.pending_seen));
    }

    /// The number of the epoch of an event in the log. Later epochs sort after earlier ones.
    fn life(&mut self, epoch: u64) -> usize {
        self.known_life(epoch).unwrap_or_else(|| {
            self.epochs.push(epoch);
            self.epochs.len() - 1
        })
    }

    /// The number of an epoch of which an event is known.
    fn known_life(&self, epoch: u64) -> Option<usize> {
        self.epochs.iter().position(|&other| other == epoch)
    }

    fn newest_life(&self) -> usize {
        self.epochs.len().saturating_sub(1)
    }

    /// This browser's message with this id.
    fn find_own(&self, id: &Rc<str>) -> Option<&Rc<Row>> {
        let row = self.chunks.get(*self.places.get(id)?)?;
        row.seen.author.client.is_empty().then_some(row)
    }

    fn remove_pending(&mut self, id: &Rc<str>) -> Option<Rc<Row>> {
        let place = self.find_own(id).filter(|row| row.is_pending())?.place;
        self.remove(place)
    }

    fn remove(&mut self, place: Place) -> Option<Rc<Row>> {
        let row = self.chunks.remove(place)?;
        self.places.remove(&row.key);
        Some(row)
    }

    fn insert(&mut self, seen: Seen, state: State, place: Place) {
        let about = About { id: seen.id.clone(), place, day: utc_day(seen.time_ms) };
        let fold = self.orphans.take(&about, &seen.author);
        let row = Rc::new(Row::new(seen, state, place, fold));
        self.places.insert(row.key.clone(), place);
        self.chunks.insert(row);
    }
}

#[cfg(all(test, not(target_family = "wasm")))]
mod any_order;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod parts;
#[cfg(test)]
mod targets;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
mod waiting;
