//! Promises 1 to 5 as each reader sees them: it is given what the log holds, forwards, once and
//! without a hole, until the end.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::log::Log;
use super::{Breach, Promise};
use crate::history::{ClientNo, EventNo, From, Place, ReaderNo, TopicNo, Topics};

#[derive(Debug, Default)]
pub(super) struct Readers {
    readers: BTreeMap<ReaderNo, Reader>,
}

#[derive(Debug)]
struct Reader {
    topics: Topics,
    from: From,
    told: Told,
    /// The life of the log that it reads.
    epoch: Option<u64>,
    caught_up: bool,
    /// Since it subscribed or was reset.
    delivered: HashSet<Place>,
    /// How many it must have been given before it has caught up.
    promised: u64,
    /// The highest offset that it was given, in each life of the log.
    highest: HashMap<u64, u64>,
    gaps: Vec<(u64, u64)>,
    present: HashMap<TopicNo, BTreeSet<ClientNo>>,
}

/// Up to where a reader has been told everything.
#[derive(Debug, Clone, Copy)]
enum Told {
    /// It starts somewhere that only its peer knows.
    Unknown,
    /// It starts with the oldest event that there is when it is located.
    Nothing,
    /// It started somewhere, and at the latest here.
    AtLatest(u64),
    UpTo(u64),
}

impl Reader {
    fn start(&mut self) {
        self.told = match self.from {
            From::Latest | From::Last(_) => Told::Unknown,
            From::Earliest => Told::Nothing,
            From::After(place) => Told::UpTo(place.offset),
        };
        self.promised = 0;
        self.caught_up = false;
        self.delivered.clear();
        self.gaps.clear();
    }

    /// The first event before `before` that it asks for, and was neither given nor told to be gone.
    fn hole(&self, log: &Log, before: u64) -> Option<(u64, EventNo)> {
        let (after, gone) = match self.told {
            Told::Unknown => return None,
            Told::Nothing => (0, log.trimmed()),
            Told::AtLatest(offset) | Told::UpTo(offset) => (offset, 0),
        };
        let told_gone = |at: u64| self.gaps.iter().any(|(from, to)| (*from..=*to).contains(&at));
        let mut between = log.between(after, before, self.topics);
        between.find(|(offset, _)| *offset > gone && !told_gone(*offset))
    }
}

impl Readers {
    pub(super) fn subscribed(&mut self, log: &Log, number: ReaderNo, topics: Topics, from: From) {
        let mut reader = Reader {
            topics,
            from,
            told: Told::Unknown,
            epoch: None,
            caught_up: false,
            delivered: HashSet::new(),
            promised: 0,
            highest: HashMap::new(),
            gaps: Vec::new(),
            present: HashMap::new(),
        };
        reader.start();
        match from {
            From::After(place) => {
                reader.epoch = Some(place.epoch);
                reader.highest.insert(place.epoch, place.offset);
            }
            From::Last(count) => {
                let there = log.between(log.trimmed(), u64::MAX, topics).count() as u64;
                reader.promised = there.min(count);
            }
            From::Latest | From::Earliest => {}
        }
        self.readers.insert(number, reader);
    }

    /// The log holds less: nobody can be held to how much there was.
    pub(super) fn less_is_there(&mut self) {
        for reader in self.readers.values_mut() {
            reader.promised = 0;
        }
    }

    pub(super) fn caught_up(&mut self, log: &Log, number: ReaderNo) -> Result<(), Breach> {
        let Some(reader) = self.readers.get_mut(&number) else { return Ok(()) };
        let (given, promised) = (reader.delivered.len() as u64, reader.promised);
        if !reader.caught_up && given < promised {
            let text = format!("reader {number} has caught up with {given} of the last {promised}");
            return Err(Breach(Promise::Read, text));
        }
        reader.caught_up = true;
        if matches!(reader.told, Told::Unknown) {
            reader.told = Told::AtLatest(log.head());
        }
        Ok(())
    }

    pub(super) fn delivered(
        &mut self,
        log: &Log,
        number: ReaderNo,
        place: Place,
        event: EventNo,
    ) -> Result<(), Breach> {
        let Some(reader) = self.readers.get_mut(&number) else {
            let text = format!("reader {number} has ended and is given {event}");
            return Err(Breach(Promise::Order, text));
        };
        let breach = |promise, text: &str| {
            Err(Breach(promise, format!("reader {number} is given {event} at {place}, {text}")))
        };
        if reader.epoch.is_some_and(|epoch| epoch != place.epoch) {
            return breach(Promise::Order, "without a reset before the new epoch");
        }
        let there = log.at(place);
        if there != Some(event) {
            return breach(Promise::Order, &format!("where the log holds {there:?}"));
        }
        if !reader.delivered.insert(place) {
            return breach(Promise::Once, "a second time");
        }
        let highest = reader.highest.entry(place.epoch).or_default();
        if place.offset <= *highest {
            return breach(Promise::Forward, &format!("after {highest}"));
        }
        *highest = place.offset;
        reader.epoch = Some(place.epoch);
        // A life of the log that is over cannot be asked for what it held between.
        if place.epoch == log.epoch() {
            if log.topic(place.offset).is_some_and(|topic| !reader.topics.holds(topic)) {
                return breach(Promise::Order, "which it has not asked for");
            }
            if !matches!(reader.told, Told::AtLatest(head) if place.offset <= head)
                && let Some((offset, missing)) = reader.hole(log, place.offset)
            {
                let text = format!("and was not given {missing} at {offset}");
                return breach(Promise::Order, &text);
            }
        }
        reader.told = Told::UpTo(place.offset);
        Ok(())
    }

    pub(super) fn gap(
        &mut self,
        log: &Log,
        number: ReaderNo,
        from: u64,
        to: u64,
    ) -> Result<(), Breach> {
        let Some(reader) = self.readers.get_mut(&number) else { return Ok(()) };
        let of_this_life = reader.epoch.is_none_or(|epoch| epoch == log.epoch());
        if of_this_life && to > log.trimmed() {
            let first = log.trimmed() + 1;
            let text = format!(
                "reader {number} is told that {from} to {to} is gone, and the log begins at {first}"
            );
            return Err(Breach(Promise::Read, text));
        }
        reader.gaps.push((from, to));
        Ok(())
    }

    pub(super) fn reset(&mut self, number: ReaderNo) {
        if let Some(reader) = self.readers.get_mut(&number) {
            if let From::After(_) = reader.from {
                // Its position is worth nothing; what stands for it is the oldest that there is.
                reader.from = From::Earliest;
            }
            reader.epoch = None;
            reader.start();
        }
    }

    pub(super) fn ended(&mut self, number: ReaderNo) {
        self.readers.remove(&number);
    }

    pub(super) fn seen(&mut self, number: ReaderNo, topic: TopicNo, member: ClientNo, here: bool) {
        let Some(reader) = self.readers.get_mut(&number) else { return };
        let members = reader.present.entry(topic).or_default();
        if here {
            members.insert(member);
        } else {
            members.remove(&member);
        }
    }

    pub(super) fn finish(&self, log: &Log) -> Result<(), Breach> {
        for (number, reader) in &self.readers {
            let breach =
                |promise, text: &str| Err(Breach(promise, format!("reader {number} {text}")));
            if !reader.caught_up {
                return breach(Promise::Read, "was never told that it has caught up");
            }
            if reader.epoch.is_some_and(|epoch| epoch != log.epoch()) {
                return breach(Promise::Read, "was not told that its life of the log is over");
            }
            if let Some((offset, missing)) = reader.hole(log, u64::MAX) {
                return breach(Promise::Read, &format!("was never given {missing} at {offset}"));
            }
            for (topic, seen) in &reader.present {
                let there = log.members(*topic);
                if *seen != there {
                    let text = format!("sees {seen:?} on topic {topic}, where {there:?} are");
                    return breach(Promise::Presence, &text);
                }
            }
        }
        Ok(())
    }
}
