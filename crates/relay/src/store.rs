//! What the relay needs of a store: a durable log, an index by topic, and what it has told its clients.
//!
//! The [hub](crate::hub) is its one writer; connections read. All calls block and belong on threads
//! that may.

mod backup;
mod block;
mod blocks;
mod client_row;
mod clients;
mod decide;
mod embedded;
mod filter;
mod format;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod host;
mod ids;
mod log;
mod names;
mod new_client_limiter;
mod outcomes;
mod packed;
mod reading;
mod record;
mod streams;
#[cfg(test)]
mod tests;
mod unreadable;

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session::server::{Decided, Located, Logged, Numbered, Older, Opened, Page, StreamNo};
use session::{Hello, Millis, Start, Stream};
use topic::Pattern;

pub use backup::Copied;
pub use embedded::Embedded;
pub use reading::Search;
pub use record::Record;

/// The most streams of a store.
pub const MAX_STREAMS: usize = 64;

/// The time by this machine's clock, in milliseconds since 1970.
pub(crate) fn now() -> Millis {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// A log and the decisions about it.
pub trait Store: Send + Sync + 'static {
    /// The id of the peer that this log belongs to.
    fn peer(&self) -> &str;

    /// The epoch of the log: a restored backup starts a new one. It is the same as long as the store is open.
    fn epoch(&self) -> u64;

    /// The streams of the log. They are the same as long as the store is open.
    fn streams(&self) -> &[Stream];

    /// The offset of the last event of each stream; 0 if there is none.
    ///
    /// # Errors
    /// A [`StoreError`] if the store cannot be used now.
    fn heads(&self) -> Result<Vec<u64>, StoreError>;

    /// The oldest offset of a stream that is not trimmed; without a look at the file, so that it may be lower
    /// where nothing was trimmed since the store was opened.
    fn first(&self, stream: StreamNo) -> u64;

    /// Applies `commands` in their order, in one commit that is on disk when this returns. What they do does not depend on
    /// how they are grouped into calls, nor on a clock or the disk.
    ///
    /// # Errors
    /// A [`StoreError`] if nothing may be told to anybody; what the commit was to hold may be in the log
    /// all the same, and a repeat then finds it.
    fn apply(&self, commands: &[Command<'_>]) -> Result<Vec<Written>, StoreError>;

    /// Whether the disk can take that many bytes of events and still has its reserve.
    ///
    /// # Errors
    /// As [`Store::heads`].
    fn has_room(&self, bytes: u64) -> Result<bool, StoreError>;

    /// Drops some of what is no longer kept: old events, and clients that stay away. Returns `true` if there is more to
    /// drop at once. `now` is in milliseconds since 1970.
    ///
    /// # Errors
    /// As [`Store::apply`].
    fn maintain(&self, now: Millis) -> Result<bool, StoreError>;

    /// Writes a consistent copy to the new file `to` while the store is in use. Opened as a store, it starts a new epoch.
    ///
    /// # Errors
    /// A [`StoreError`] if there is no copy.
    fn backup(&self, to: &Path) -> Result<Copied, StoreError>;

    /// Where a subscription starts. None after a bounded number of rows: call it again with the same `search`,
    /// which is new at first.
    ///
    /// # Errors
    /// As [`Store::heads`].
    fn locate(
        &self,
        pattern: &Pattern,
        start: &Start,
        search: &mut Search,
    ) -> Result<Option<Located>, StoreError>;

    /// Matching events of a stream from an offset on, at most `limit`, and bounded in bytes and in rows
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

    /// Matching events of a stream before an offset, or the newest ones, from the newest back; bounded as in
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
}

impl fmt::Debug for dyn Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Store").field("peer", &self.peer()).finish_non_exhaustive()
    }
}

/// Writes that are applied together, with all that they depend on beside the store.
#[derive(Debug, Clone, Copy)]
pub struct Command<'w> {
    /// When it is applied.
    pub time: Interval,
    /// Whether the disk has [room](Store::has_room) for new events.
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

/// What is to be decided.
#[derive(Debug, Clone)]
pub enum Write {
    /// A client connects, from this address; none if new clients of it are not limited.
    Open(Hello, Option<IpAddr>),
    /// An event is to be logged.
    Append(Record),
    /// The commit that held this number failed: higher numbers of its connection wait until it comes again.
    Hold(Numbered),
}

impl Write {
    /// About how many bytes it adds to the log.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Append(Record { event: Ok(ready), .. }) => ready.bytes(),
            Self::Open(..) | Self::Append(_) | Self::Hold(_) => 0,
        }
    }
}

/// What was decided about a [`Write`].
#[derive(Debug, PartialEq)]
pub enum WriteOutcome {
    /// About [`Write::Open`].
    Opened(Opened),
    /// About [`Write::Append`].
    Decided(Decided),
    /// About [`Write::Hold`].
    Held,
}

/// What a [`Command`] did.
#[derive(Debug, Default)]
pub struct Written {
    /// One for each write, in their order.
    pub outcomes: Vec<WriteOutcome>,
    /// The events that are new in the log, ascending in each stream.
    pub logged: Vec<Arc<Logged>>,
    /// The offset of the last event of each stream after it; 0 for an empty stream.
    pub heads: Vec<u64>,
}

/// What a store keeps, and what it takes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which stream takes which topics: the first route that matches, and else the main stream.
    pub routes: Vec<Route>,
    /// What of a stream is kept,
    pub keep: Keep,
    /// and what of these streams instead.
    pub keep_of: Vec<(Stream, Keep)>,
    /// How long a client is known after it was last heard of.
    pub keep_clients: Duration,
    /// So many bytes of the disk stay free: before they are touched, events are rejected as
    /// [`DiskFull`](session::RejectCode::DiskFull). 0 for none.
    pub reserve: u64,
    /// How many new clients an address may make per hour; 0 for any number.
    pub new_clients_per_hour: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            keep: Keep::default(),
            keep_of: Vec::new(),
            keep_clients: Duration::from_secs(90 * 24 * 60 * 60),
            reserve: 64 << 20,
            new_clients_per_hour: 600,
        }
    }
}

/// A stream that takes the topics of some patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The stream.
    pub stream: Stream,
    /// Its patterns.
    pub patterns: Vec<Pattern>,
}

/// Which events of a stream are kept: those that no bound drops. The newest one is dropped by its age only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// The most events.
    pub events: u64,
    /// The most bytes of topics and bodies; the file is larger.
    pub bytes: u64,
    /// The oldest, to the second; none for any age.
    pub age: Option<Duration>,
}

impl Default for Keep {
    /// Everything is kept.
    fn default() -> Self {
        Self { events: u64::MAX, bytes: u64::MAX, age: None }
    }
}

/// The store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory cannot be made.
    #[error("the data directory {0} cannot be made: {1}; give another one with --data")]
    Directory(PathBuf, std::io::Error),
    /// A file cannot be opened or made.
    #[error("{0}: {1}; see that it can be written, or give another name")]
    File(PathBuf, #[source] std::io::Error),
    /// It failed before and could not be opened again yet.
    #[error("the store is closed after a failure and will be opened again: {0}")]
    Closed(String),
    /// Another process has the file.
    #[error("{0} is in use by another process: stop it, or give another directory with --data")]
    InUse(PathBuf),
    /// The file is of another version of the format.
    #[error(
        "{path} has format {found} and this relay writes format {known}: use a newer relay, or give another directory with --data"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The version that this relay knows.
        known: u64,
    },
    /// Something is said of a stream that there is not.
    #[error(
        "the store has no stream `{0}`: give it topics with --stream, or say nothing of it (--keep-…)"
    )]
    NoStream(String),
    /// There would be more streams than a store has.
    #[error("a store has at most {MAX_STREAMS} streams, also those that take no topics any more")]
    TooManyStreams,
    /// A row does not hold what was written there.
    #[error("the store holds a row that cannot be read ({0}): restore the file from a backup")]
    Corrupt(&'static str),
    /// The system gives no randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// The engine failed: a full disk, an unreadable file.
    #[error("the store failed: {0}; see that its disk has room and can be written")]
    Engine(#[source] Box<redb::Error>),
}

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> Self {
        Self::Engine(Box::new(error.into()))
    }
}
