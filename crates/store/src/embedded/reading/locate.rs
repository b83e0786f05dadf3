//! Where a subscription starts, in each stream at the same moment.

use redb::ReadTransaction;
use session::server::{Located, StartPoint};
use session::{Position, Start, Stream};
use topic::Pattern;

use super::Reading;
use super::newest::STEP;
use crate::Search;
use crate::embedded::error::Result;

/// Where a subscription starts in `streams`; `None` if `search` needs another step.
pub(in crate::embedded) fn locate(
    moment: &ReadTransaction,
    streams: &[Stream],
    epoch: u64,
    pattern: &Pattern,
    start: &Start,
    search: &mut Search,
) -> Result<Option<Located>> {
    if let Start::Last(count) = start {
        let mut rows = STEP;
        for number in (0..).take(streams.len()).skip(search.begins.len()) {
            let reading = Reading::new(moment, number, epoch)?;
            if !reading.search(pattern, *count, search, &mut rows)? {
                return Ok(None);
            }
        }
    }
    let (mut places, mut strange) = (Vec::with_capacity(streams.len()), Vec::new());
    for (number, stream) in (0..).zip(streams) {
        let reading = Reading::new(moment, number, epoch)?;
        let begin = search.begins.get(number as usize).copied().flatten();
        let mut place = reading.place(stream, start, begin)?;
        if reading.is_strange(stream, start)? {
            strange.push(place.head.clone());
        }
        // A stream without matching topics is skipped. A pattern without wildcards has the index.
        let is_walked = streams.len() > 1 && pattern.as_topic().is_none();
        if is_walked && place.next <= reading.head && !reading.holds(pattern)? {
            place.next = reading.head + 1;
        }
        places.push(place);
    }
    if let Start::After(positions) = start {
        let elsewhere = positions.iter().filter(|position| !streams.contains(&position.stream));
        strange.extend(elsewhere.map(|position| {
            let stream = position.stream.clone();
            Position { stream, ..Position::start_of(epoch) }
        }));
    }
    Ok(Some(if strange.is_empty() { Located::At(places) } else { Located::Reset(strange) }))
}

/// The position that a start names in a stream.
fn position<'s>(start: &'s Start, stream: &Stream) -> Option<&'s Position> {
    match start {
        Start::After(positions) => positions.iter().find(|position| position.stream == *stream),
        _ => None,
    }
}

impl Reading {
    /// Where a subscription starts in this stream. `begin` is the first of the newest events that it asks for.
    fn place(&self, stream: &Stream, start: &Start, begin: Option<u64>) -> Result<StartPoint> {
        let (stream, epoch, offset) = (stream.clone(), self.epoch, self.head);
        let previous = position(start, &stream).map(|position| position.offset);
        let next = match start {
            Start::Latest => self.head + 1,
            // Events that were trimmed since the search found them are no gap.
            Start::Last(_) => begin.map_or(self.head + 1, |begin| begin.max(self.first)),
            Start::Earliest | Start::After(_) => {
                previous.map_or(self.first, |previous| previous.saturating_add(1))
            }
        };
        let head = Position { stream, epoch, offset, id: self.id(offset)? };
        Ok(StartPoint { next: next.max(self.first), previous, head, gap: self.gone(next) })
    }

    /// Whether a start names a position of another log, or of another life of this one.
    fn is_strange(&self, stream: &Stream, start: &Start) -> Result<bool> {
        let Some(Position { epoch, offset, id, .. }) = position(start, stream) else {
            return Ok(false);
        };
        // An event whose id cannot be read may be the right one.
        let other_event = || -> Result<bool> {
            let found = self.id(*offset)?;
            Ok(found.is_some() && id.is_some() && found != *id)
        };
        Ok(*epoch != self.epoch || *offset > self.head || (*offset >= self.first && other_event()?))
    }

    /// Whether the stream may hold a matching event, or held one recently.
    fn holds(&self, pattern: &Pattern) -> Result<bool> {
        let mut rows = super::TOPICS_LOOKED_AT;
        let has_none = self.each_topic(pattern, &mut rows, |_, _| Ok(super::STOP))?;
        Ok(!has_none)
    }
}
