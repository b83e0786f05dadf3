//! The messages of one room in the order in which they are shown: what the log holds, in the log's
//! order, and after it one's own that the log does not hold yet, in the order of their publishing.
//! Folded by the message list from the room's events; each message stands in it once.

use std::rc::Rc;

use crate::events::TextMessage;

/// Messages that stand in the log and are kept on screen; older ones leave.
const MOST_STORED: usize = 1_000;

/// Two messages of one sender within this time, in milliseconds, read as one turn.
const TURN_MS: u64 = 5 * 60 * 1_000;

/// A room's messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    rows: Vec<Rc<Row>>,
    /// The lives of the log, in the order in which they were met.
    epochs: Vec<u64>,
    /// How many of one's own messages have been seen pending.
    pending_seen: u64,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The id of its event.
    pub id: Rc<str>,
    /// Who said what.
    pub message: Rc<TextMessage>,
    /// When it was published, in milliseconds since 1970 by its sender's clock.
    pub time_ms: u64,
    /// How far it has come.
    pub state: State,
    place: Place,
}

/// How far a message has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Waits for the link.
    Queued,
    /// Left, not yet answered.
    Sent,
    /// Stands in the log.
    Stored,
    /// Was refused, for this reason.
    Failed(String),
}

/// Where a row stands: what is in the log comes before what is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    InLog { life: usize, offset: u64 },
    Pending(u64),
}

/// What an event does to the timeline.
#[derive(Debug, Clone)]
pub enum Change {
    /// One's own message is on its way: [`State::Queued`] or [`State::Sent`].
    Pending { seen: Seen, state: State },
    /// A message stands in the log.
    Stored { seen: Seen, epoch: u64, offset: u64 },
    /// One's own message has been stored.
    Succeeded { id: Rc<str>, offset: u64 },
    /// One's own message has been refused.
    Failed { id: Rc<str>, reason: String },
    /// One's own message that failed is gone, because it has been published again.
    Retried { id: Rc<str> },
}

/// A message as an event brought it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub id: Rc<str>,
    pub message: Rc<TextMessage>,
    pub time_ms: u64,
}

impl State {
    /// One word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Stored => "stored",
            Self::Failed(_) => "failed",
        }
    }
}

impl Row {
    /// Whether it goes on with what `before` said, so that the sender need not be named again.
    pub fn follows(&self, before: &Row) -> bool {
        self.message.sender == before.message.sender
            && self.time_ms.abs_diff(before.time_ms) < TURN_MS
    }
}

impl Timeline {
    /// The messages, in order.
    pub fn rows(&self) -> &[Rc<Row>] {
        &self.rows
    }

    /// Takes in what an event brought. What is known already changes nothing.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Pending { seen, state } => self.pending(seen, state),
            Change::Stored { seen, epoch, offset } => {
                let life = self.life(epoch);
                self.remove(&seen.id);
                self.insert(seen, State::Stored, Place::InLog { life, offset });
                self.forget_oldest();
            }
            Change::Succeeded { id, offset } => {
                let life = self.epochs.len().saturating_sub(1);
                if let Some(row) = self.remove_pending(&id) {
                    self.insert(row.seen(), State::Stored, Place::InLog { life, offset });
                }
            }
            Change::Failed { id, reason } => {
                if let Some(row) = self.remove_pending(&id) {
                    self.insert(row.seen(), State::Failed(reason), row.place);
                }
            }
            Change::Retried { id } => {
                self.remove_pending(&id);
            }
        }
    }

    /// An echo: a new row at the end, or a new state of one that is there. What has been stored or
    /// refused goes back to pending for no late echo.
    fn pending(&mut self, seen: Seen, state: State) {
        match self.find(&seen.id) {
            None => {
                self.pending_seen += 1;
                self.insert(seen, state, Place::Pending(self.pending_seen));
            }
            Some(at) => {
                let row = &self.rows[at];
                if matches!(row.state, State::Queued | State::Sent) {
                    let place = row.place;
                    self.rows[at] = Rc::new(seen.into_row(state, place));
                }
            }
        }
    }

    /// The number of a life of the log: later lives stand after earlier ones.
    fn life(&mut self, epoch: u64) -> usize {
        let known = self.epochs.iter().position(|&other| other == epoch);
        known.unwrap_or_else(|| {
            self.epochs.push(epoch);
            self.epochs.len() - 1
        })
    }

    /// From the end, where most of what is looked for stands.
    fn find(&self, id: &str) -> Option<usize> {
        self.rows.iter().rposition(|row| &*row.id == id)
    }

    fn remove(&mut self, id: &str) -> Option<Rc<Row>> {
        self.find(id).map(|at| self.rows.remove(at))
    }

    fn remove_pending(&mut self, id: &str) -> Option<Rc<Row>> {
        let at = self.find(id)?;
        matches!(self.rows[at].place, Place::Pending(_)).then(|| self.rows.remove(at))
    }

    fn insert(&mut self, seen: Seen, state: State, place: Place) {
        let after = self.rows.iter().rposition(|row| row.place < place);
        let at = after.map_or(0, |at| at + 1);
        self.rows.insert(at, Rc::new(seen.into_row(state, place)));
    }

    fn forget_oldest(&mut self) {
        let is_stored = |row: &Rc<Row>| matches!(row.place, Place::InLog { .. });
        let stored = self.rows.partition_point(is_stored);
        self.rows.drain(..stored.saturating_sub(MOST_STORED));
    }
}

impl Row {
    fn seen(&self) -> Seen {
        Seen { id: self.id.clone(), message: self.message.clone(), time_ms: self.time_ms }
    }
}

impl Seen {
    fn into_row(self, state: State, place: Place) -> Row {
        Row { id: self.id, message: self.message, time_ms: self.time_ms, state, place }
    }
}

#[cfg(test)]
#[path = "timeline/tests.rs"]
mod tests;
