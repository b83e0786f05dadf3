//! Last values: a stream that keeps a number of events of each topic drops the oldest of them when a later one is
//! logged. If there are more to drop than one step may, the oldest go first, so that what is left ends with the newest
//! events.
//!
//! An event leaves the index of its topic, and its row is written again without it, once for all events of the row that
//! go together. A row that becomes thin joins the one before it, so that what stays does not lie scattered in the file.

use super::super::block::{self, BlockEntry};
use super::super::error::{Result, corrupt};
use super::super::packed;
use super::{Log, cost, digest_of};
use redb::ReadableTable;
use session::server::StreamNo;

/// The most offsets of an index row: the index of a topic has few rows, however many commits filled it.
const OFFSETS: usize = 64;
/// A block of at most this many bytes joins the one before it, if both fit into [`JOINED`].
const THIN: usize = 1_024;
/// The most bytes of two blocks that are joined.
const JOINED: usize = 2_048;

/// A row of the index: the offsets of a topic. Its key is the first one.
type IndexRow = Vec<u64>;

impl Log<'_> {
    /// Drops all but the newest `count` events of these topics, at most `most` in all. Returns `true` if there is more
    /// to drop.
    pub(in crate::embedded) fn supersede<'a>(
        &mut self,
        stream: u32,
        topics: impl IntoIterator<Item = &'a str>,
        count: usize,
        most: usize,
    ) -> Result<bool> {
        self.flush()?;
        let (mut gone, mut more) = (Vec::new(), false);
        for topic in topics {
            let left = most - gone.len();
            more |= self.shorten(stream, topic, count, left, &mut gone)?;
        }
        gone.sort_unstable();
        self.drop_entries(stream, &gone)?;
        Ok(more)
    }

    /// Takes the events that were superseded since the last call.
    pub(in crate::embedded) fn take_superseded(&mut self) -> Vec<(StreamNo, u64)> {
        let superseded = std::mem::take(&mut self.superseded).into_iter();
        superseded.map(|(stream, offset)| (stream as StreamNo, offset)).collect()
    }

    /// Supersedes what a stream held before it kept so few events of each topic. Looks at the next `topics` topics
    /// after `after`, and drops at most `most` events. Returns the topic to continue after; `None` at the end.
    pub(in crate::embedded) fn supersede_after(
        &mut self,
        stream: u32,
        mut after: String,
        count: usize,
        topics: usize,
        most: usize,
    ) -> Result<Option<String>> {
        let before = self.superseded.len();
        for _ in 0..topics {
            let next = self.topics.range((stream, after.as_str(), u64::MAX)..)?.next();
            let next = next.transpose()?.map(|(key, _)| (key.value().0, key.value().1.to_owned()));
            let Some((_, topic)) = next.filter(|(of, _)| *of == stream) else { return Ok(None) };
            let left = most - (self.superseded.len() - before).min(most);
            if self.supersede(stream, [topic.as_str()], count, left)? {
                break;
            }
            after = topic;
        }
        Ok(Some(after))
    }

    /// Looks at the next `most` times from `from` on, and drops those whose events are all gone. Returns the time to
    /// continue from, or `None` at the end, and whether any was dropped.
    pub(in crate::embedded) fn drop_empty_times(
        &mut self,
        stream: u32,
        from: u64,
        most: usize,
    ) -> Result<(Option<u64>, bool)> {
        let rows = self.times.range((stream, from)..=(stream, u64::MAX))?.take(most + 1);
        let rows = rows.map(|row| row.map(|(time, offset)| (time.value().1, offset.value())));
        let rows: Vec<(u64, u64)> = rows.collect::<Result<_, _>>()?;
        let first = self.extent(stream).first;
        let mut changed = false;
        for pair in rows.windows(2) {
            let [(time, begin), (_, end)] = *pair else { continue };
            if !self.has_any(stream, begin.max(first), end)? {
                self.times.remove((stream, time))?;
                changed = true;
            }
        }
        Ok((rows.get(most).map(|(time, _)| *time), changed))
    }

    /// Takes all but the newest `count` offsets of a topic from the index, at most `most`, and adds them to `gone`.
    /// Returns `true` if there are more.
    fn shorten(
        &mut self,
        stream: u32,
        topic: &str,
        count: usize,
        most: usize,
        gone: &mut Vec<u64>,
    ) -> Result<bool> {
        let first = self.extent(stream).first;
        let (mut rows, mut found) = (Vec::<IndexRow>::new(), 0);
        for row in self.topics.range((stream, topic, 0)..=(stream, topic, u64::MAX))?.rev() {
            let (key, row) = row?;
            let offsets = packed::offsets(key.value().2, row.value())?;
            found += offsets.iter().filter(|offset| **offset >= first).count();
            rows.push(offsets);
            if found > count + most {
                break;
            }
        }
        let surplus = found.saturating_sub(count);
        if surplus > most {
            rows = self.oldest_rows(stream, topic, most)?;
        }
        let mut left = surplus.min(most);
        // From the oldest row on, without what goes, and without what is trimmed before it.
        for row in rows.iter_mut().rev() {
            if left == 0 {
                break;
            }
            let trimmed = row.iter().take_while(|offset| **offset < first).count();
            let goes = left.min(row.len() - trimmed);
            left -= goes;
            self.topics.remove((stream, topic, row[0]))?;
            gone.extend(row.drain(..trimmed + goes).skip(trimmed));
            self.put_offsets(stream, topic, row)?;
        }
        rows.retain(|row| !row.is_empty());
        if let [later, before, ..] = &mut rows[..]
            && later.len() + before.len() <= OFFSETS
        {
            self.topics.remove((stream, topic, later[0]))?;
            before.append(later);
            self.put_offsets(stream, topic, before)?;
        }
        Ok(surplus > most)
    }

    /// The oldest rows of a topic that have `most` offsets which are not trimmed. The latest of these rows comes first.
    fn oldest_rows(&self, stream: u32, topic: &str, most: usize) -> Result<Vec<IndexRow>> {
        let first = self.extent(stream).first;
        let (mut rows, mut found) = (Vec::<IndexRow>::new(), 0);
        for row in self.topics.range((stream, topic, 0)..=(stream, topic, u64::MAX))? {
            if found >= most {
                break;
            }
            let (key, row) = row?;
            let offsets = packed::offsets(key.value().2, row.value())?;
            found += offsets.iter().filter(|offset| **offset >= first).count();
            rows.push(offsets);
        }
        rows.reverse();
        Ok(rows)
    }

    fn put_offsets(&mut self, stream: u32, topic: &str, offsets: &[u64]) -> Result<()> {
        if let Some(first) = offsets.first() {
            self.topics.insert((stream, topic, *first), packed::row(offsets).as_slice())?;
        }
        Ok(())
    }

    /// Drops the events at these ascending offsets from their blocks.
    fn drop_entries(&mut self, stream: u32, mut gone: &[u64]) -> Result<()> {
        let mut extent = self.extent(stream);
        while let Some(&offset) = gone.first() {
            let row = self.blocks.range((stream, 0)..=(stream, offset))?.next_back().transpose()?;
            let row = row.map(|(key, row)| (key.value().1, row.value().to_vec()));
            let (block, row) = row.ok_or(corrupt("index"))?;
            let (mut left, before) = (Vec::new(), gone.len());
            for entry in block::entries(block, &row) {
                let entry = entry?;
                if gone.first() != Some(&entry.offset) {
                    left.push(entry);
                    continue;
                }
                gone = &gone[1..];
                let position = (stream, entry.offset);
                self.gone.extend(digest_of(entry.body).map(|digest| (digest, position)));
                self.superseded.push(position);
                extent.count = extent.count.saturating_sub(1);
                extent.bytes = extent.bytes.saturating_sub(cost(entry.topic, entry.body));
            }
            if gone.len() == before {
                return Err(corrupt("index"));
            }
            self.replace(stream, block, &left)?;
        }
        self.extents.insert(stream, extent);
        Ok(())
    }

    /// Writes a block again with the events that are left of it.
    fn replace(&mut self, stream: u32, block: u64, left: &[BlockEntry<'_>]) -> Result<()> {
        if left.is_empty() {
            self.blocks.remove((stream, block))?;
            return Ok(());
        }
        let row = block::encode(block, left.iter().copied())?;
        if row.len() <= THIN {
            let before =
                self.blocks.range((stream, 0)..(stream, block))?.next_back().transpose()?;
            let before = before.map(|(key, row)| (key.value().1, row.value().to_vec()));
            if let Some((first, before)) = before.filter(|(_, it)| it.len() + row.len() <= JOINED) {
                let entries: Vec<_> = block::entries(first, &before).collect::<Result<_>>()?;
                let joined = block::encode(first, entries.iter().chain(left).copied())?;
                self.blocks.remove((stream, block))?;
                self.blocks.insert((stream, first), joined.as_slice())?;
                return Ok(());
            }
        }
        self.blocks.insert((stream, block), row.as_slice())?;
        Ok(())
    }
}
