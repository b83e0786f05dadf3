//! Reads a stream at one moment: where subscriptions start, and pages of matching events.

mod locate;
mod newest;
mod tally;

use std::ops::ControlFlow;
use std::sync::Arc;

use redb::{ReadOnlyTable, ReadTransaction};
use session::Body;
use session::server::{Logged, Older, Page};
use topic::{Pattern, Topic};

use super::block::BlockEntry;
use super::blocks::Blocks;
use super::error::{Error, Result, corrupt};
use super::format::{EXTENTS, TOPICS};
use super::log::Extent;
use super::packed;
pub(super) use locate::locate;

/// A page ends after about this many bytes of bodies.
const PAGE_BYTES: usize = 256 << 10;
/// A page ends after this many rows, so that a rare topic does not hold a thread for long.
const PAGE_ROWS: usize = 4_096;
/// With more topics than this, all of them are assumed to match.
const TOPICS_LOOKED_AT: usize = 1_024;

const STOP: ControlFlow<()> = ControlFlow::Break(());
const ON: ControlFlow<()> = ControlFlow::Continue(());

/// The tables of one moment, and a stream in them.
pub(super) struct Reading {
    blocks: Blocks,
    topics: ReadOnlyTable<(u32, &'static str, u64), &'static [u8]>,
    stream: u32,
    epoch: u64,
    /// The oldest offset that is not trimmed.
    first: u64,
    head: u64,
    /// How many events there are.
    count: u64,
}

impl Reading {
    pub(super) fn new(transaction: &ReadTransaction, stream: u32, epoch: u64) -> Result<Self> {
        let extent = transaction.open_table(EXTENTS)?.get(stream)?.map(|row| row.value());
        let Extent { first, head, count, .. } = extent.map_or(Extent::EMPTY, Extent::of);
        let topics = transaction.open_table(TOPICS)?;
        let blocks = Blocks::new(transaction, stream)?;
        Ok(Self { blocks, topics, stream, epoch, first, head, count })
    }

    pub(super) fn page(&self, pattern: &Pattern, from: u64, limit: usize) -> Result<Page> {
        let gap = self.gone(from);
        let from = from.max(self.first);
        let mut page = Page { events: Vec::new(), next: from.max(self.head + 1), gap };
        let mut bytes = 0;
        let mut take = |entry: BlockEntry<'_>, page: &mut Page| {
            bytes += entry.body.len();
            page.events.push(self.logged(entry)?);
            Ok::<_, Error>(page.events.len() >= limit || bytes >= PAGE_BYTES)
        };
        if let Some(topic) = pattern.as_topic() {
            let mut finder = self.blocks.finder();
            self.each_of(topic.as_str(), from, |offset| {
                let full = finder.find(offset, |entry| take(entry, &mut page))?;
                Ok(match full.ok_or(corrupt("index"))?? {
                    true => {
                        page.next = offset + 1;
                        STOP
                    }
                    false => ON,
                })
            })?;
            return Ok(page);
        }
        let mut looked_at = 0;
        self.blocks.each_from(from, |entry| {
            looked_at += 1;
            let full = matches(pattern, entry.topic)? && take(entry, &mut page)?;
            if full || looked_at >= PAGE_ROWS {
                page.next = entry.offset + 1;
                return Ok(STOP);
            }
            Ok(ON)
        })?;
        Ok(page)
    }

    pub(super) fn history(
        &self,
        pattern: &Pattern,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Older> {
        let before = before.unwrap_or(u64::MAX);
        let mut older = Older { epoch: self.epoch, events: Vec::new(), next: None };
        if let Some(topic) = pattern.as_topic() {
            self.take(self.older_of(topic.as_str(), before)?, limit, &mut older)?;
            return Ok(older);
        }
        let newest = match literal_beginning(pattern).is_empty() {
            true => None,
            // One more than asked for, to know whether there is more.
            false => {
                let (count, mut rows) = (limit.saturating_add(1), PAGE_ROWS);
                self.newest_of_topics(pattern, before, count, &mut rows)?
            }
        };
        match newest {
            Some(newest) => self.take(newest.into_iter().rev().map(Ok), limit, &mut older)?,
            None => self.walk_back(pattern, before, limit, &mut older)?,
        }
        Ok(older)
    }

    /// Takes the events at these descending offsets, up to the bounds of a page.
    fn take(
        &self,
        offsets: impl Iterator<Item = Result<u64>>,
        limit: usize,
        older: &mut Older,
    ) -> Result<()> {
        let mut bytes = 0;
        let mut finder = self.blocks.finder();
        for offset in offsets {
            let offset = offset?;
            if older.events.len() >= limit || bytes >= PAGE_BYTES {
                older.next = older.events.last().map(|event| event.offset);
                break;
            }
            let event =
                finder.find(offset, |entry| self.logged(entry))?.ok_or(corrupt("index"))??;
            bytes += event.body.len();
            older.events.push(event);
        }
        Ok(())
    }

    fn walk_back(
        &self,
        pattern: &Pattern,
        before: u64,
        limit: usize,
        older: &mut Older,
    ) -> Result<()> {
        let (mut bytes, mut looked_at) = (0, 0);
        self.blocks.each_before(before, |entry| {
            if entry.offset < self.first {
                return Ok(STOP);
            }
            if older.events.len() >= limit || bytes >= PAGE_BYTES || looked_at >= PAGE_ROWS {
                older.next = Some(entry.offset + 1);
                return Ok(STOP);
            }
            looked_at += 1;
            if matches(pattern, entry.topic)? {
                bytes += entry.body.len();
                older.events.push(self.logged(entry)?);
            }
            Ok(ON)
        })
    }

    /// The offsets of a topic before `before`, descending.
    fn older_of(&self, topic: &str, before: u64) -> Result<impl Iterator<Item = Result<u64>>> {
        let rows = self.topics.range((self.stream, topic, 0)..(self.stream, topic, before))?;
        let mut row = Vec::new();
        let mut rows = rows.rev();
        let mut next = move || -> Result<Option<u64>> {
            while row.is_empty() {
                let Some(next) = rows.next().transpose()? else { return Ok(None) };
                row = packed::offsets(next.0.value().2, next.1.value())?;
                row.retain(|offset| *offset < before);
            }
            Ok(row.pop())
        };
        // A row may begin with offsets that are trimmed.
        let first = self.first;
        let offsets = std::iter::from_fn(move || next().transpose());
        Ok(offsets.take_while(move |offset| !matches!(offset, Ok(offset) if *offset < first)))
    }

    /// Calls `found` with the offsets of a topic from `from` on, until it breaks.
    fn each_of(
        &self,
        topic: &str,
        from: u64,
        mut found: impl FnMut(u64) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut holding =
            self.topics.range((self.stream, topic, 0)..=(self.stream, topic, from))?;
        let holding = holding.next_back().transpose()?;
        let begin = holding.map_or(from, |(key, _)| key.value().2);
        let rows = (self.stream, topic, begin)..=(self.stream, topic, u64::MAX);
        for row in self.topics.range(rows)? {
            let (key, row) = row?;
            for offset in packed::offsets(key.value().2, row.value())? {
                if offset >= from && found(offset)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Calls `found` with each matching topic of the stream, until it breaks: one seek for each topic, within the
    /// pattern's literal beginning. Each topic takes one of `rows`. Returns `true` if it came to the end.
    fn each_topic(
        &self,
        pattern: &Pattern,
        rows: &mut usize,
        mut found: impl FnMut(&str, &mut usize) -> Result<ControlFlow<()>>,
    ) -> Result<bool> {
        let prefix = literal_beginning(pattern);
        let mut after = (prefix.clone(), 0);
        loop {
            let key = (self.stream, after.0.as_str(), after.1);
            let Some(row) = self.topics.range(key..)?.next() else {
                return Ok(true);
            };
            let key = row?.0;
            let (stream, topic, _) = key.value();
            if stream != self.stream || !topic.starts_with(&prefix) {
                return Ok(true);
            }
            if *rows == 0 {
                return Ok(false);
            }
            *rows -= 1;
            let topic = topic.to_owned();
            if matches(pattern, &topic)? && found(&topic, rows)?.is_break() {
                return Ok(false);
            }
            after = (topic, u64::MAX);
        }
    }

    /// The trimmed offsets from `from` on.
    fn gone(&self, from: u64) -> Option<(u64, u64)> {
        (from < self.first).then(|| (from, self.first - 1))
    }

    /// The id of an event; `None` if there is no such event, or its body cannot be read.
    fn id(&self, offset: u64) -> Result<Option<String>> {
        if offset < self.first {
            return Ok(None);
        }
        let body = self.blocks.finder().find(offset, |entry| Body::decode(entry.body))?;
        Ok(body.and_then(Result::ok).map(|body| body.id))
    }

    /// The event of an entry.
    fn logged(&self, BlockEntry { offset, topic, body }: BlockEntry<'_>) -> Result<Arc<Logged>> {
        let topic = Topic::parse(topic).map_err(|_| corrupt("topic"))?;
        Ok(Arc::new(Logged::new(self.stream as usize, offset, topic, body.into())))
    }
}

/// The tokens before the first wildcard, each with its dot.
fn literal_beginning(pattern: &Pattern) -> String {
    let tokens = pattern.tokens().take_while(|token| !matches!(*token, "*" | ">"));
    tokens.flat_map(|token| [token, "."]).collect()
}

fn matches(pattern: &Pattern, topic: &str) -> Result<bool> {
    let topic = Topic::parse(topic).map_err(|_| corrupt("topic"))?;
    Ok(pattern.matches(&topic))
}
