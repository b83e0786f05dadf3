//! The open file. After a failure the engine refuses everything, so the file is opened again.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};
use session::Stream;

use super::error::{Error, Result, corrupt};
use super::format::{Identity, prepare};
use super::host::Host;
use super::ids::Recent;
use crate::StoreError;

/// How often a file that cannot be opened again is tried.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// See the [module](self).
pub(super) struct OpenFile {
    pub(super) host: Box<dyn Host>,
    /// The streams that the settings ask for.
    wanted: Vec<Stream>,
    pub(super) identity: Identity,
    /// All streams, by their numbers.
    streams: Vec<Stream>,
    slot: RwLock<Slot>,
}

enum Slot {
    Open(File),
    Closed { why: String, again: Instant },
}

/// The engine, and the ids that its table does not have yet.
pub(super) struct File {
    database: Database,
    recent: Mutex<Recent>,
}

impl File {
    fn new(database: Database) -> Result<Self> {
        let recent = Mutex::new(Recent::read(&database.begin_read()?)?);
        Ok(Self { database, recent })
    }

    /// What is committed at this moment.
    pub(super) fn read(&self) -> Result<ReadTransaction> {
        Ok(self.database.begin_read()?)
    }

    /// Begins the write transaction, of which there is one. The ids belong to it.
    pub(super) fn begin(&self) -> Result<(WriteTransaction, MutexGuard<'_, Recent>)> {
        let transaction = self.database.begin_write()?;
        Ok((transaction, self.recent.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl OpenFile {
    /// Opens or creates the file, with the streams of `wanted`. Returns all its streams too.
    pub(super) fn new(host: Box<dyn Host>, wanted: Vec<Stream>) -> Result<(Self, Vec<Stream>)> {
        let database = host.open()?;
        let (identity, streams) = prepare(&database, host.path(), host.now(), &wanted)?;
        let slot = RwLock::new(Slot::Open(File::new(database)?));
        Ok((Self { host, wanted, identity, streams: streams.clone(), slot }, streams))
    }

    /// Runs `work`. After a failure of the engine, the next call opens the file again.
    pub(super) fn with<T>(&self, work: impl FnOnce(&File) -> Result<T>) -> Result<T, StoreError> {
        let mut slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        if let Slot::Closed { .. } = *slot {
            drop(slot);
            self.reopen()?;
            slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        }
        let file = match &*slot {
            Slot::Open(file) => file,
            Slot::Closed { why, .. } => return Err(StoreError::Closed(why.clone())),
        };
        let result = work(file);
        drop(slot);
        if let Err(Error(StoreError::Engine(error))) = &result {
            let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
            if let Slot::Open(_) = *slot {
                let path = self.host.path().display();
                tracing::error!(%error, %path, "the store failed and will be opened again: see that its disk has room, is mounted, and reports no errors");
                *slot = Slot::Closed { why: error.to_string(), again: Instant::now() };
            }
        }
        Ok(result?)
    }

    fn reopen(&self) -> Result<()> {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        let Slot::Closed { why, again } = &mut *slot else { return Ok(()) };
        if Instant::now() < *again {
            return Err(Error(StoreError::Closed(why.clone())));
        }
        match self.open_again() {
            Ok(file) => {
                tracing::warn!(path = %self.host.path().display(), "the store is open again");
                *slot = Slot::Open(file);
                Ok(())
            }
            Err(Error(error)) => {
                *why = error.to_string();
                *again = Instant::now() + TRY_EVERY;
                Err(Error(error))
            }
        }
    }

    fn open_again(&self) -> Result<File> {
        let database = self.host.open()?;
        let (identity, streams) =
            prepare(&database, self.host.path(), self.host.now(), &self.wanted)?;
        // A file that was replaced meanwhile is another log; its positions must not be mixed.
        if identity != self.identity || streams != self.streams {
            return Err(corrupt("another log took the file's place"));
        }
        File::new(database)
    }
}
