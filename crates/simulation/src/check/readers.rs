//! Promises 1 to 4 for each reader: it receives the events of each stream forwards, once and without a hole, until the
//! end, and never more than it has room for. Of a stream that keeps the last values it may miss what a later one
//! supersedes.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::log::{Log, Logs};
use super::{Breach, Promise};
use crate::history::{EventNo, From, LoggedAt, ReaderNo, STREAMS, StreamNo, TopicNo, Topics};

#[derive(Debug, Default)]
pub(super) struct Readers {
    readers: BTreeMap<ReaderNo, Reader>,
}

#[derive(Debug)]
struct Reader {
    topics: Topics,
    caught_up: bool,
    /// The number of unfinished events, and its bound.
    held: u32,
    room: u32,
    streams: [Track; STREAMS],
}

/// The position of a reader in a stream.
#[derive(Debug)]
struct Track {
    from: Start,
    reported: Told,
    /// The epoch that it reads.
    epoch: Option<u64>,
    /// The start since it subscribed or was reset.
    delivered: HashSet<(u64, u64)>,
    /// The number of events it must have received when it has caught up.
    promised: u64,
    /// The highest offset that it has received, in each epoch.
    highest: HashMap<u64, u64>,
    gaps: Vec<(u64, u64)>,
}

/// Where a reader starts in a stream.
#[derive(Debug, Clone, Copy)]
enum Start {
    /// A position that only its peer knows.
    Late,
    Earliest,
    After(LoggedAt),
}

/// The position up to which a reader has received everything.
#[derive(Debug, Clone, Copy)]
enum Told {
    /// It starts at a position that only its peer knows.
    Unknown,
    /// It starts with the oldest event at the time of the lookup.
    Nothing,
    /// It has started at or before this position.
    AtLatest(u64),
    UpTo(u64),
}

impl Track {
    fn new(from: From, stream: usize, topics: Topics, log: &Log) -> Self {
        let from_here = match from {
            From::Latest | From::Last(_) => Start::Late,
            From::Earliest => Start::Earliest,
            From::After(places) => places[stream].map_or(Start::Earliest, Start::After),
        };
        let mut track = Self {
            from: from_here,
            reported: Told::Unknown,
            epoch: None,
            delivered: HashSet::new(),
            promised: 0,
            highest: HashMap::new(),
            gaps: Vec::new(),
        };
        track.start();
        if let Start::After(place) = from_here {
            track.epoch = Some(place.epoch);
            track.highest.insert(place.epoch, place.offset);
        }
        if let From::Last(count) = from {
            let there = log.between(log.trimmed(), u64::MAX, topics).count() as u64;
            track.promised = there.min(count);
        }
        track
    }

    fn start(&mut self) {
        self.reported = match self.from {
            Start::Late => Told::Unknown,
            Start::Earliest => Told::Nothing,
            Start::After(place) => Told::UpTo(place.offset),
        };
        self.promised = 0;
        self.delivered.clear();
        self.gaps.clear();
    }

    /// The first matching event before `before` that it has neither received nor seen in a gap, and that no later event
    /// of its topic supersedes.
    fn hole(&self, log: &Log, topics: Topics, before: u64) -> Option<(u64, EventNo)> {
        let (after, gone) = match self.reported {
            Told::Unknown => return None,
            Told::Nothing => (0, log.trimmed()),
            Told::AtLatest(offset) | Told::UpTo(offset) => (offset, 0),
        };
        let reported_gone =
            |at: u64| self.gaps.iter().any(|(from, to)| (*from..=*to).contains(&at));
        let mut between = log.between(after, before, topics);
        between.find(|(offset, _)| *offset > gone && !reported_gone(*offset))
    }

    /// Records a received event. Returns an error if the reader must not receive it.
    fn delivered(
        &mut self,
        logs: &Logs,
        topics: Topics,
        place: LoggedAt,
        event: EventNo,
    ) -> Result<(), (Promise, String)> {
        let log = logs.of(place.stream);
        if self.epoch.is_some_and(|epoch| epoch != place.epoch) {
            return Err((Promise::Order, "without a reset before the new epoch".into()));
        }
        let there = logs.at(place);
        if there != Some(event) {
            return Err((Promise::Order, format!("where the log holds {there:?}")));
        }
        if !self.delivered.insert((place.epoch, place.offset)) {
            return Err((Promise::Once, "a second time".into()));
        }
        let highest = self.highest.entry(place.epoch).or_default();
        if place.offset <= *highest {
            return Err((Promise::Forward, format!("after {highest}")));
        }
        *highest = place.offset;
        self.epoch = Some(place.epoch);
        // Events of an earlier epoch are no longer available.
        if place.epoch == log.epoch() {
            if log.topic(place.offset).is_some_and(|topic| !topics.holds(topic)) {
                return Err((Promise::Order, "which it has not asked for".into()));
            }
            if !matches!(self.reported, Told::AtLatest(head) if place.offset <= head)
                && let Some((offset, missing)) = self.hole(log, topics, place.offset)
            {
                return Err((Promise::Order, format!("and was not given {missing} at {offset}")));
            }
        }
        self.reported = Told::UpTo(place.offset);
        Ok(())
    }
}

impl Readers {
    pub(super) fn subscribed(
        &mut self,
        logs: &Logs,
        number: ReaderNo,
        topics: Topics,
        from: From,
        room: u32,
    ) {
        let streams = std::array::from_fn(|stream| {
            Track::new(from, stream, topics, logs.of(stream as StreamNo))
        });
        let reader = Reader { topics, caught_up: false, held: 0, room, streams };
        self.readers.insert(number, reader);
    }

    /// The log has lost events, so the earlier counts no longer apply.
    pub(super) fn less_is_there(&mut self) {
        for track in self.readers.values_mut().flat_map(|reader| &mut reader.streams) {
            track.promised = 0;
        }
    }

    /// An event of this topic leaves a stream for a later one. A reader may have caught up before that one is
    /// delivered.
    pub(super) fn superseded(&mut self, stream: StreamNo, topic: TopicNo) {
        for reader in self.readers.values_mut().filter(|reader| reader.topics.holds(topic)) {
            let track = &mut reader.streams[usize::from(stream)];
            track.promised = track.promised.saturating_sub(1);
        }
    }

    pub(super) fn caught_up(&mut self, logs: &Logs, number: ReaderNo) -> Result<(), Breach> {
        let Some(reader) = self.readers.get_mut(&number) else { return Ok(()) };
        let had_caught_up = std::mem::replace(&mut reader.caught_up, true);
        for (track, log) in reader.streams.iter_mut().zip(logs.all()) {
            let (given, promised) = (track.delivered.len() as u64, track.promised);
            if !had_caught_up && given < promised {
                let text =
                    format!("reader {number} has caught up with {given} of the last {promised}");
                return Err(Breach(Promise::Read, text));
            }
            if matches!(track.reported, Told::Unknown) {
                track.reported = Told::AtLatest(log.head());
            }
        }
        Ok(())
    }

    pub(super) fn delivered(
        &mut self,
        logs: &Logs,
        number: ReaderNo,
        place: LoggedAt,
        event: EventNo,
    ) -> Result<(), Breach> {
        let Some(reader) = self.readers.get_mut(&number) else {
            let text = format!("reader {number} has ended and is given {event}");
            return Err(Breach(Promise::Order, text));
        };
        reader.held += 1;
        let track = &mut reader.streams[usize::from(place.stream)];
        let mut given = track.delivered(logs, reader.topics, place, event);
        if given.is_ok() && reader.held > reader.room {
            given = Err((Promise::Room, format!("and has room for {}", reader.room)));
        }
        given.map_err(|(promise, text)| {
            Breach(promise, format!("reader {number} is given {event} at {place}, {text}"))
        })
    }

    pub(super) fn took(&mut self, number: ReaderNo) {
        if let Some(reader) = self.readers.get_mut(&number) {
            reader.held = reader.held.saturating_sub(1);
        }
    }

    pub(super) fn gap(
        &mut self,
        logs: &Logs,
        number: ReaderNo,
        stream: StreamNo,
        (from, to): (u64, u64),
    ) -> Result<(), Breach> {
        let Some(reader) = self.readers.get_mut(&number) else { return Ok(()) };
        let (track, log) = (&mut reader.streams[usize::from(stream)], logs.of(stream));
        let trimmed = match track.epoch {
            // Events in transit when the log lost its tail may belong to the previous epoch.
            None => log.ever_trimmed(),
            Some(epoch) if epoch == log.epoch() => log.trimmed(),
            Some(_) => u64::MAX,
        };
        if to > trimmed {
            let first = trimmed + 1;
            let text = format!(
                "reader {number} learns that {from} to {to} of stream {stream} is gone, and it \
                 begins at {first}"
            );
            return Err(Breach(Promise::Read, text));
        }
        track.gaps.push((from, to));
        Ok(())
    }

    pub(super) fn reset(&mut self, number: ReaderNo, stream: StreamNo) {
        if let Some(reader) = self.readers.get_mut(&number) {
            reader.caught_up = false;
            let track = &mut reader.streams[usize::from(stream)];
            if let Start::After(_) = track.from {
                // Its position is no longer valid, so it starts with the oldest event.
                track.from = Start::Earliest;
            }
            track.epoch = None;
            track.start();
        }
    }

    pub(super) fn ended(&mut self, number: ReaderNo) {
        self.readers.remove(&number);
    }

    pub(super) fn finish(&self, logs: &Logs) -> Result<(), Breach> {
        for (number, reader) in &self.readers {
            let breach = |text: &str| Err(Breach(Promise::Read, format!("reader {number} {text}")));
            if !reader.caught_up {
                return breach("never learned that it has caught up");
            }
            for (track, log) in reader.streams.iter().zip(logs.all()) {
                if track.epoch.is_some_and(|epoch| epoch != log.epoch()) {
                    return breach("never learned that its epoch of the log is over");
                }
                if let Some((offset, missing)) = track.hole(log, reader.topics, u64::MAX) {
                    return breach(&format!("was never given {missing} at {offset}"));
                }
            }
        }
        Ok(())
    }
}
