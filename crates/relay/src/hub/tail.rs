//! The newest committed events, kept for connections that are nearly up to date.

use std::collections::VecDeque;
use std::sync::Arc;

use session::server::Logged;

use super::cost;

/// The most events that are kept,
const EVENTS: usize = 8_192;
/// and the most bytes.
const BYTES: usize = 16 << 20;
/// The most events of one answer.
const ANSWER: usize = 128;

#[derive(Debug, Default)]
pub(super) struct Tail {
    /// Without a hole.
    events: VecDeque<Arc<Logged>>,
    bytes: usize,
}

/// What the tail says about an offset.
#[derive(Debug, PartialEq, Eq)]
pub enum Recent {
    /// The next events, from exactly that offset on.
    Events(Vec<Arc<Logged>>),
    /// It is not kept: the store has it.
    Older,
}

impl Tail {
    pub(super) fn extend(&mut self, events: &[Arc<Logged>]) {
        for event in events {
            if self.events.back().is_some_and(|last| last.offset + 1 != event.offset) {
                // A commit whose success was not told has left events that only the store has.
                self.events.clear();
                self.bytes = 0;
            }
            self.bytes += cost(event);
            self.events.push_back(Arc::clone(event));
            while self.events.len() > EVENTS || self.bytes > BYTES {
                let Some(oldest) = self.events.pop_front() else {
                    break;
                };
                self.bytes -= cost(&oldest);
            }
        }
    }

    /// The log's last event has this offset: if that is not here, nobody may take what is here for the end.
    pub(super) fn reach(&mut self, head: u64) {
        if self.events.back().is_some_and(|last| last.offset < head) {
            self.events.clear();
            self.bytes = 0;
        }
    }

    pub(super) fn from(&self, offset: u64) -> Recent {
        let Some(first) = self.events.front() else {
            return Recent::Older;
        };
        let Some(skip) = offset.checked_sub(first.offset) else {
            return Recent::Older;
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(self.events.len());
        Recent::Events(self.events.range(skip..).take(ANSWER).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bus::Topic;

    fn events(offsets: std::ops::Range<u64>, size: usize) -> Vec<Arc<Logged>> {
        let topic = Topic::parse("t").unwrap();
        offsets
            .map(|offset| {
                Arc::new(Logged { offset, topic: topic.clone(), body: vec![0; size].into() })
            })
            .collect()
    }

    #[test]
    fn the_newest_events_are_kept_and_older_ones_are_the_stores() {
        let mut tail = Tail::default();
        assert_eq!(tail.from(1), Recent::Older);
        tail.extend(&events(1..100_000, 10));
        assert_eq!((tail.from(1), tail.events.len()), (Recent::Older, EVENTS));
        assert_eq!(tail.from(99_990), Recent::Events(events(99_990..100_000, 10)));
        assert_eq!(tail.from(100_000), Recent::Events(Vec::new()));
        tail.extend(&events(100_000..100_100, 1 << 20));
        assert!(tail.bytes <= BYTES && tail.events.len() < 17);
    }

    #[test]
    fn a_hole_empties_the_tail_so_that_the_store_is_asked() {
        let mut tail = Tail::default();
        tail.extend(&events(1..5, 1));
        tail.extend(&events(7..9, 1));
        assert_eq!(tail.from(4), Recent::Older);
        assert_eq!(tail.from(7), Recent::Events(events(7..9, 1)));
    }
}
