//! The log in a write transaction: appends at its head, trims at its other end. The keys of a row begin with the number
//! of its stream.

mod superseding;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use redb::{ReadableTable, Table, WriteTransaction};
use session::server::Logged;
use session::server::ledger::LogPosition;
use topic::Topic;

use super::block;
use super::error::{Result, corrupt};
use super::format::{BLOCKS, EXTENTS, ExtentRow, TIMES, TOPICS};
use super::packed;
use crate::digest::{Digest, digest_of};
use crate::record::Ready;
use crate::{Interval, Keep};

/// Events that are logged within this many milliseconds share a row of the times.
const TICK: u64 = 1_000;

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The oldest offset that is not trimmed; `head + 1` if all are.
    pub(super) first: u64,
    /// The newest offset; 0 if there never was an event.
    pub(super) head: u64,
    /// The number of events from `first` to `head`, without superseded ones.
    pub(super) count: u64,
    /// The [cost] of these events.
    pub(super) bytes: u64,
    /// The most that `bytes` ever was: the file has room for it.
    pub(super) peak: u64,
    /// The [ids](super::ids) of all events up to this offset are in their table.
    pub(super) indexed: u64,
}

impl Extent {
    pub(super) const EMPTY: Self =
        Self { first: 1, head: 0, count: 0, bytes: 0, peak: 0, indexed: 0 };

    pub(super) fn of((first, head, count, bytes, peak, indexed): ExtentRow) -> Self {
        Self { first, head, count, bytes, peak, indexed }
    }

    pub(super) fn row(&self) -> ExtentRow {
        (self.first, self.head, self.count, self.bytes, self.peak, self.indexed)
    }

    /// Whether an offset is neither trimmed nor above the head. Its event may be superseded.
    pub(super) fn holds(&self, offset: u64) -> bool {
        (self.first..=self.head).contains(&offset)
    }

    /// Whether events are missing that were not trimmed.
    pub(super) fn has_holes(&self) -> bool {
        self.first + self.count <= self.head
    }
}

/// The bytes of an event as retention counts them.
pub(super) fn cost(topic: &str, body: &[u8]) -> u64 {
    (topic.len() + body.len()) as u64
}

/// The tables, in a transaction.
pub(super) struct Log<'t> {
    blocks: Table<'t, (u32, u64), &'static [u8]>,
    topics: Table<'t, (u32, &'static str, u64), &'static [u8]>,
    times: Table<'t, (u32, u64), u64>,
    rows: Table<'t, u32, ExtentRow>,
    time: Interval,
    extents: BTreeMap<u32, Extent>,
    /// The appended events of each stream that are not in the tables yet.
    fresh: BTreeMap<u32, Vec<Arc<Logged>>>,
    /// The ids of trimmed and superseded events.
    gone: Vec<(Digest, LogPosition)>,
    superseded: Vec<LogPosition>,
}

impl<'t> Log<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction, time: Interval) -> Result<Self> {
        let rows = transaction.open_table(EXTENTS)?;
        let mut extents = BTreeMap::new();
        for row in rows.iter()? {
            let (stream, extent) = row?;
            extents.insert(stream.value(), Extent::of(extent.value()));
        }
        Ok(Self {
            blocks: transaction.open_table(BLOCKS)?,
            topics: transaction.open_table(TOPICS)?,
            times: transaction.open_table(TIMES)?,
            rows,
            time,
            extents,
            fresh: BTreeMap::new(),
            gone: Vec::new(),
            superseded: Vec::new(),
        })
    }

    /// Sets the time of what follows.
    pub(super) fn at(&mut self, time: Interval) {
        self.time = time;
    }

    /// What a stream holds.
    pub(super) fn extent(&self, stream: u32) -> Extent {
        self.extents.get(&stream).copied().unwrap_or(Extent::EMPTY)
    }

    /// Whether the log holds an event at this position.
    pub(super) fn holds(&self, (stream, offset): LogPosition) -> Result<bool> {
        let extent = self.extent(stream);
        let is_fresh = || {
            let first = self.fresh.get(&stream).and_then(|events| events.first());
            first.is_some_and(|first| first.offset <= offset)
        };
        if !extent.holds(offset) {
            return Ok(false);
        }
        if !extent.has_holes() || is_fresh() {
            return Ok(true);
        }
        self.has_any(stream, offset, offset + 1)
    }

    /// How many events there are.
    pub(super) fn count(&self) -> u64 {
        self.extents.values().map(|extent| extent.count).sum()
    }

    /// Logs an event that was [not found](super::ids::Ids::find).
    pub(super) fn append(&mut self, stream: u32, ready: &Ready) -> Arc<Logged> {
        let extent = self.extents.entry(stream).or_insert(Extent::EMPTY);
        let (topic, body) = (ready.topic.clone(), Arc::clone(&ready.body));
        extent.head += 1;
        extent.count += 1;
        extent.bytes += cost(topic.as_str(), &body);
        extent.peak = extent.peak.max(extent.bytes);
        let offset = extent.head;
        let logged = Arc::new(Logged::new(stream as usize, offset, topic, body));
        self.fresh.entry(stream).or_default().push(Arc::clone(&logged));
        logged
    }

    /// The topic and the body of an event, if it is there.
    pub(super) fn event(&mut self, stream: u32, offset: u64) -> Result<Option<(Topic, Vec<u8>)>> {
        self.flush()?;
        let Some((first, row)) = self.row_of(stream, offset)? else { return Ok(None) };
        for entry in block::entries(first, &row) {
            let entry = entry?;
            if entry.offset == offset {
                let topic = Topic::parse(entry.topic).map_err(|_| corrupt("topic"))?;
                return Ok(Some((topic, entry.body.to_vec())));
            }
        }
        Ok(None)
    }

    /// Replaces the body of an event. Its source and its id must stay.
    pub(super) fn replace_body(&mut self, stream: u32, offset: u64, body: &[u8]) -> Result<()> {
        self.flush()?;
        let Some((first, row)) = self.row_of(stream, offset)? else { return Ok(()) };
        let (row, before) = block::replace(first, &row, offset, body)?;
        self.blocks.insert((stream, first), row.as_slice())?;
        let extent = self.extents.entry(stream).or_insert(Extent::EMPTY);
        extent.bytes = (extent.bytes + body.len() as u64).saturating_sub(before as u64);
        extent.peak = extent.peak.max(extent.bytes);
        Ok(())
    }

    /// The row in which the event at an offset would be, unless it is trimmed; with the row's first offset.
    fn row_of(&self, stream: u32, offset: u64) -> Result<Option<(u64, Vec<u8>)>> {
        if !self.extent(stream).holds(offset) {
            return Ok(None);
        }
        let row = self.blocks.range((stream, 0)..=(stream, offset))?.next_back().transpose()?;
        Ok(row.map(|(key, row)| (key.value().1, row.value().to_vec())))
    }

    /// Writes the appended events to the tables.
    pub(super) fn flush(&mut self) -> Result<()> {
        for (stream, events) in std::mem::take(&mut self.fresh) {
            let Some(first) = events.first() else { continue };
            put(&mut self.blocks, &mut self.topics, stream, &events)?;
            let last = self.times.range((stream, 0)..=(stream, u64::MAX))?.next_back();
            let last = last.transpose()?.map(|(time, _)| time.value().1);
            if last.is_none_or(|last| last + TICK <= self.time.late) {
                self.times.insert((stream, self.time.late), first.offset)?;
            }
        }
        Ok(())
    }

    /// Drops what a stream does not keep, at most `most` events. Returns `true` if there is more to drop. Only its age
    /// drops the newest event.
    pub(super) fn trim(&mut self, stream: u32, keep: &Keep, most: usize) -> Result<bool> {
        self.flush()?;
        let young = self.younger_than(stream, keep)?;
        let mut extent = self.extent(stream);
        let is_over = |extent: &Extent| extent.count > keep.events || extent.bytes > keep.bytes;
        if young <= extent.first && !is_over(&extent) {
            return Ok(false);
        }
        let (mut left, mut more) = (most, false);
        let mut topics = BTreeSet::new();
        'rows: while extent.count > 0 {
            let row = self.blocks.range((stream, 0)..=(stream, u64::MAX))?.next().transpose()?;
            let row = row.map(|(key, row)| (key.value().1, row.value().to_vec()));
            let (block, row) = row.ok_or(corrupt("first"))?;
            for entry in block::entries(block, &row) {
                let entry = entry?;
                if entry.offset < extent.first {
                    continue;
                }
                let goes = entry.offset < young || (is_over(&extent) && entry.offset < extent.head);
                more = goes && left == 0;
                if !goes || more {
                    break 'rows;
                }
                let digest = digest_of(entry.body);
                self.gone.extend(digest.map(|digest| (digest, (stream, entry.offset))));
                if !topics.contains(entry.topic) {
                    topics.insert(entry.topic.to_owned());
                }
                left -= 1;
                extent.first = entry.offset + 1;
                extent.count = extent.count.saturating_sub(1);
                extent.bytes = extent.bytes.saturating_sub(cost(entry.topic, entry.body));
            }
            self.blocks.remove((stream, block))?;
        }
        for topic in topics {
            self.drop_offsets(stream, &topic, extent.first)?;
        }
        self.drop_times(stream, extent.first)?;
        self.extents.insert(stream, extent);
        Ok(more)
    }

    /// Takes the ids of trimmed and superseded events.
    pub(super) fn take_gone(&mut self) -> Vec<(Digest, LogPosition)> {
        std::mem::take(&mut self.gone)
    }

    /// Records that the table of ids has all events up to these offsets.
    pub(super) fn indexed(&mut self, offsets: &BTreeMap<u32, u64>) {
        for (stream, offset) in offsets {
            if let Some(extent) = self.extents.get_mut(stream) {
                extent.indexed = *offset;
            }
        }
    }

    /// Writes everything that is not in the tables yet.
    pub(super) fn close(mut self) -> Result<()> {
        self.flush()?;
        for (stream, extent) in &self.extents {
            self.rows.insert(stream, extent.row())?;
        }
        Ok(())
    }

    /// The first offset that is not too old.
    fn younger_than(&self, stream: u32, keep: &Keep) -> Result<u64> {
        let Some(age) = keep.age else { return Ok(0) };
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        // The events of a row were logged before its tick ended.
        let Some(horizon) = self.time.early.checked_sub(age.saturating_add(TICK)) else {
            return Ok(0);
        };
        if self.times.range((stream, 0)..=(stream, horizon))?.next_back().is_none() {
            return Ok(0);
        }
        let next = self.times.range((stream, horizon + 1)..=(stream, u64::MAX))?.next();
        let next = next.transpose()?.map(|(_, offset)| offset.value());
        Ok(next.unwrap_or(self.extent(stream).head + 1))
    }

    /// Whether the tables hold an event of a stream at an offset of `from..to`.
    fn has_any(&self, stream: u32, from: u64, to: u64) -> Result<bool> {
        for row in self.blocks.range((stream, 0)..(stream, to))?.rev() {
            let (key, row) = row?;
            // A row may begin with missing events, so its key does not say where its events begin.
            let mut begins_before = false;
            for entry in block::entries(key.value().1, row.value()) {
                let offset = entry?.offset;
                begins_before |= offset < from;
                if (from..to).contains(&offset) {
                    return Ok(true);
                }
            }
            if begins_before {
                break;
            }
        }
        Ok(false)
    }

    /// Drops the rows of a topic whose events are all trimmed. The other rows keep their trimmed offsets.
    fn drop_offsets(&mut self, stream: u32, topic: &str, first: u64) -> Result<()> {
        loop {
            let rows = (stream, topic, 0)..=(stream, topic, u64::MAX);
            let Some((key, row)) = self.topics.range(rows)?.next().transpose()? else {
                return Ok(());
            };
            let offset = key.value().2;
            let offsets = packed::offsets(offset, row.value())?;
            if offsets.last().is_some_and(|last| *last >= first) {
                return Ok(());
            }
            drop((key, row));
            self.topics.remove((stream, topic, offset))?;
        }
    }

    /// Drops the times whose events are all trimmed.
    fn drop_times(&mut self, stream: u32, first: u64) -> Result<()> {
        loop {
            let mut rows = self.times.range((stream, 0)..=(stream, u64::MAX))?;
            let oldest = rows.next().transpose()?.map(|(time, _)| time.value());
            let second = rows.next().transpose()?.map(|(_, offset)| offset.value());
            drop(rows);
            let Some(oldest) = oldest.filter(|_| second.is_some_and(|offset| offset <= first))
            else {
                return Ok(());
            };
            self.times.remove(oldest)?;
        }
    }
}

/// Writes consecutive events to the tables. The index gets one row for each of their topics.
pub(super) fn put(
    blocks: &mut Table<'_, (u32, u64), &'static [u8]>,
    topics: &mut Table<'_, (u32, &'static str, u64), &'static [u8]>,
    stream: u32,
    events: &[Arc<Logged>],
) -> Result<()> {
    block::pack(events, |first, row| {
        blocks.insert((stream, first), row)?;
        Ok(())
    })?;
    // The first and the last offset of each topic, and the row.
    let mut offsets: BTreeMap<&str, (u64, u64, Vec<u8>)> = BTreeMap::new();
    for event in events {
        let (_, last, row) = offsets
            .entry(event.topic.as_str())
            .or_insert_with(|| (event.offset, event.offset, Vec::new()));
        if *last < event.offset {
            packed::push_offset(row, *last, event.offset);
            *last = event.offset;
        }
    }
    for (topic, (first, _, row)) in offsets {
        topics.insert((stream, topic, first), row.as_slice())?;
    }
    Ok(())
}
