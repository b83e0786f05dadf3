//! Reads the events of a stream at one moment, forwards and backwards by their offsets.

use std::ops::ControlFlow;

use redb::{AccessGuard, ReadOnlyTable, ReadTransaction};

use super::block::{self, BlockEntry};
use super::error::Result;
use super::format::BLOCKS;

type BlockRow = (u64, AccessGuard<'static, &'static [u8]>);
type Found = Result<ControlFlow<()>>;

/// The table of one moment.
pub(super) struct Blocks {
    table: ReadOnlyTable<(u32, u64), &'static [u8]>,
    stream: u32,
}

/// Finds single events. It keeps the last row, because the next event is often in it.
pub(super) struct Finder<'b> {
    blocks: &'b Blocks,
    row: Option<BlockRow>,
}

impl Blocks {
    pub(super) fn new(transaction: &ReadTransaction, stream: u32) -> Result<Self> {
        Ok(Self { table: transaction.open_table(BLOCKS)?, stream })
    }

    pub(super) fn finder(&self) -> Finder<'_> {
        Finder { blocks: self, row: None }
    }

    /// Calls `found` with the events from an offset on, until it breaks.
    pub(super) fn each_from(
        &self,
        from: u64,
        mut found: impl FnMut(BlockEntry<'_>) -> Found,
    ) -> Result<()> {
        let begin = self.holding(from)?.map_or(from, |(first, _)| first);
        for row in self.table.range((self.stream, begin)..=(self.stream, u64::MAX))? {
            let (key, row) = row?;
            for entry in block::entries(key.value().1, row.value()) {
                let entry = entry?;
                if entry.offset >= from && found(entry)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Calls `found` with the events before an offset, from the newest back, until it breaks.
    pub(super) fn each_before(
        &self,
        before: u64,
        mut found: impl FnMut(BlockEntry<'_>) -> Found,
    ) -> Result<()> {
        for row in self.table.range((self.stream, 0)..(self.stream, before))?.rev() {
            let (key, row) = row?;
            let entries = block::entries(key.value().1, row.value());
            let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
            for entry in entries.into_iter().rev() {
                if entry.offset < before && found(entry)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The last row that begins at or before an offset.
    fn holding(&self, offset: u64) -> Result<Option<BlockRow>> {
        let row = self.table.range((self.stream, 0)..=(self.stream, offset))?.next_back();
        Ok(row.transpose()?.map(|(key, row)| (key.value().1, row)))
    }
}

impl Finder<'_> {
    /// Calls `found` with the event at an offset. `None` if there is no such event.
    pub(super) fn find<T>(
        &mut self,
        offset: u64,
        found: impl FnOnce(BlockEntry<'_>) -> T,
    ) -> Result<Option<T>> {
        if let Some((first, row)) = &self.row
            && let Some(entry) = at(*first, row, offset)?
        {
            return Ok(Some(found(entry)));
        }
        self.row = self.blocks.holding(offset)?;
        let Some((first, row)) = &self.row else { return Ok(None) };
        Ok(at(*first, row, offset)?.map(found))
    }
}

fn at<'r>(
    first: u64,
    row: &'r AccessGuard<'static, &'static [u8]>,
    offset: u64,
) -> Result<Option<BlockEntry<'r>>> {
    let mut entries = block::entries(first, row.value());
    let found = entries.find(|entry| entry.as_ref().map_or(true, |entry| entry.offset >= offset));
    Ok(found.transpose()?.filter(|entry| entry.offset == offset))
}
