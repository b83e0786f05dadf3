//! The names of the streams, and their numbers, with which the keys of their rows begin. A stream stays forever: what
//! it holds can be read even after it takes no more topics.

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};
use session::Stream;

use super::error::{Error, Result, corrupt};
use crate::{MAX_STREAMS, StoreError};

/// Name to number. The main stream has the number 0 and no row.
pub(super) const NAMES: TableDefinition<'_, &str, u32> = TableDefinition::new("names");

/// The streams by their numbers; `None` if the file is older than streams are.
pub(super) fn read(moment: &ReadTransaction) -> Result<Option<Vec<Stream>>> {
    match moment.open_table(NAMES) {
        Ok(table) => all(&table).map(Some),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Creates the streams that do not exist, and returns all.
pub(super) fn add(transaction: &WriteTransaction, wanted: &[Stream]) -> Result<Vec<Stream>> {
    let mut table = transaction.open_table(NAMES)?;
    let mut streams = all(&table)?;
    for stream in wanted {
        if !streams.contains(stream) {
            if streams.len() >= MAX_STREAMS {
                return Err(Error(StoreError::TooManyStreams));
            }
            table.insert(stream.as_str(), streams.len() as u32)?;
            streams.push(stream.clone());
        }
    }
    Ok(streams)
}

fn all(table: &impl ReadableTable<&'static str, u32>) -> Result<Vec<Stream>> {
    let mut streams = vec![(0, Stream::MAIN)];
    for row in table.iter()? {
        let (name, number) = row?;
        streams.push((number.value(), Stream::named(name.value())));
    }
    streams.sort_by_key(|(number, _)| *number);
    let is_whole = (0..).zip(&streams).all(|(expected, (number, _))| *number == expected);
    if !is_whole {
        return Err(corrupt("names"));
    }
    Ok(streams.into_iter().map(|(_, stream)| stream).collect())
}
