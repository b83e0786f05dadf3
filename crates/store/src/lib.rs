//! The store of a relay: a durable log, an index by topic, and the outcomes of the clients' events.
//!
//! [`Store`] is what the relay needs, and [`Embedded`] is a store in one file. A store has one writer and many readers.
//! Its calls block, and belong on threads that may.
//!
//! Whether an event is new is decided by the [ledger](session::server::ledger) of the protocol. A store loads what the
//! ledger needs, asks it, and writes its answer in the transaction that holds the event.

mod command;
mod digest;
mod embedded;
mod error;
mod record;
mod search;
mod settings;
mod streams;

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use session::server::{Located, Older, Page, StreamNo, TopicCount};
use session::{Millis, Position, Start, Stream};
use topic::{Pattern, Topic};

pub use command::{Command, Interval, Write, WriteOutcome, Written};
pub use embedded::Embedded;
#[cfg(any(test, feature = "fuzzing"))]
pub use embedded::fuzzing;
pub use error::StoreError;
pub use record::Record;
pub use search::Search;
pub use settings::{Keep, MAX_KEEP_TOPIC, Route, Settings};

/// The most streams of a store.
pub const MAX_STREAMS: usize = 64;

/// The time by this machine's clock, in milliseconds since 1970.
pub fn now() -> Millis {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// A log and the decisions about it.
pub trait Store: Send + Sync + 'static {
    /// The id of the peer that this log belongs to.
    fn peer(&self) -> &str;

    /// The epoch of the log. It stays the same while the store is open; a restored backup starts a new one.
    fn epoch(&self) -> u64;

    /// The streams of the log. They stay the same while the store is open.
    fn streams(&self) -> &[Stream];

    /// The offset of the last event of each stream; 0 if the stream is empty.
    ///
    /// # Errors
    /// A [`StoreError`] if the store cannot be used now.
    fn heads(&self) -> Result<Vec<u64>, StoreError>;

    /// The oldest offset of a stream that is not trimmed. It is not read from the file, so it may be lower where
    /// nothing was trimmed since the store was opened.
    fn first(&self, stream: StreamNo) -> u64;

    /// Whether each of these clients is known.
    ///
    /// # Errors
    /// As [`Store::heads`].
    fn knows(&self, clients: &[[u8; 16]]) -> Result<Vec<bool>, StoreError>;

    /// Applies `commands` in their order, in one commit that is on disk when this returns. What they do does not depend
    /// on how they are grouped into calls, nor on a clock or the disk.
    ///
    /// # Errors
    /// A [`StoreError`]. Then no outcome may be announced. The log may hold the commit all the same, and a repeat finds
    /// it.
    fn apply(&self, commands: &[Command<'_>]) -> Result<Vec<Written>, StoreError>;

    /// Whether the disk can take `bytes` of events and still has its reserve.
    ///
    /// # Errors
    /// As [`Store::heads`].
    fn has_room(&self, bytes: u64) -> Result<bool, StoreError>;

    /// What the store holds, for monitoring.
    ///
    /// # Errors
    /// As [`Store::heads`].
    fn usage(&self) -> Result<Usage, StoreError>;

    /// Drops some of what is no longer kept: old and superseded events, and clients that stay away. `now` is in
    /// milliseconds since 1970.
    ///
    /// # Errors
    /// As [`Store::apply`].
    fn maintain(&self, now: Millis) -> Result<Maintained, StoreError>;

    /// Writes a consistent copy to the new file `to` while the store is in use. Opened as a store, it starts a new
    /// epoch.
    ///
    /// # Errors
    /// A [`StoreError`] if there is no copy.
    fn backup(&self, to: &Path) -> Result<Copied, StoreError>;

    /// Finds where a subscription starts. Returns `None` after a bounded number of rows: then call it again with the
    /// same `search`, which begins as [`Search::default`].
    ///
    /// # Errors
    /// As [`Store::heads`].
    fn locate(
        &self,
        pattern: &Pattern,
        start: &Start,
        search: &mut Search,
    ) -> Result<Option<Located>, StoreError>;

    /// Reads matching events of a stream from the offset `from` on: at most `limit`, and bounded in bytes and in rows
    /// looked at.
    ///
    /// # Errors
    /// As [`Store::heads`].
    fn read(
        &self,
        stream: StreamNo,
        pattern: &Pattern,
        from: u64,
        limit: usize,
    ) -> Result<Page, StoreError>;

    /// Reads matching events of a stream backwards: those before an offset, or the newest ones. Bounded as
    /// [`Store::read`].
    ///
    /// # Errors
    /// As [`Store::heads`].
    fn history(
        &self,
        stream: StreamNo,
        pattern: &Pattern,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Older, StoreError>;

    /// Counts the events of a topic after a position, in the stream that takes the topic's events, and finds the
    /// newest. Bounded by [`MAX_TALLY`](session::MAX_TALLY).
    ///
    /// # Errors
    /// As [`Store::heads`].
    fn tally(&self, topic: &Topic, after: Option<&Position>) -> Result<TopicCount, StoreError>;
}

impl fmt::Debug for dyn Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Store").field("peer", &self.peer()).finish_non_exhaustive()
    }
}

/// What a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The bytes of the file.
    pub file: u64,
    /// What each stream holds.
    pub streams: Vec<StreamUsage>,
}

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamUsage {
    /// The oldest offset that is not trimmed; `head + 1` if all are.
    pub first: u64,
    /// The newest offset; 0 if there never was an event.
    pub head: u64,
    /// How many events it holds. Fewer than there are offsets if some were superseded.
    pub count: u64,
    /// The bytes of topics and bodies.
    pub bytes: u64,
}

/// What a step of maintenance did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintained {
    /// Whether there is more to drop at once.
    pub more: bool,
    /// The events that later ones of their topics have superseded, as in [`Written::superseded`].
    pub superseded: Vec<(StreamNo, u64)>,
}

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// How many events.
    pub events: u64,
    /// The bytes of the file.
    pub bytes: u64,
}
