//! Why a store cannot be used.

use std::path::PathBuf;

use crate::MAX_STREAMS;

/// The store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory cannot be created.
    #[error("the data directory {0} cannot be created: {1}; give another one with --data")]
    Directory(PathBuf, std::io::Error),
    /// A file cannot be opened or created.
    #[error("{0}: {1}; see that it can be written, or give another name")]
    File(PathBuf, #[source] std::io::Error),
    /// The engine failed before and could not be opened again yet.
    #[error("the store is closed after a failure and will be opened again: {0}")]
    Closed(String),
    /// Another process has the file open.
    #[error("{0} is in use by another process: stop it, or give another directory with --data")]
    InUse(PathBuf),
    /// The file has another version of the format.
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
    /// The settings name a stream that does not exist.
    #[error(
        "the store has no stream `{0}`: give it topics with --stream, or drop its --keep-… options"
    )]
    NoStream(String),
    /// There would be more streams than a store has.
    #[error("a store has at most {MAX_STREAMS} streams, including those that take no topics now")]
    TooManyStreams,
    /// A row does not hold what was written there.
    #[error("the store holds a row that cannot be read ({0}): restore the file from a backup")]
    Corrupt(&'static str),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// The engine failed: a full disk, an unreadable file.
    #[error("the store failed: {0}; see that its disk has room and can be written")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
}
