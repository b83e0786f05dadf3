//! The log of a stream.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use session::server::{Logged, Older, Page, StartPoint, StreamNo, TopicCount};
use session::{Body, MAX_TALLY, Position, Start, Stream};
use topic::{Pattern, Topic};

#[derive(Debug, Clone)]
pub(super) struct Log {
    number: StreamNo,
    name: Stream,
    epoch: u64,
    /// The most events of each topic.
    keeps: usize,
    last: u64,
    /// Up to here all is gone.
    trimmed: u64,
    /// By ascending offsets. Superseded events are missing.
    events: Vec<(Arc<Logged>, String)>,
    /// Source and id of what is there.
    ids: BTreeMap<(String, String), u64>,
}

impl Log {
    pub(super) fn new(number: StreamNo, name: Stream) -> Self {
        Self {
            number,
            name,
            epoch: 1,
            keeps: usize::MAX,
            last: 0,
            trimmed: 0,
            events: Vec::new(),
            ids: BTreeMap::new(),
        }
    }

    pub(super) fn head(&self) -> Position {
        self.position(self.last())
    }

    pub(super) fn position(&self, offset: u64) -> Position {
        let id = self.at(offset).map(|(_, id)| id.clone());
        Position { stream: self.name.clone(), epoch: self.epoch, offset, id }
    }

    pub(super) fn events(&self) -> impl DoubleEndedIterator<Item = (&Arc<Logged>, &str)> {
        self.events.iter().map(|(event, id)| (event, id.as_str()))
    }

    pub(super) fn find(&self, body: &Body) -> Option<u64> {
        self.ids.get(&(body.source.clone(), body.id.clone())).copied()
    }

    pub(super) fn append(&mut self, topic: &Topic, body: &Body) -> Arc<Logged> {
        self.last += 1;
        let offset = self.last;
        let encoded = body.encode().into();
        let logged = Arc::new(Logged::new(self.number, offset, topic.clone(), encoded));
        self.events.push((Arc::clone(&logged), body.id.clone()));
        self.ids.insert((body.source.clone(), body.id.clone()), offset);
        logged
    }

    /// The event at an offset, if it is there.
    pub(super) fn event(&self, offset: u64) -> Option<&Arc<Logged>> {
        self.at(offset).map(|(event, _)| event)
    }

    /// Replaces the body of the event at an offset. Its id stays.
    pub(super) fn replace(&mut self, offset: u64, body: &Body) {
        if let Some((event, _)) = self.events.iter_mut().find(|(event, _)| event.offset == offset) {
            let (number, topic) = (event.stream, event.topic.clone());
            *event = Arc::new(Logged::new(number, offset, topic, body.encode().into()));
        }
    }

    pub(super) fn trim(&mut self, left: u64) -> u64 {
        let gone = (self.events.len() as u64).saturating_sub(left);
        if let Some((last, _)) = self.events.drain(..gone as usize).next_back() {
            self.trimmed = last.offset;
        }
        let first = self.trimmed + 1;
        self.ids.retain(|_, offset| *offset >= first);
        self.trimmed
    }

    pub(super) fn keep_last(&mut self, count: usize) {
        self.keeps = count;
    }

    /// Drops all but the newest events of each topic. A deliberate bug drops the newest instead of the oldest ones.
    pub(super) fn supersede(&mut self, drops_newest: bool) {
        let mut counts: BTreeMap<Topic, usize> = BTreeMap::new();
        for (event, _) in &self.events {
            *counts.entry(event.topic.clone()).or_default() += 1;
        }
        let keeps = self.keeps;
        let mut is_surplus = |event: &Logged| {
            let surplus = counts.get_mut(&event.topic).filter(|count| **count > keeps);
            surplus.map(|count| *count -= 1).is_some()
        };
        let mut gone = BTreeSet::new();
        let mut look = |event: &Logged| _ = is_surplus(event) && gone.insert(event.offset);
        if drops_newest {
            self.events.iter().rev().for_each(|(event, _)| look(event));
        } else {
            self.events.iter().for_each(|(event, _)| look(event));
        }
        self.events.retain(|(event, _)| !gone.contains(&event.offset));
        self.ids.retain(|_, offset| !gone.contains(offset));
    }

    pub(super) fn start_epoch(&mut self, epoch: u64) {
        self.epoch = epoch;
    }

    /// Where a subscription starts; an error if its position is of another log.
    pub(super) fn locate(&self, pattern: &Pattern, start: &Start) -> Result<StartPoint, Position> {
        let head = self.head();
        let known = match start {
            Start::After(positions) => positions.iter().find(|it| it.stream == self.name),
            _ => None,
        };
        let next = match (start, known) {
            (_, Some(position)) => {
                let other = position.id.is_some()
                    && self
                        .at(position.offset)
                        .is_some_and(|(_, id)| Some(id) != position.id.as_ref());
                if position.epoch != self.epoch || position.offset > self.last() || other {
                    return Err(head);
                }
                position.offset + 1
            }
            (Start::Latest, None) => self.last() + 1,
            (Start::Earliest | Start::After(_), None) => self.trimmed + 1,
            (Start::Last(count), None) => {
                let matching =
                    self.events.iter().rev().filter(|(it, _)| pattern.matches(&it.topic));
                let oldest = matching.take(*count as usize).last();
                oldest.map_or(self.last() + 1, |(it, _)| it.offset)
            }
        };
        let previous = known.map(|position| position.offset);
        let gap = (next <= self.trimmed).then_some((next, self.trimmed));
        Ok(StartPoint { next: next.max(self.trimmed + 1), previous, head, gap })
    }

    /// Matching events before an offset, newest first. Looks at a limited number of events.
    pub(super) fn older(
        &self,
        pattern: &Pattern,
        before: Option<u64>,
        limit: usize,
        look_at: usize,
    ) -> Older {
        let before = before.unwrap_or(u64::MAX);
        let mut older = Older { epoch: self.epoch, events: Vec::new(), next: None };
        let below = self.events.iter().rev().filter(|(event, _)| event.offset < before);
        let mut next = None;
        for (looked_at, (event, _)) in below.enumerate() {
            if older.events.len() == limit || looked_at == look_at {
                older.next = next;
                break;
            }
            next = Some(event.offset);
            if pattern.matches(&event.topic) {
                older.events.push(Arc::clone(event));
            }
        }
        older
    }

    /// The events of a topic after a position, and the newest.
    pub(super) fn count(&self, topic: &Topic, after: Option<&Position>) -> TopicCount {
        let after = after.filter(|it| it.stream == self.name && it.epoch == self.epoch);
        let after = after.map_or(0, |after| after.offset);
        let all = self.events.iter().rev().map(|(event, _)| event);
        let all = || all.clone().filter(|event| event.topic == *topic);
        let shown =
            all().take(TopicCount::LOOKED_AT).find_map(|event| {
                match TopicCount::may_show(&event.body) {
                    Some(false) => None,
                    may_show => Some(may_show.map(|_| Arc::clone(event))),
                }
            });
        TopicCount {
            count: all().take_while(|event| event.offset > after).take(MAX_TALLY).count() as u64,
            head: all().next().map(|event| self.position(event.offset)),
            newest: shown.flatten(),
        }
    }

    pub(super) fn page(&self, pattern: &Pattern, from: u64, limit: usize) -> Page {
        let gap = (from <= self.trimmed).then_some((from, self.trimmed));
        let mut page = Page { events: Vec::new(), next: self.last() + 1, gap };
        let skip = self.events.partition_point(|(event, _)| event.offset < from);
        for (event, _) in self.events.iter().skip(skip) {
            if page.events.len() == limit {
                page.next = event.offset;
                break;
            }
            if pattern.matches(&event.topic) {
                page.events.push(Arc::clone(event));
            }
        }
        page
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    fn at(&self, offset: u64) -> Option<&(Arc<Logged>, String)> {
        let at = self.events.binary_search_by_key(&offset, |(event, _)| event.offset);
        self.events.get(at.ok()?)
    }
}
