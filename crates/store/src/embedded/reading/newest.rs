//! Where the newest events of a pattern begin, found in steps.
//!
//! A client chooses how many, and they may be far back. A step looks at a bounded number of rows, and the next step
//! continues from there, so that no search holds a thread.

use std::collections::BTreeSet;

use topic::Pattern;

use super::{ON, Reading, STOP};
use crate::Search;
use crate::embedded::error::Result;
use crate::search::Walk;

/// The rows that a step looks at. Tests take many steps in short logs.
pub(super) const STEP: usize = if cfg!(test) { 7 } else { 16_384 };
/// Up to this many of a pattern's newest events are searched topic by topic, more in the log.
const MERGED: u64 = 1_000;
/// The rows that a search topic by topic looks at before it goes to the log.
const MERGED_ROWS: usize = if cfg!(test) { 5 } else { 4_096 };

impl Reading {
    /// Searches this stream for the offset of the `count`th newest matching event, or the oldest one if there are
    /// fewer. Takes from `rows`, and returns `false` if they did not suffice.
    pub(super) fn search(
        &self,
        pattern: &Pattern,
        count: u64,
        search: &mut Search,
        rows: &mut usize,
    ) -> Result<bool> {
        let all = self.count;
        if count == 0 || all == 0 || count >= all {
            let begin = (count > 0 && all > 0).then_some(self.first);
            search.begins.push(begin);
            return Ok(true);
        }
        if *rows == 0 {
            return Ok(false);
        }
        let mut walk = match search.walk.take() {
            Some(walk) => walk,
            None => {
                if count <= MERGED
                    && pattern.as_topic().is_none()
                    && let Some(newest) =
                        self.newest_of_topics(pattern, u64::MAX, count as usize, rows)?
                {
                    search.begins.push(newest.first().copied());
                    return Ok(true);
                }
                Walk { before: u64::MAX, found: 0, oldest: None }
            }
        };
        if self.walk(pattern, count, &mut walk, rows)? {
            search.begins.push(walk.oldest);
            return Ok(true);
        }
        search.walk = Some(walk);
        Ok(false)
    }

    /// Goes back until enough are found. Returns `false` if `rows` did not suffice.
    fn walk(
        &self,
        pattern: &Pattern,
        count: u64,
        walk: &mut Walk,
        rows: &mut usize,
    ) -> Result<bool> {
        if let Some(topic) = pattern.as_topic() {
            for offset in self.older_of(topic.as_str(), walk.before)? {
                if walk.found == count {
                    return Ok(true);
                }
                if *rows == 0 {
                    return Ok(false);
                }
                *rows -= 1;
                let offset = offset?;
                *walk = Walk { before: offset, found: walk.found + 1, oldest: Some(offset) };
            }
            return Ok(true);
        }
        let mut is_done = true;
        self.blocks.each_before(walk.before, |entry| {
            if entry.offset < self.first || walk.found == count {
                return Ok(STOP);
            }
            if *rows == 0 {
                is_done = false;
                return Ok(STOP);
            }
            *rows -= 1;
            walk.before = entry.offset;
            if super::matches(pattern, entry.topic)? {
                (walk.found, walk.oldest) = (walk.found + 1, Some(entry.offset));
            }
            Ok(ON)
        })?;
        Ok(is_done)
    }

    /// The newest `count` offsets before `before`, found topic by topic; `None` if there are too many topics.
    pub(super) fn newest_of_topics(
        &self,
        pattern: &Pattern,
        before: u64,
        count: usize,
        rows: &mut usize,
    ) -> Result<Option<BTreeSet<u64>>> {
        let mut newest = BTreeSet::new();
        let most = MERGED_ROWS.min(*rows);
        let mut left = most;
        let found_all = self.each_topic(pattern, &mut left, |topic, left| {
            for offset in self.older_of(topic, before)?.take(count) {
                let offset = offset?;
                if newest.len() == count && newest.first().is_some_and(|oldest| offset < *oldest) {
                    // The topic's others are older still.
                    break;
                }
                if *left == 0 {
                    return Ok(STOP);
                }
                *left -= 1;
                newest.insert(offset);
                if newest.len() > count {
                    newest.pop_first();
                }
            }
            Ok(ON)
        })?;
        *rows -= most - left;
        Ok(found_all.then_some(newest))
    }
}
