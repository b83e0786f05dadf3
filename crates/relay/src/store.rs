//! What the relay needs of a store: a durable log, an index by topic, and what it has told its clients.
//!
//! The [hub](crate::hub) is its one writer; connections read. All calls block and belong on threads
//! that may.

mod clients;
mod embedded;
mod reading;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use bus::Pattern;
use session::server::{Append, Decided, Located, Logged, Older, Opened, Page};
use session::{Hello, Start};

pub use embedded::Embedded;

/// A log and the decisions about it.
pub trait Store: Send + Sync + 'static {
    /// The id of the peer that this log belongs to.
    fn peer(&self) -> &str;

    /// The offset of the last event; 0 if there is none.
    ///
    /// # Errors
    /// A [`StoreError`] if the store cannot be used now.
    fn head(&self) -> Result<u64, StoreError>;

    /// Decides `batch` in its order, in one commit that is on disk when this returns.
    ///
    /// # Errors
    /// A [`StoreError`] if nothing may be told to anybody; what the commit was to hold may be in the log
    /// all the same, and a repeat then finds it.
    fn write(&self, batch: &[Write]) -> Result<Written, StoreError>;

    /// Where a subscription starts.
    ///
    /// # Errors
    /// As [`Store::head`].
    fn locate(&self, pattern: &Pattern, start: &Start) -> Result<Located, StoreError>;

    /// Matching events from an offset on, at most `limit`, and bounded in bytes and in rows looked at.
    ///
    /// # Errors
    /// As [`Store::head`].
    fn read(&self, pattern: &Pattern, from: u64, limit: usize) -> Result<Page, StoreError>;

    /// Matching events before an offset, or the newest ones, from the newest back; bounded as in
    /// [`Store::read`].
    ///
    /// # Errors
    /// As [`Store::head`].
    fn history(
        &self,
        pattern: &Pattern,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Older, StoreError>;
}

/// What is to be decided.
#[derive(Debug)]
pub enum Write {
    /// A client connects.
    Open(Hello),
    /// An event is to be logged.
    Append(Append),
}

/// What was decided about a [`Write`].
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// About [`Write::Open`].
    Opened(Opened),
    /// About [`Write::Append`].
    Decided(Decided),
}

/// What a commit holds.
#[derive(Debug, Default)]
pub struct Written {
    /// One for each write, in their order.
    pub outcomes: Vec<Outcome>,
    /// The events that are new in the log, ascending.
    pub logged: Vec<Arc<Logged>>,
}

/// The store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory cannot be made.
    #[error("the data directory {0} cannot be made: {1}; give another one with --data")]
    Directory(PathBuf, std::io::Error),
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
