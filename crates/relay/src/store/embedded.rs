//! The embedded store: one redb file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use bus::{Pattern, Topic};
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction,
};
use session::server::{Decided, Located, Logged, Older, Page, Refusal};
use session::{Body, Durability, Position, RejectCode, Start};

use super::clients::{Admission, Clients};
use super::reading::Reading;
use super::{Outcome, Store, StoreError, Write, Written};

/// Offset to topic and body.
pub(super) const EVENTS: TableDefinition<'_, u64, (&str, &[u8])> = TableDefinition::new("events");
/// The offsets of each topic.
pub(super) const BY_TOPIC: TableDefinition<'_, (&str, u64), ()> = TableDefinition::new("by_topic");
/// Source and id to offset, so that a repeat is recognised.
const IDS: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("ids");
/// The format's version, the epoch, the peer's id.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// The version of these tables.
const FORMAT: u64 = 1;

/// The engine's cache; its own default is 1 GiB.
const CACHE_BYTES: usize = 64 << 20;

/// A [`Store`] in one file of a directory.
pub struct Embedded {
    path: PathBuf,
    epoch: u64,
    peer: String,
    /// None after a failure, until the file has been opened again: the engine answers nothing more
    /// after one.
    database: RwLock<Option<Database>>,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Embedded").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Embedded {
    /// Opens or makes the store in `directory`.
    ///
    /// # Errors
    /// A [`StoreError`] that says why it cannot be used.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(directory)
            .map_err(|error| StoreError::Directory(directory.to_owned(), error))?;
        let path = directory.join("events.redb");
        let database = open_file(&path)?;
        let (epoch, peer) = prepare(&database, &path)?;
        let peer = format!("{peer:016x}");
        Ok(Self { path, epoch, peer, database: RwLock::new(Some(database)) })
    }

    /// Runs `work`, and after a failure of the engine gives it a file that is opened anew next time.
    fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut opened = self.database.read().unwrap_or_else(PoisonError::into_inner);
        if opened.is_none() {
            drop(opened);
            self.reopen()?;
            opened = self.database.read().unwrap_or_else(PoisonError::into_inner);
        }
        let Some(database) = opened.as_ref() else {
            return Err(redb::Error::DatabaseClosed.into());
        };
        let result = work(database);
        drop(opened);
        if let Err(StoreError::Engine(error)) = &result {
            tracing::error!(%error, path = %self.path.display(), "the store failed; its file is opened anew");
            *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        result
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut slot = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            let database = open_file(&self.path)?;
            // A file that was replaced meanwhile is another log; its positions must not be mixed.
            if prepare(&database, &self.path)?.0 != self.epoch {
                return Err(StoreError::Corrupt("another log took the file's place"));
            }
            *slot = Some(database);
        }
        Ok(())
    }

    fn reading(&self, database: &Database) -> Result<Reading, StoreError> {
        Reading::new(&database.begin_read()?, self.epoch)
    }

    fn decide(
        &self,
        transaction: &WriteTransaction,
        batch: &[Write],
    ) -> Result<Written, StoreError> {
        let mut clients = Clients::open(transaction)?;
        let mut events = transaction.open_table(EVENTS)?;
        let mut by_topic = transaction.open_table(BY_TOPIC)?;
        let mut ids = transaction.open_table(IDS)?;
        let mut head = events.last()?.map_or(0, |(offset, _)| offset.value());
        let mut written = Written::default();
        let mut stored =
            |topic: &Topic, body: &Body, logged: &mut Vec<_>| -> Result<u64, StoreError> {
                let name = (body.source.as_str(), body.id.as_str());
                if let Some(offset) = ids.get(name)?.map(|offset| offset.value()) {
                    return Ok(offset);
                }
                head += 1;
                let bytes: Arc<[u8]> = body.encode().into();
                events.insert(head, (topic.as_str(), &*bytes))?;
                by_topic.insert((topic.as_str(), head), ())?;
                ids.insert(name, head)?;
                logged.push(Arc::new(Logged { offset: head, topic: topic.clone(), body: bytes }));
                Ok(head)
            };
        for write in batch {
            written.outcomes.push(match write {
                Write::Open(hello) => Outcome::Opened(clients.open_connection(hello)?),
                Write::Append(append) => Outcome::Decided({
                    let admission = match &append.client {
                        Some(numbered) => clients.admit(numbered)?,
                        None => Admission::New,
                    };
                    match (admission, &append.event) {
                        (Admission::New, Ok((topic, body))) => {
                            let offset = stored(topic, body, &mut written.logged)?;
                            if let Some(numbered) = &append.client {
                                clients.decided(numbered, &body.id, offset)?;
                            }
                            self.acknowledge(offset, Some(body.id.clone()))
                        }
                        (Admission::New, Err(Refusal { code, message, .. })) => {
                            rejected(*code, message)
                        }
                        (Admission::Decided(offset), _) => self.acknowledge(offset, None),
                        (Admission::Fenced, _) => Decided::Fenced,
                        (Admission::Stale, _) => rejected(
                            RejectCode::StaleNumber,
                            "the number was decided and its outcome is forgotten",
                        ),
                        (Admission::Unknown, _) => rejected(
                            RejectCode::Uncertain,
                            "the client was forgotten: the event may be in the log or not",
                        ),
                    }
                }),
            });
        }
        Ok(written)
    }

    fn acknowledge(&self, offset: u64, id: Option<String>) -> Decided {
        Decided::Stored(Position { epoch: self.epoch, offset, id }, Durability::Disk)
    }
}

impl Store for Embedded {
    fn peer(&self) -> &str {
        &self.peer
    }

    fn head(&self) -> Result<u64, StoreError> {
        self.with(|database| Ok(self.reading(database)?.head_offset()))
    }

    fn write(&self, batch: &[Write]) -> Result<Written, StoreError> {
        self.with(|database| {
            // Durable is redb's default; what it says of a commit is true once `commit` returns.
            let transaction = database.begin_write()?;
            let written = self.decide(&transaction, batch)?;
            transaction.commit()?;
            Ok(written)
        })
    }

    fn locate(&self, pattern: &Pattern, start: &Start) -> Result<Located, StoreError> {
        self.with(|database| self.reading(database)?.locate(pattern, start))
    }

    fn read(&self, pattern: &Pattern, from: u64, limit: usize) -> Result<Page, StoreError> {
        self.with(|database| self.reading(database)?.page(pattern, from, limit))
    }

    fn history(
        &self,
        pattern: &Pattern,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Older, StoreError> {
        self.with(|database| self.reading(database)?.history(pattern, before, limit))
    }
}

fn rejected(code: RejectCode, message: &str) -> Decided {
    Decided::Rejected { code, message: message.to_owned(), retry: None }
}

fn open_file(path: &Path) -> Result<Database, StoreError> {
    Database::builder().set_cache_size(CACHE_BYTES).create(path).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::InUse(path.to_owned()),
        error => error.into(),
    })
}

/// Makes the tables of a new file, and gives the epoch and the peer's id.
fn prepare(database: &Database, path: &Path) -> Result<(u64, u64), StoreError> {
    let transaction = database.begin_write()?;
    let found = {
        let mut meta = transaction.open_table(META)?;
        let format = meta.get("format")?.map(|format| format.value());
        match format {
            Some(FORMAT) => {}
            Some(found) => {
                return Err(StoreError::Format { path: path.to_owned(), found, known: FORMAT });
            }
            None => {
                meta.insert("epoch", getrandom::u64().map_err(StoreError::Random)?)?;
                meta.insert("peer", getrandom::u64().map_err(StoreError::Random)?)?;
                meta.insert("format", FORMAT)?;
            }
        }
        let get = |name| -> Result<u64, StoreError> {
            Ok(meta.get(name)?.ok_or(StoreError::Corrupt("meta"))?.value())
        };
        (get("epoch")?, get("peer")?)
    };
    transaction.open_table(EVENTS)?;
    transaction.open_table(BY_TOPIC)?;
    transaction.open_table(IDS)?;
    Clients::open(&transaction)?;
    transaction.commit()?;
    Ok(found)
}

/// An event as it stands in a row.
pub(super) fn logged(offset: u64, topic: &str, body: &[u8]) -> Result<Arc<Logged>, StoreError> {
    let topic = Topic::parse(topic).map_err(|_| StoreError::Corrupt("topic"))?;
    Ok(Arc::new(Logged { offset, topic, body: body.into() }))
}
