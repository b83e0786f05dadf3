//! The committed events of each stream, in all epochs of its log.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Breach, Promise};
use crate::history::{EventNo, LoggedAt, STREAMS, StreamNo, TopicNo, Topics};

/// The logs of all streams.
#[derive(Debug, Default)]
pub(super) struct Logs {
    streams: [Log; STREAMS],
    /// The stream of each topic.
    homes: HashMap<TopicNo, StreamNo>,
}

impl Logs {
    pub(super) fn of(&self, stream: StreamNo) -> &Log {
        &self.streams[usize::from(stream)]
    }

    pub(super) fn change(&mut self, stream: StreamNo) -> &mut Log {
        &mut self.streams[usize::from(stream)]
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Log> {
        self.streams.iter()
    }

    pub(super) fn append(
        &mut self,
        place: LoggedAt,
        event: EventNo,
        topic: TopicNo,
    ) -> Result<Option<Superseded>, Breach> {
        let home = *self.homes.entry(topic).or_insert(place.stream);
        if home != place.stream {
            let text = format!("topic {topic} stands at {place}, and stood in stream {home}");
            return Err(Breach(Promise::Order, text));
        }
        self.change(place.stream).append(place, event, topic)?;
        Ok(self.change(place.stream).values.add(topic, place.offset))
    }

    /// The event at a position, now or earlier.
    pub(super) fn at(&self, place: LoggedAt) -> Option<EventNo> {
        self.of(place.stream).stood.get(&(place.epoch, place.offset)).copied()
    }
}

/// The topic of an event that the store may drop, because enough later ones of its topic are in the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Superseded(pub(super) TopicNo);

/// The newest events of each topic, in a stream that keeps no others.
#[derive(Debug, Default)]
struct Values {
    /// `None` for a stream that keeps all.
    count: Option<usize>,
    newest: HashMap<TopicNo, VecDeque<u64>>,
    superseded: HashSet<u64>,
}

impl Values {
    fn add(&mut self, topic: TopicNo, offset: u64) -> Option<Superseded> {
        let count = self.count?;
        let newest = self.newest.entry(topic).or_default();
        newest.push_back(offset);
        let oldest = (newest.len() > count).then(|| newest.pop_front());
        self.superseded.insert(oldest??);
        Some(Superseded(topic))
    }
}

#[derive(Debug)]
pub(super) struct Log {
    epoch: u64,
    /// From offset 1, including trimmed and superseded events.
    entries: Vec<(EventNo, TopicNo)>,
    values: Values,
    trimmed: u64,
    /// The highest trimmed offset of all epochs.
    ever_trimmed: u64,
    /// The events at their positions, including those of earlier epochs.
    stood: HashMap<(u64, u64), EventNo>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            epoch: 1,
            entries: Vec::new(),
            values: Values::default(),
            trimmed: 0,
            ever_trimmed: 0,
            stood: HashMap::new(),
        }
    }
}

impl Log {
    fn append(&mut self, place: LoggedAt, event: EventNo, topic: TopicNo) -> Result<(), Breach> {
        if place.epoch != self.epoch || place.offset != self.head() + 1 {
            let text = format!("the log goes on at {place} after {}@{}", self.head(), self.epoch);
            return Err(Breach(Promise::Order, text));
        }
        if let Some(other) = self.stood.insert((place.epoch, place.offset), event)
            && other != event
        {
            let text = format!("{event} stands at {place}, where {other} stood before");
            return Err(Breach(Promise::Forward, text));
        }
        self.entries.push((event, topic));
        Ok(())
    }

    pub(super) fn keep_last(&mut self, count: usize) {
        self.values.count = Some(count);
    }

    pub(super) fn trim(&mut self, up_to: u64) {
        self.trimmed = self.trimmed.max(up_to);
        self.ever_trimmed = self.ever_trimmed.max(up_to);
    }

    /// Cuts the log at `head` and returns the lost events.
    pub(super) fn lose_tail(&mut self, epoch: u64, head: u64) -> Vec<EventNo> {
        let kept = usize::try_from(head).unwrap_or(usize::MAX).min(self.entries.len());
        let lost = self.entries.drain(kept..).map(|(event, _)| event).collect();
        self.trimmed = self.trimmed.min(head);
        self.values = Values { count: self.values.count, ..Values::default() };
        for (offset, (_, topic)) in (1..).zip(&self.entries) {
            self.values.add(*topic, offset);
        }
        if epoch != self.epoch {
            self.epoch = epoch;
            for (offset, (event, _)) in (1..).zip(&self.entries) {
                self.stood.insert((epoch, offset), *event);
            }
        }
        lost
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn head(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(super) fn trimmed(&self) -> u64 {
        self.trimmed
    }

    /// The highest trimmed offset of all epochs.
    pub(super) fn ever_trimmed(&self) -> u64 {
        self.ever_trimmed
    }

    /// Whether the store may have dropped the event at this offset.
    pub(super) fn may_be_gone(&self, offset: u64) -> bool {
        (1..=self.trimmed).contains(&offset) || self.values.superseded.contains(&offset)
    }

    /// The topic of the event at this offset.
    pub(super) fn topic(&self, offset: u64) -> Option<TopicNo> {
        let index = usize::try_from(offset.checked_sub(1)?).ok()?;
        self.entries.get(index).map(|(_, topic)| *topic)
    }

    /// The matching events between these two offsets, exclusive, without superseded ones.
    pub(super) fn between(
        &self,
        after: u64,
        before: u64,
        topics: Topics,
    ) -> impl Iterator<Item = (u64, EventNo)> {
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        (after.saturating_add(1)..before)
            .zip(self.entries.iter().skip(skip))
            .filter(move |(_, (_, topic))| topics.holds(*topic))
            .filter(|(offset, _)| !self.values.superseded.contains(offset))
            .map(|(offset, (event, _))| (offset, *event))
    }
}
