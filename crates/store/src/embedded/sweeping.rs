//! Looking through the streams that keep last values, a bounded part at a time.
//!
//! A write drops the events that it supersedes. Two things are left for the sweep: events that are too many since a
//! lower `--keep-topic` applies, and the times of seconds whose events are all superseded.

use std::sync::PoisonError;

use session::Millis;

use super::Embedded;
use super::error::Result;
use super::log::Log;
use super::maintenance::MAX_ROWS;

/// The most topics or times that one step looks at.
const LOOKED_AT: usize = if cfg!(test) { 3 } else { 1_000 };
/// How often all streams are looked through, in milliseconds. A part whose commit fails waits for the next time.
const EVERY: u64 = 3_600_000;

/// How far the streams have been looked through.
#[derive(Debug, Default)]
pub(super) struct Sweeping {
    next: Option<(u32, Part)>,
    began: u64,
}

/// What a step looks at.
#[derive(Debug)]
enum Part {
    /// The topics after this one.
    Topics(String),
    /// The times from this one on.
    Times(u64),
}

/// What a step did, if another step must follow.
pub(super) struct Swept {
    pub(super) changed: bool,
}

impl Embedded {
    /// Looks at the next part, if it is time and there is one.
    pub(super) fn sweep(&self, log: &mut Log<'_>, now: Millis) -> Result<Option<Swept>> {
        let mut sweeping = self.sweeping.lock().unwrap_or_else(PoisonError::into_inner);
        if sweeping.next.is_none() && sweeping.began + EVERY > now {
            return Ok(None);
        }
        let (from, part) = sweeping.next.take().unwrap_or_else(|| {
            sweeping.began = now;
            (0, Part::Topics(String::new()))
        });
        let mut keep_last = self.streams.keep().skip(from as usize);
        let stream = keep_last.find_map(|(stream, keep)| Some((stream, keep.of_each_topic()?)));
        let Some((stream, count)) = stream else { return Ok(None) };
        let part = if stream == from { part } else { Part::Topics(String::new()) };
        let before = log.extent(stream);
        let (next, dropped) = match part {
            Part::Topics(after) => {
                let after = log.supersede_after(stream, after, count, LOOKED_AT, MAX_ROWS)?;
                ((stream, after.map_or(Part::Times(0), Part::Topics)), false)
            }
            Part::Times(from) => {
                let (from, dropped) = log.drop_empty_times(stream, from, LOOKED_AT)?;
                let next_stream = (stream + 1, Part::Topics(String::new()));
                (from.map_or(next_stream, |from| (stream, Part::Times(from))), dropped)
            }
        };
        sweeping.next = Some(next);
        Ok(Some(Swept { changed: dropped || before != log.extent(stream) }))
    }
}
