//! The log of a store.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{Pattern, Topic};
use session::server::{Located, Logged, Page, Place};
use session::{Body, Position, Start};

#[derive(Debug, Clone)]
pub(super) struct Log {
    epoch: u64,
    /// Up to here all is gone.
    trimmed: u64,
    events: Vec<(Arc<Logged>, String)>,
    /// Source and id of what is there.
    ids: BTreeMap<(String, String), u64>,
}

impl Default for Log {
    fn default() -> Self {
        Self { epoch: 1, trimmed: 0, events: Vec::new(), ids: BTreeMap::new() }
    }
}

impl Log {
    pub(super) fn head(&self) -> Position {
        self.position(self.last())
    }

    pub(super) fn position(&self, offset: u64) -> Position {
        let id = self.at(offset).map(|(_, id)| id.clone());
        Position { offset, id, ..Position::start_of(self.epoch) }
    }

    pub(super) fn find(&self, body: &Body) -> Option<u64> {
        self.ids.get(&(body.source.clone(), body.id.clone())).copied()
    }

    pub(super) fn append(&mut self, topic: &Topic, body: &Body) -> Arc<Logged> {
        let offset = self.last() + 1;
        let body_bytes = body.encode().into();
        let logged = Arc::new(Logged { stream: 0, offset, topic: topic.clone(), body: body_bytes });
        self.events.push((Arc::clone(&logged), body.id.clone()));
        self.ids.insert((body.source.clone(), body.id.clone()), offset);
        logged
    }

    pub(super) fn trim(&mut self, left: u64) -> u64 {
        let gone = (self.events.len() as u64).saturating_sub(left);
        self.events.drain(..gone as usize);
        self.trimmed += gone;
        let first = self.trimmed + 1;
        self.ids.retain(|_, offset| *offset >= first);
        self.trimmed
    }

    pub(super) fn start_epoch(&mut self, epoch: u64) {
        self.epoch = epoch;
    }

    pub(super) fn locate(&self, pattern: &Pattern, start: &Start) -> Located {
        let head = self.head();
        let (next, previous) = match start {
            Start::Latest => (self.last() + 1, Some(self.last())),
            Start::Earliest => (self.trimmed + 1, None),
            Start::Last(count) => {
                let matching =
                    self.events.iter().rev().filter(|(it, _)| pattern.matches(&it.topic));
                let oldest = matching.take(*count as usize).last();
                (oldest.map_or(self.last() + 1, |(it, _)| it.offset), None)
            }
            Start::After(positions) => {
                let position = &positions[0];
                let other = position.id.is_some()
                    && self
                        .at(position.offset)
                        .is_some_and(|(_, id)| Some(id) != position.id.as_ref());
                if position.epoch != self.epoch || position.offset > self.last() || other {
                    return Located::Reset(vec![head]);
                }
                (position.offset + 1, Some(position.offset))
            }
        };
        let gap = (next <= self.trimmed).then_some((next, self.trimmed));
        let next = next.max(self.trimmed + 1);
        Located::At(vec![Place { next, previous, head, gap }])
    }

    pub(super) fn page(&self, pattern: &Pattern, from: u64, limit: usize) -> Page {
        let gap = (from <= self.trimmed).then_some((from, self.trimmed));
        let mut page = Page { events: Vec::new(), next: self.last() + 1, gap };
        let skip = from.saturating_sub(self.trimmed + 1) as usize;
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

    fn last(&self) -> u64 {
        self.trimmed + self.events.len() as u64
    }

    fn at(&self, offset: u64) -> Option<&(Arc<Logged>, String)> {
        self.events.get(offset.checked_sub(self.trimmed + 1)? as usize)
    }
}
