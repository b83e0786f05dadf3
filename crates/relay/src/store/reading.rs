//! Reading the log at one moment: where subscriptions start, and pages of matching events.

use std::collections::BTreeSet;
use std::sync::Arc;

use bus::{Pattern, Topic};
use redb::{ReadOnlyTable, ReadTransaction};
use session::server::{Located, Logged, Older, Page, Place};
use session::{Body, Position, Start};

use super::StoreError;
use super::format::{BY_TOPIC, EVENTS, MAIN, STREAMS};
use super::log::Extent;

/// A page ends after about so many bytes of bodies,
const PAGE_BYTES: usize = 256 << 10;
/// and after so many rows, so that a rare topic does not hold a thread for long.
const PAGE_ROWS: usize = 4_096;
/// The newest so many of a pattern's events are found topic by topic, more than that by walking the log.
const MERGED: u64 = 1_000;

/// The tables of one moment.
pub(super) struct Reading {
    events: ReadOnlyTable<u64, (&'static str, &'static [u8])>,
    by_topic: ReadOnlyTable<(&'static str, u64), ()>,
    epoch: u64,
    /// The oldest offset that is not trimmed.
    first: u64,
    head: u64,
}

impl Reading {
    pub(super) fn new(transaction: &ReadTransaction, epoch: u64) -> Result<Self, StoreError> {
        let events = transaction.open_table(EVENTS)?;
        let by_topic = transaction.open_table(BY_TOPIC)?;
        let streams = transaction.open_table(STREAMS)?;
        let Extent { first, head, .. } = Extent::of(streams.get(MAIN)?.map(|row| row.value()));
        Ok(Self { events, by_topic, epoch, first, head })
    }

    pub(super) fn head_offset(&self) -> u64 {
        self.head
    }

    pub(super) fn locate(&self, pattern: &Pattern, start: &Start) -> Result<Located, StoreError> {
        let (offset, id) = (self.head, self.id(self.head)?);
        let head = Position { offset, id, ..Position::start_of(self.epoch) };
        let (next, previous) = match start {
            Start::Latest => (self.head + 1, None),
            Start::Earliest => (self.first, None),
            Start::Last(count) => (self.newest(pattern, *count)?.unwrap_or(self.head + 1), None),
            Start::After(positions) => {
                let position = &positions[0];
                let other_event = || -> Result<bool, StoreError> {
                    Ok(position.id.is_some() && self.id(position.offset)? != position.id)
                };
                if position.epoch != self.epoch
                    || position.offset > self.head
                    || (position.offset >= self.first && other_event()?)
                {
                    return Ok(Located::Reset(vec![head]));
                }
                (position.offset + 1, Some(position.offset))
            }
        };
        let gap = self.gone(next);
        let next = next.max(self.first);
        Ok(Located::At(vec![Place { next, previous, head, gap }]))
    }

    pub(super) fn page(
        &self,
        pattern: &Pattern,
        from: u64,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let gap = self.gone(from);
        let from = from.max(self.first);
        let mut page = Page { events: Vec::new(), next: from.max(self.head + 1), gap };
        let mut bytes = 0;
        let mut take = |offset, topic: &str, body: &[u8], page: &mut Page| {
            bytes += body.len();
            page.events.push(logged(offset, topic, body)?);
            Ok::<_, StoreError>(page.events.len() >= limit || bytes >= PAGE_BYTES)
        };
        if let Some(topic) = pattern.as_topic() {
            let topic = topic.as_str();
            for row in self.by_topic.range((topic, from)..=(topic, u64::MAX))? {
                let offset = row?.0.value().1;
                let event = self.events.get(offset)?.ok_or(StoreError::Corrupt("index"))?;
                if take(offset, topic, event.value().1, &mut page)? {
                    page.next = offset + 1;
                    break;
                }
            }
            return Ok(page);
        }
        for (looked_at, row) in self.events.range(from..)?.enumerate() {
            let (offset, event) = row?;
            let (offset, (topic, body)) = (offset.value(), event.value());
            let full = matches(pattern, topic)? && take(offset, topic, body, &mut page)?;
            if full || looked_at + 1 >= PAGE_ROWS {
                page.next = offset + 1;
                break;
            }
        }
        Ok(page)
    }

    pub(super) fn history(
        &self,
        pattern: &Pattern,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Older, StoreError> {
        let before = before.unwrap_or(u64::MAX);
        let mut older = Older { epoch: self.epoch, events: Vec::new(), next: None };
        if let Some(topic) = pattern.as_topic() {
            self.take(self.older_of(topic.as_str(), before)?, limit, &mut older)?;
            return Ok(older);
        }
        if literal_beginning(pattern).is_empty() {
            self.walk_back(pattern, before, limit, &mut older)?;
            return Ok(older);
        }
        // One more than asked for: whether there is more is told too.
        let newest = self.newest_of_topics(pattern, before, limit.saturating_add(1))?;
        self.take(newest.into_iter().rev().map(Ok), limit, &mut older)?;
        Ok(older)
    }

    /// Takes the events at these descending offsets, up to the bounds of a page.
    fn take(
        &self,
        offsets: impl Iterator<Item = Result<u64, StoreError>>,
        limit: usize,
        older: &mut Older,
    ) -> Result<(), StoreError> {
        let mut bytes = 0;
        for offset in offsets {
            let offset = offset?;
            if older.events.len() >= limit || bytes >= PAGE_BYTES {
                older.next = older.events.last().map(|event| event.offset);
                break;
            }
            let event = self.events.get(offset)?.ok_or(StoreError::Corrupt("index"))?;
            let (topic, body) = event.value();
            bytes += body.len();
            older.events.push(logged(offset, topic, body)?);
        }
        Ok(())
    }

    fn walk_back(
        &self,
        pattern: &Pattern,
        before: u64,
        limit: usize,
        older: &mut Older,
    ) -> Result<(), StoreError> {
        let mut bytes = 0;
        for (looked_at, row) in self.events.range(..before)?.rev().enumerate() {
            let (offset, event) = row?;
            let (offset, (topic, body)) = (offset.value(), event.value());
            if older.events.len() >= limit || bytes >= PAGE_BYTES || looked_at >= PAGE_ROWS {
                older.next = Some(offset + 1);
                break;
            }
            if matches(pattern, topic)? {
                bytes += body.len();
                older.events.push(logged(offset, topic, body)?);
            }
        }
        Ok(())
    }

    /// The offset of the `count`th newest matching event, or of the oldest if there are fewer.
    fn newest(&self, pattern: &Pattern, count: u64) -> Result<Option<u64>, StoreError> {
        if let Some(topic) = pattern.as_topic() {
            let mut offsets = self.older_of(topic.as_str(), u64::MAX)?;
            return last_of(&mut offsets, count);
        }
        if count > MERGED {
            let mut matching = self.events.range(..=self.head)?.rev().filter_map(|row| {
                let found = row.map_err(StoreError::from).and_then(|(offset, event)| {
                    Ok(matches(pattern, event.value().0)?.then(|| offset.value()))
                });
                found.transpose()
            });
            return last_of(&mut matching, count);
        }
        Ok(self.newest_of_topics(pattern, u64::MAX, count as usize)?.first().copied())
    }

    /// The newest so many offsets before one, found topic by topic.
    fn newest_of_topics(
        &self,
        pattern: &Pattern,
        before: u64,
        count: usize,
    ) -> Result<BTreeSet<u64>, StoreError> {
        let mut newest = BTreeSet::new();
        self.each_topic(pattern, |topic| {
            for offset in self.older_of(topic, before)?.take(count) {
                newest.insert(offset?);
                if newest.len() > count {
                    newest.pop_first();
                }
            }
            Ok(())
        })?;
        Ok(newest)
    }

    /// The offsets of a topic before one, descending.
    fn older_of(
        &self,
        topic: &str,
        before: u64,
    ) -> Result<impl Iterator<Item = Result<u64, StoreError>>, StoreError> {
        let rows = self.by_topic.range((topic, 0)..(topic, before))?;
        Ok(rows.rev().map(|row| Ok(row?.0.value().1)))
    }

    /// Calls `found` with each topic of the log that matches: one seek per topic, within the pattern's
    /// literal beginning.
    fn each_topic(
        &self,
        pattern: &Pattern,
        mut found: impl FnMut(&str) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let prefix = literal_beginning(pattern);
        let mut after = (prefix.clone(), 0);
        loop {
            let key = (after.0.as_str(), after.1);
            let Some(row) = self.by_topic.range(key..)?.next() else {
                return Ok(());
            };
            let topic = row?.0.value().0.to_owned();
            if !topic.starts_with(&prefix) {
                return Ok(());
            }
            if matches(pattern, &topic)? {
                found(&topic)?;
            }
            after = (topic, u64::MAX);
        }
    }

    /// The offsets from `from` on that are trimmed.
    fn gone(&self, from: u64) -> Option<(u64, u64)> {
        (from < self.first).then(|| (from, self.first - 1))
    }

    fn id(&self, offset: u64) -> Result<Option<String>, StoreError> {
        let Some(event) = self.events.get(offset)? else {
            return Ok(None);
        };
        let body = Body::decode(event.value().1).map_err(|_| StoreError::Corrupt("body"))?;
        Ok(Some(body.id))
    }
}

/// An event as it stands in a row.
fn logged(offset: u64, topic: &str, body: &[u8]) -> Result<Arc<Logged>, StoreError> {
    let topic = Topic::parse(topic).map_err(|_| StoreError::Corrupt("topic"))?;
    Ok(Arc::new(Logged { stream: 0, offset, topic, body: body.into() }))
}

/// The tokens before the first wildcard, each with its dot.
fn literal_beginning(pattern: &Pattern) -> String {
    let tokens = pattern.tokens().take_while(|token| !matches!(*token, "*" | ">"));
    tokens.flat_map(|token| [token, "."]).collect()
}

fn matches(pattern: &Pattern, topic: &str) -> Result<bool, StoreError> {
    let topic = Topic::parse(topic).map_err(|_| StoreError::Corrupt("topic"))?;
    Ok(pattern.matches(&topic))
}

fn last_of(
    offsets: &mut impl Iterator<Item = Result<u64, StoreError>>,
    count: u64,
) -> Result<Option<u64>, StoreError> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    offsets.take(count).last().transpose()
}
