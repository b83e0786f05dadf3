//! The messages of one room in the order in which they are shown: first those in the log, in the log's order, then the
//! user's own messages that are not in the log yet, in the order of their publishing. A refused message stays between
//! the messages that it stood between.
//!
//! The message list folds it from the room's events. Each message occurs once.

use std::rc::Rc;

use super::refusal::Refusal;
use crate::events::TextMessage;

/// How many messages from the log are kept. Older ones are removed. Refused ones stay.
const MOST_STORED: usize = 1_000;

/// Two messages of one sender within this time, in milliseconds, are grouped.
const TURN_MS: u64 = 5 * 60 * 1_000;

/// The messages of a room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    rows: Vec<Rc<Row>>,
    /// The epochs of the log, in the order of their first events.
    epochs: Vec<u64>,
    /// How many pending messages of this browser were added so far.
    pending_seen: u64,
    /// Whether the history has been replayed.
    is_live: bool,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The id of its event. Clients choose ids, so two clients may use the same.
    pub id: Rc<str>,
    /// The client that has sent it, as attested by the relay. Empty for this browser.
    pub client: Rc<str>,
    /// The text, and the author according to the client.
    pub message: Rc<TextMessage>,
    /// When it was published, in milliseconds since 1970 by its sender's clock, if known.
    pub time_ms: Option<u64>,
    /// Its state.
    pub state: State,
    place: Place,
}

/// The state of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It waits for the link.
    Queued,
    /// It was sent and is not acked yet.
    Sent,
    /// It is in the log.
    Stored,
    /// It was refused.
    Failed(Refusal),
}

/// The sort key of a row: messages in the log come before pending ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// At this offset, or after it: the number of a refused message, or zero for the message at the offset itself.
    InLog {
        life: usize,
        offset: u64,
        after: u64,
    },
    Pending(u64),
}

impl Place {
    fn in_log(life: usize, offset: u64) -> Self {
        Self::InLog { life, offset, after: 0 }
    }
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
    /// The history has been replayed.
    Live,
}

/// A message from an event.
#[derive(Debug, Clone)]
pub struct Seen {
    pub id: Rc<str>,
    pub client: Rc<str>,
    pub message: Rc<TextMessage>,
    pub time_ms: Option<u64>,
}

impl State {
    /// The state in one word, for style and tests.
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
    /// Whether it continues `before`, so that the sender is not named again. The attested clients must be the same.
    pub fn follows(&self, before: &Row) -> bool {
        let pause = self.time_ms.zip(before.time_ms).map(|(one, other)| one.abs_diff(other));
        self.client == before.client
            && self.message.sender == before.message.sender
            && pause.is_none_or(|pause| pause < TURN_MS)
    }

    /// Whether this browser's user has written it, independent of any claims.
    pub fn is_by(&self, me: &str) -> bool {
        self.client.is_empty() && self.message.sender.id == me
    }

    /// The unique key of the row, which stays the same when the message moves into the log.
    pub fn key(&self) -> String {
        [&*self.client, &*self.id].concat()
    }
}

impl Timeline {
    /// The messages in order.
    pub fn rows(&self) -> &[Rc<Row>] {
        &self.rows
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
        let failed = self.rows.iter().filter(|row| matches!(row.state, State::Failed(_)));
        failed.map(|row| row.id.clone()).collect()
    }

    /// Applies a change. Known messages change nothing.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Pending { seen, state } => self.pending(seen, state),
            Change::Stored { mut seen, epoch, offset } => {
                let life = self.life(epoch);
                if let Some(row) = self.remove_same(&seen)
                    && row.client != seen.client
                {
                    // The relay knows this browser under an earlier client id.
                    seen = row.seen();
                }
                self.insert(seen, State::Stored, Place::in_log(life, offset));
                self.forget_oldest();
            }
            Change::Succeeded { id, offset } => {
                let life = self.epochs.len().saturating_sub(1);
                if let Some(row) = self.remove_pending(&id) {
                    self.insert(row.seen(), State::Stored, Place::in_log(life, offset));
                }
            }
            Change::Failed { id, refusal } => {
                if let Some(row) = self.remove_pending(&id) {
                    // Before the history is there, nothing says between which messages it stands.
                    let place = if self.is_live { self.fixed(&row) } else { row.place };
                    self.insert(row.seen(), State::Failed(refusal), place);
                }
            }
            Change::Removed { id } => {
                self.remove_pending(&id);
            }
            Change::Live => {
                self.is_live = true;
                self.fix_refused();
            }
        }
    }

    /// The place of a refused message: before the user's first later message, or else at the end of the log. Other
    /// clients' clocks say nothing about the order.
    fn fixed(&self, refused: &Row) -> Place {
        let Place::Pending(number) = refused.place else { return refused.place };
        let is_later = |row: &Row| row.client.is_empty() && row.time_ms > refused.time_ms;
        let log = self.rows.iter().filter(|row| row.state == State::Stored);
        let before = log.take_while(|row| refused.time_ms.is_none() || !is_later(row)).last();
        match before.map(|row| row.place) {
            Some(Place::InLog { life, offset, .. }) => Place::InLog { life, offset, after: number },
            _ => Place::InLog { life: 0, offset: 0, after: number },
        }
    }

    fn fix_refused(&mut self) {
        for id in self.refused() {
            if let Some(row) = self.remove_pending(&id) {
                self.insert(row.seen(), row.state.clone(), self.fixed(&row));
            }
        }
    }

    /// Applies an echo: adds a row at the end, or changes the state of one. A late echo does not reset a stored or refused
    /// message to pending.
    fn pending(&mut self, seen: Seen, state: State) {
        match self.find(&seen.id) {
            None => self.add_pending(seen, state),
            Some(at) => {
                let row = &self.rows[at];
                if matches!(row.state, State::Queued | State::Sent) {
                    let place = row.place;
                    self.rows[at] = Rc::new(seen.into_row(state, place));
                }
            }
        }
    }

    fn add_pending(&mut self, seen: Seen, state: State) {
        self.pending_seen += 1;
        self.insert(seen, state, Place::Pending(self.pending_seen));
    }

    /// The number of an epoch of the log. Later epochs sort after earlier ones.
    fn life(&mut self, epoch: u64) -> usize {
        let known = self.epochs.iter().position(|&other| other == epoch);
        known.unwrap_or_else(|| {
            self.epochs.push(epoch);
            self.epochs.len() - 1
        })
    }

    /// This browser's message with this id. Searches from the end, where it most likely is.
    fn find(&self, id: &str) -> Option<usize> {
        self.rows.iter().rposition(|row| &*row.id == id && row.client.is_empty())
    }

    /// The row of the same message: one of the same client, or a pending one, whose id no other client knows yet.
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
        let stored = self.rows.iter().filter(|row| !row.is_pending()).count();
        let mut excess = stored.saturating_sub(MOST_STORED);
        if excess > 0 {
            self.rows.retain(|row| {
                let is_kept = excess == 0 || row.is_pending();
                excess -= usize::from(!is_kept);
                is_kept
            });
        }
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

    /// Whether it is not in the log.
    fn is_pending(&self) -> bool {
        self.state != State::Stored
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
