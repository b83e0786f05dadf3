//! What is written, and what becomes of it.

use std::sync::Arc;

use session::server::{Decided, Deletion, Logged, Numbered, Opened, StreamNo};
use session::{Hello, Millis};

use crate::Record;

/// Writes that are applied together, with all that decides them beside the store.
#[derive(Debug, Clone, Copy)]
pub struct Command<'w> {
    /// When it is applied.
    pub time: Interval,
    /// Whether the disk has [room](crate::Store::has_room) for new events.
    pub has_room: bool,
    /// The writes, decided in their order.
    pub writes: &'w [Write],
}

/// The time, in milliseconds since 1970, as exactly as it is known: events are kept by `late`, and dropped by `early`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// It is not earlier than this,
    pub early: Millis,
    /// and not later than this.
    pub late: Millis,
}

impl From<Millis> for Interval {
    /// By one clock.
    fn from(now: Millis) -> Self {
        Self { early: now, late: now }
    }
}

/// About the most bytes that a deletion adds to the log.
const DELETION_BYTES: u64 = 512;

/// What is to be decided.
#[derive(Debug, Clone)]
pub enum Write {
    /// A client connects.
    Open {
        /// What it says.
        hello: Hello,
        /// [Whose connection](session::server::Server::subject) it is.
        subject: Option<String>,
        /// Whether the client may be created. If it is neither known nor may be created, the outcome is
        /// [`WriteOutcome::NewClient`]. A client that only [reads](Hello::reading) is never created.
        may_be_new: bool,
    },
    /// An event is to be logged.
    Append(Record),
    /// An event is to be deleted.
    Delete(Deletion),
    /// The commit that held this number failed: higher numbers of its connection wait until it comes again.
    Hold(Numbered),
}

impl Write {
    /// About how many bytes it adds to the log.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Append(record) => record.bytes(),
            Self::Delete(_) => DELETION_BYTES,
            Self::Open { .. } | Self::Hold(_) => 0,
        }
    }
}

/// What was decided about a [`Write`].
#[derive(Debug, PartialEq)]
pub enum WriteOutcome {
    /// About [`Write::Open`].
    Opened(Opened),
    /// About [`Write::Open`]: the client is not known, and may not be new. Nothing changes.
    NewClient,
    /// About [`Write::Append`] and [`Write::Delete`].
    Decided(Decided),
    /// About [`Write::Hold`].
    Held,
}

/// What a [`Command`] did.
#[derive(Debug, Default)]
pub struct Written {
    /// One for each write, in their order.
    pub outcomes: Vec<WriteOutcome>,
    /// The events that are new in the log, ascending in each stream. A later write of the command may have emptied
    /// some.
    pub logged: Vec<Arc<Logged>>,
    /// The deleted events, emptied, in the order of their deletions.
    pub emptied: Vec<Arc<Logged>>,
    /// The streams and offsets of the events that left the log because it holds enough later ones of their topics. New
    /// events may be among them.
    pub superseded: Vec<(StreamNo, u64)>,
    /// The offset of the last event of each stream after it; 0 for an empty stream.
    pub heads: Vec<u64>,
}
