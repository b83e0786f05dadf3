//! The tables of the file, their version, and how a file of an older version becomes one of this.

use std::path::Path;

use redb::{
    Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, TableError,
    WriteTransaction,
};

use super::StoreError;
use super::clients::Clients;
use super::log::cost;

/// Offset to topic and body.
pub(super) const EVENTS: TableDefinition<'_, u64, (&str, &[u8])> = TableDefinition::new("events");
/// The offsets of each topic.
pub(super) const BY_TOPIC: TableDefinition<'_, (&str, u64), ()> = TableDefinition::new("by_topic");
/// Source and id to offset, so that a repeat is recognised.
pub(super) const IDS: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("ids");
/// Milliseconds since 1970 to the first event that was logged then: one row for a second with events.
pub(super) const TIMES: TableDefinition<'_, u64, u64> = TableDefinition::new("times");
/// Stream to [`Extent`](super::log::Extent).
pub(super) const STREAMS: TableDefinition<'_, &str, (u64, u64, u64, u64)> =
    TableDefinition::new("streams");
/// The format's version, the epoch, the peer's id; and in a backup that it is one.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// The stream that takes all topics.
pub(super) const MAIN: &str = "main";
/// The version of these tables. Version 1 had neither [`TIMES`] nor [`STREAMS`]: it kept everything.
const FORMAT: u64 = 2;

/// What a log is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) epoch: u64,
    pub(super) peer: u64,
}

impl Identity {
    fn read(meta: &impl ReadableTable<&'static str, u64>) -> Result<Self, StoreError> {
        let get = |name| -> Result<u64, StoreError> {
            Ok(meta.get(name)?.ok_or(StoreError::Corrupt("meta"))?.value())
        };
        Ok(Self { epoch: get("epoch")?, peer: get("peer")? })
    }
}

/// Makes the tables of a new file, brings those of an older one up to date, and gives a restored
/// backup a new epoch: what was logged after it was taken is not in it.
pub(super) fn prepare(database: &Database, path: &Path, now: u64) -> Result<Identity, StoreError> {
    // Also a disk that is full is read from.
    if let Some(identity) = as_it_is(database)? {
        return Ok(identity);
    }
    let transaction = database.begin_write()?;
    let identity = {
        let mut meta = transaction.open_table(META)?;
        let format = meta.get("format")?.map(|format| format.value());
        match format {
            Some(FORMAT) => {}
            Some(1) => {
                tracing::info!(path = %path.display(), "the store is brought from format 1 to {FORMAT}");
                add_extent(&transaction, now)?;
            }
            Some(found) => {
                return Err(StoreError::Format { path: path.to_owned(), found, known: FORMAT });
            }
            None => {
                meta.insert("epoch", random()?)?;
                meta.insert("peer", random()?)?;
            }
        }
        meta.insert("format", FORMAT)?;
        if meta.remove("backup")?.is_some() {
            let epoch = random()?;
            meta.insert("epoch", epoch)?;
            tracing::warn!(path = %path.display(), epoch, "this is a restored backup: its log starts a new epoch");
        }
        Identity::read(&meta)?
    };
    transaction.open_table(EVENTS)?;
    transaction.open_table(BY_TOPIC)?;
    transaction.open_table(IDS)?;
    transaction.open_table(TIMES)?;
    transaction.open_table(STREAMS)?;
    Clients::open(&transaction)?;
    transaction.commit()?;
    Ok(identity)
}

/// The identity of a file in which nothing is to be changed.
fn as_it_is(database: &Database) -> Result<Option<Identity>, StoreError> {
    let meta = match database.begin_read()?.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let is_current = meta.get("format")?.is_some_and(|format| format.value() == FORMAT);
    match is_current && meta.get("backup")?.is_none() {
        true => Identity::read(&meta).map(Some),
        false => Ok(None),
    }
}

/// Marks the file as a backup.
pub(super) fn mark_backup(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(META)?.insert("backup", 1)?;
    Ok(())
}

/// The names of the tables that a backup holds, with their types known to [`super::backup`].
pub(super) const META_TABLE: TableDefinition<'_, &str, u64> = META;

/// From format 1: what the log holds is counted, and its age counts from now.
fn add_extent(transaction: &WriteTransaction, now: u64) -> Result<(), StoreError> {
    let events = transaction.open_table(EVENTS)?;
    let mut bytes = 0;
    for row in events.iter()? {
        let event = row?.1;
        let (topic, body) = event.value();
        bytes += cost(topic, body);
    }
    let head = events.last()?.map_or(0, |(offset, _)| offset.value());
    let first = events.first()?.map_or(1, |(offset, _)| offset.value());
    if head != 0 && head - first + 1 != events.len()? {
        return Err(StoreError::Corrupt("offsets"));
    }
    transaction.open_table(STREAMS)?.insert(MAIN, (first, head, bytes, bytes))?;
    if head != 0 {
        transaction.open_table(TIMES)?.insert(now, first)?;
    }
    Ok(())
}

fn random() -> Result<u64, StoreError> {
    getrandom::u64().map_err(StoreError::Random)
}
