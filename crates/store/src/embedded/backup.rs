//! A consistent copy of the store, made while it is in use.
//!
//! Opening the copy as a store starts a new epoch: subscribers have seen later events that its log lacks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{
    Database, Key, ReadTransaction, ReadableTable, TableDefinition, TableError, Value,
    WriteTransaction,
};

use super::clients::{CLIENTS, REJECTS};
use super::error::{Error, Result};
use super::format::{BLOCKS, EXTENTS, IDS, META_TABLE, TIMES, TOPICS, mark_backup};
use super::host::{create, sync};
use super::log::Extent;
use super::names::NAMES;
use crate::{Copied, StoreError};

/// The engine's cache while it copies.
const CACHE_BYTES: usize = 16 << 20;

/// Copies what `moment` sees to the new file `to`, which gets its name only once it is complete.
pub(super) fn copy(moment: &ReadTransaction, to: &Path) -> Result<Copied> {
    let failed = |error| Error(StoreError::File(to.to_owned(), error));
    if to.try_exists().map_err(failed)? {
        return Err(failed(io::Error::from(io::ErrorKind::AlreadyExists)));
    }
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    let partial = PathBuf::from(name);
    let copied = write(moment, &partial).and_then(|events| {
        sync(&partial).map_err(failed)?;
        let bytes = partial.metadata().map_err(failed)?.len();
        fs::rename(&partial, to).map_err(failed)?;
        #[cfg(unix)]
        if let Some(directory) = to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
        }
        Ok(Copied { events, bytes })
    });
    if copied.is_err() {
        // It may not exist.
        let _ = fs::remove_file(&partial);
    }
    copied
}

fn write(moment: &ReadTransaction, to: &Path) -> Result<u64> {
    let failed = |error| Error(StoreError::File(to.to_owned(), error));
    if let Err(error) = fs::remove_file(to)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(failed(error));
    }
    let mut database = Database::builder();
    let file = create(to).map_err(failed)?;
    let database =
        database.set_cache_size(CACHE_BYTES).create_with_backend(FileBackend::new(file)?)?;
    let transaction = database.begin_write()?;
    table(moment, &transaction, META_TABLE)?;
    table(moment, &transaction, NAMES)?;
    table(moment, &transaction, EXTENTS)?;
    table(moment, &transaction, TIMES)?;
    table(moment, &transaction, BLOCKS)?;
    table(moment, &transaction, TOPICS)?;
    table(moment, &transaction, IDS)?;
    table(moment, &transaction, CLIENTS)?;
    table(moment, &transaction, REJECTS)?;
    let mut events = 0;
    for row in transaction.open_table(EXTENTS)?.iter()? {
        events += Extent::of(row?.1.value()).count;
    }
    mark_backup(&transaction)?;
    transaction.commit()?;
    Ok(events)
}

/// Copies a table.
fn table<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    definition: TableDefinition<'_, K, V>,
) -> Result<()> {
    let mut copy = to.open_table(definition)?;
    let table = match from.open_table(definition) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for row in table.iter()? {
        let (key, value) = row?;
        copy.insert(key.value(), value.value())?;
    }
    Ok(())
}
