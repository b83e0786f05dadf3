//! The log inside a write transaction: appending at its head, trimming at its other end.

use std::sync::Arc;

use bus::Topic;
use redb::{ReadableTable, Table, WriteTransaction};
use session::Body;
use session::server::Logged;

use super::format::{BY_TOPIC, EVENTS, IDS, MAIN, STREAMS, TIMES};
use super::{Keep, StoreError};

/// Events that were logged within so many milliseconds share a row of the times.
const TICK: u64 = 1_000;

/// What the log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The oldest offset that is not trimmed; `head + 1` if all are.
    pub(super) first: u64,
    /// The newest offset; 0 if there was none yet.
    pub(super) head: u64,
    /// What the events in between [cost](cost).
    pub(super) bytes: u64,
    /// The most that `bytes` ever was: so much room the file has.
    pub(super) peak: u64,
}

impl Extent {
    /// Of a row of [`STREAMS`].
    pub(super) fn of(row: Option<(u64, u64, u64, u64)>) -> Self {
        let (first, head, bytes, peak) = row.unwrap_or((1, 0, 0, 0));
        Self { first, head, bytes, peak }
    }

    fn count(&self) -> u64 {
        self.head + 1 - self.first
    }
}

/// The bytes of an event as retention counts them.
pub(super) fn cost(topic: &str, body: &[u8]) -> u64 {
    (topic.len() + body.len()) as u64
}

/// The tables, in a transaction.
pub(super) struct Log<'t> {
    events: Table<'t, u64, (&'static str, &'static [u8])>,
    by_topic: Table<'t, (&'static str, u64), ()>,
    ids: Table<'t, (&'static str, &'static str), u64>,
    times: Table<'t, u64, u64>,
    streams: Table<'t, &'static str, (u64, u64, u64, u64)>,
    pub(super) extent: Extent,
}

impl<'t> Log<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        let streams = transaction.open_table(STREAMS)?;
        let extent = Extent::of(streams.get(MAIN)?.map(|row| row.value()));
        Ok(Self {
            events: transaction.open_table(EVENTS)?,
            by_topic: transaction.open_table(BY_TOPIC)?,
            ids: transaction.open_table(IDS)?,
            times: transaction.open_table(TIMES)?,
            streams,
            extent,
        })
    }

    /// The offset of the same event, if the log holds it.
    pub(super) fn find(&self, body: &Body) -> Result<Option<u64>, StoreError> {
        let name = (body.source.as_str(), body.id.as_str());
        Ok(self.ids.get(name)?.map(|offset| offset.value()))
    }

    /// Logs an event that is [not there](Log::find).
    pub(super) fn append(
        &mut self,
        topic: &Topic,
        body: &Body,
        now: u64,
    ) -> Result<Arc<Logged>, StoreError> {
        let offset = self.extent.head + 1;
        let bytes: Arc<[u8]> = body.encode().into();
        self.events.insert(offset, (topic.as_str(), &*bytes))?;
        self.by_topic.insert((topic.as_str(), offset), ())?;
        self.ids.insert((body.source.as_str(), body.id.as_str()), offset)?;
        let last = self.times.last()?.map(|(time, _)| time.value());
        if last.is_none_or(|last| last + TICK <= now) {
            self.times.insert(now, offset)?;
        }
        self.extent.head = offset;
        self.extent.bytes += cost(topic.as_str(), &bytes);
        self.extent.peak = self.extent.peak.max(self.extent.bytes);
        Ok(Arc::new(Logged { stream: 0, offset, topic: topic.clone(), body: bytes }))
    }

    /// Drops what is not to be kept, at most `most` events; true if more is to go. The newest event
    /// goes only by its age.
    pub(super) fn trim(&mut self, keep: &Keep, now: u64, most: usize) -> Result<bool, StoreError> {
        let young = self.younger_than(keep, now)?;
        let goes = |extent: &Extent| {
            let over = extent.count() > keep.events || extent.bytes > keep.bytes;
            extent.first < young || (over && extent.first < extent.head)
        };
        for _ in 0..most {
            if !goes(&self.extent) {
                break;
            }
            self.drop_first()?;
        }
        self.drop_times()?;
        Ok(goes(&self.extent))
    }

    /// Writes what changed about the whole log.
    pub(super) fn close(mut self) -> Result<(), StoreError> {
        let Extent { first, head, bytes, peak } = self.extent;
        self.streams.insert(MAIN, (first, head, bytes, peak))?;
        Ok(())
    }

    /// The first offset that is not too old.
    fn younger_than(&self, keep: &Keep, now: u64) -> Result<u64, StoreError> {
        let Some(age) = keep.age else { return Ok(0) };
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        // All events of a row were logged before its tick ended.
        let Some(horizon) = now.checked_sub(age.saturating_add(TICK)) else { return Ok(0) };
        if self.times.range(..=horizon)?.next_back().is_none() {
            return Ok(0);
        }
        let next = self.times.range(horizon + 1..)?.next().transpose()?;
        Ok(next.map_or(self.extent.head + 1, |(_, offset)| offset.value()))
    }

    fn drop_first(&mut self) -> Result<(), StoreError> {
        let first = self.extent.first;
        let (topic, body, cost) = {
            let event = self.events.remove(first)?.ok_or(StoreError::Corrupt("first"))?;
            let (topic, bytes) = event.value();
            let body = Body::decode(bytes).map_err(|_| StoreError::Corrupt("body"))?;
            (topic.to_owned(), body, cost(topic, bytes))
        };
        self.by_topic.remove((topic.as_str(), first))?;
        self.ids.remove((body.source.as_str(), body.id.as_str()))?;
        self.extent.first += 1;
        self.extent.bytes = self.extent.bytes.saturating_sub(cost);
        Ok(())
    }

    /// Drops the times of which all events are gone.
    fn drop_times(&mut self) -> Result<(), StoreError> {
        loop {
            let second = self.times.iter()?.nth(1).transpose()?.map(|(_, offset)| offset.value());
            if second.is_none_or(|offset| offset > self.extent.first) {
                return Ok(());
            }
            self.times.pop_first()?;
        }
    }
}
