//! The tables of the file, their version, and the migration from older versions.

mod older;

use std::path::Path;

use redb::{
    Database, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction,
};

use session::Stream;
use session::server::ledger::LogPosition;

use super::clients::Clients;
use super::error::{Error, Result, corrupt};
use super::names;
use crate::StoreError;
use crate::digest::Digest;

/// Stream and first offset to [consecutive events](super::block).
pub(super) const BLOCKS: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("blocks");
/// Stream, topic and the first of some offsets to the [other ones](super::packed).
pub(super) const TOPICS: TableDefinition<'_, (u32, &str, u64), &[u8]> =
    TableDefinition::new("topics");
/// Stream and milliseconds since 1970 to the first event logged then: one row for each second with events.
pub(super) const TIMES: TableDefinition<'_, (u32, u64), u64> = TableDefinition::new("logged");
/// Stream to [`Extent`](super::log::Extent).
pub(super) const EXTENTS: TableDefinition<'_, u32, ExtentRow> = TableDefinition::new("held");
/// A row of [`EXTENTS`].
pub(super) type ExtentRow = (u64, u64, u64, u64, u64, u64);
/// Digest to position. Rows of events that are gone may be left.
pub(super) const IDS: TableDefinition<'_, &Digest, LogPosition> = TableDefinition::new("known");
/// The format's version, the epoch and the peer's id; in a backup also a mark.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// The number of the stream that takes all topics.
pub(super) const MAIN: u32 = 0;
/// The version of these tables.
const FORMAT: u64 = 4;

/// What identifies a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) epoch: u64,
    pub(super) peer: u64,
}

impl Identity {
    fn read(meta: &impl ReadableTable<&'static str, u64>) -> Result<Self> {
        let get = |name| -> Result<u64> { Ok(meta.get(name)?.ok_or(corrupt("meta"))?.value()) };
        Ok(Self { epoch: get("epoch")?, peer: get("peer")? })
    }
}

/// Creates the tables of a new file, migrates those of an older one, and gives a restored backup a new epoch, because
/// it lacks what was logged later. Creates the `wanted` streams that don't exist, and returns all streams.
pub(super) fn prepare(
    database: &Database,
    path: &Path,
    now: u64,
    wanted: &[Stream],
) -> Result<(Identity, Vec<Stream>)> {
    // A file that needs no change is read even from a full disk.
    if let Some(known) = as_it_is(database, wanted)? {
        return Ok(known);
    }
    let transaction = database.begin_write()?;
    let streams = names::add(&transaction, wanted)?;
    let identity = {
        let mut meta = transaction.open_table(META)?;
        let format = meta.get("format")?.map(|format| format.value());
        match format {
            Some(FORMAT) => {}
            Some(found @ 1..FORMAT) => {
                let path = path.display();
                tracing::info!(%path, "the store is brought from format {found} to {FORMAT}");
                older::bring_up_to_date(&transaction, found, now)?;
            }
            Some(found) => {
                let path = path.to_owned();
                return Err(Error(StoreError::Format { path, found, known: FORMAT }));
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
    transaction.open_table(BLOCKS)?;
    transaction.open_table(TOPICS)?;
    transaction.open_table(IDS)?;
    transaction.open_table(TIMES)?;
    transaction.open_table(EXTENTS)?;
    Clients::open(&transaction)?;
    transaction.commit()?;
    Ok((identity, streams))
}

/// What a file holds that needs no change; `None` if it needs one.
fn as_it_is(database: &Database, wanted: &[Stream]) -> Result<Option<(Identity, Vec<Stream>)>> {
    let moment = database.begin_read()?;
    let meta = match moment.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let is_current = meta.get("format")?.is_some_and(|format| format.value() == FORMAT);
    if !is_current || meta.get("backup")?.is_some() {
        return Ok(None);
    }
    let Some(streams) = names::read(&moment)? else { return Ok(None) };
    let is_there = |stream| streams.contains(stream);
    let identity = Identity::read(&meta)?;
    Ok(wanted.iter().all(is_there).then_some((identity, streams)))
}

/// Marks the file as a backup.
pub(super) fn mark_backup(transaction: &WriteTransaction) -> Result<()> {
    transaction.open_table(META)?.insert("backup", 1)?;
    Ok(())
}

/// For [`super::backup`], which copies all tables.
pub(super) const META_TABLE: TableDefinition<'_, &str, u64> = META;

fn random() -> Result<u64> {
    getrandom::u64().map_err(|error| Error(StoreError::Random(error)))
}
