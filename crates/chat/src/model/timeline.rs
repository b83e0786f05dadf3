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
    /// The id of its event. Clients choose ids, so those of two clients may be equal.
    pub id: Rc<str>,
    /// The client that sent it, as the relay attests; empty for this browser.
    pub client: Rc<str>,
    /// What was said, and by whom according to the client.
    pub message: Rc<TextMessage>,
    /// When it was published, in milliseconds since 1970 by its sender's clock, if that is known.
    pub time_ms: Option<u64>,
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
    pub client: Rc<str>,
    pub message: Rc<TextMessage>,
    pub time_ms: Option<u64>,
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
    /// Whether it goes on with what `before` said, so that the sender need not be named again. A client that
    /// claims to be the sender before does not.
    pub fn follows(&self, before: &Row) -> bool {
        let pause = self.time_ms.zip(before.time_ms).map(|(one, other)| one.abs_diff(other));
        self.client == before.client
            && self.message.sender == before.message.sender
            && pause.is_none_or(|pause| pause < TURN_MS)
    }

    /// Whether the person of this id said it: in this browser, whatever others claim.
    pub fn is_by(&self, me: &str) -> bool {
        self.client.is_empty() && self.message.sender.id == me
    }

    /// Names the row among all rows, also while it moves from pending into the log.
    pub fn key(&self) -> String {
        [&*self.client, &*self.id].concat()
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
            Change::Stored { mut seen, epoch, offset } => {
                let life = self.life(epoch);
                if let Some(row) = self.remove_same(&seen)
                    && row.client != seen.client
                {
                    // The relay knows this browser by an earlier client.
                    seen = row.seen();
                }
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

    /// This browser's message of that id. From the end, where most of what is looked for stands.
    fn find(&self, id: &str) -> Option<usize> {
        self.rows.iter().rposition(|row| &*row.id == id && row.client.is_empty())
    }

    /// The row of the same message: one of the same client, or one that is pending: until it is in the log, nobody
    /// else knows its id.
    fn remove_same(&mut self, seen: &Seen) -> Option<Rc<Row>> {
        let is_same =
            |row: &Rc<Row>| row.id == seen.id && (row.client == seen.client || row.is_pending());
        let at = self.rows.iter().rposition(is_same)?;
        Some(self.rows.remove(at))
    }

    fn remove_pending(&mut self, id: &str) -> Option<Rc<Row>> {
        let at = self.find(id)?;
        self.rows[at].is_pending().then(|| self.rows.remove(at))
    }

    fn insert(&mut self, seen: Seen, state: State, place: Place) {
        let after = self.rows.iter().rposition(|row| row.place < place);
        let at = after.map_or(0, |at| at + 1);
        self.rows.insert(at, Rc::new(seen.into_row(state, place)));
    }

    fn forget_oldest(&mut self) {
        let stored = self.rows.partition_point(|row| !row.is_pending());
        self.rows.drain(..stored.saturating_sub(MOST_STORED));
    }
}

impl Row {
    fn seen(&self) -> Seen {
        Seen {
            id: self.id.clone(),
            client: self.client.clone(),
            message: self.message.clone(),
            time_ms: self.time_ms,
        }
    }

    fn is_pending(&self) -> bool {
        matches!(self.place, Place::Pending(_))
    }
}

impl Seen {
    fn into_row(self, state: State, place: Place) -> Row {
        let Self { id, client, message, time_ms } = self;
        Row { id, client, message, time_ms, state, place }
    }
}

#[cfg(test)]
#[path = "timeline/tests.rs"]
mod tests;
