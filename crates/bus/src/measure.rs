//! Counters and handler times, for who asks for them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::core::{Core, Probe};
use crate::slot::{Delivered, Route};
use crate::{Bus, Event, Payload, Schedule, Topic};

/// Counts what a bus delivers, from when it is made until it is dropped. Made by [`Bus::measure`].
#[must_use = "it counts until it is dropped"]
pub struct Measurement<P: Payload> {
    core: Weak<Core<P>>,
    counts: Rc<Counts>,
}

/// What happened on a topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TopicCount {
    /// Events that had their turn.
    pub events: u64,
    /// Subscriptions that they reached.
    pub deliveries: u64,
}

/// What happened to the subscriptions of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerCount {
    /// How often a handler was called.
    pub calls: u64,
    /// How often it failed.
    pub failures: u64,
    /// The time that it took, summed.
    pub total: Duration,
    /// How many calls took less than 2, 4, 8 ... microseconds; the last counts all that took longer.
    pub histogram: [u64; 24],
}

/// The measurements of a bus: each counts for itself.
#[derive(Default)]
struct Measurements(RefCell<Vec<Rc<Counts>>>);

struct Counts {
    clock: Rc<dyn Schedule>,
    /// A topic or label that comes when there are so many is counted under [`OTHERS`].
    at_most: usize,
    topics: RefCell<HashMap<Topic, TopicCount>>,
    handlers: RefCell<HashMap<Rc<str>, HandlerCount>>,
}

/// The name under which that is counted for which there is no room.
const OTHERS: &str = "$bus.others";

impl<P: Payload> Bus<P> {
    /// Counts events by topic, and calls with their time by label, until the answer is dropped; of at
    /// most `at_most` topics and labels each, beyond which all others are counted as `$bus.others`.
    ///
    /// While it counts, each event costs some more. Several measurements count independently.
    pub fn measure(&self, clock: Rc<dyn Schedule>, at_most: usize) -> Measurement<P> {
        let counts = Rc::new(Counts {
            clock,
            at_most,
            topics: RefCell::default(),
            handlers: RefCell::default(),
        });
        let all = self.core.extension::<Measurements>();
        all.0.borrow_mut().push(counts.clone());
        self.core.set_probe(Some(all));
        Measurement { core: Rc::downgrade(&self.core), counts }
    }
}

impl<P: Payload> Measurement<P> {
    /// What happened on `topic`.
    pub fn topic(&self, topic: &Topic) -> TopicCount {
        self.counts.topics.borrow().get(topic).copied().unwrap_or_default()
    }

    /// What happened to the subscriptions that are called `label`.
    pub fn handler(&self, label: &str) -> HandlerCount {
        self.counts.handlers.borrow().get(label).cloned().unwrap_or_default()
    }

    /// All topics with their counts, in no order.
    pub fn topics(&self) -> Vec<(Topic, TopicCount)> {
        self.counts.topics.borrow().iter().map(|(topic, count)| (topic.clone(), *count)).collect()
    }

    /// All labels with their counts, in no order.
    pub fn handlers(&self) -> Vec<(Rc<str>, HandlerCount)> {
        let handlers = self.counts.handlers.borrow();
        handlers.iter().map(|(label, count)| (label.clone(), count.clone())).collect()
    }
}

impl<P: Payload> Probe<P> for Measurements {
    fn deliver(&self, core: &Core<P>, route: &Route<P>, event: &Event<'_, P>) -> usize {
        let all = self.0.borrow().clone();
        let mut reached = 0;
        for slot in route.iter() {
            let starts: Vec<_> = all.iter().map(|counts| counts.clock.now()).collect();
            let delivered = slot.deliver(core, event);
            if delivered != Delivered::Ended {
                for (counts, start) in all.iter().zip(starts) {
                    let took = counts.clock.now().saturating_sub(start);
                    counts.call(slot.head().label(), took, delivered == Delivered::Failed);
                }
                reached += 1;
            }
        }
        all.iter().for_each(|counts| counts.event(event.topic, reached));
        reached
    }
}

impl Counts {
    fn event(&self, topic: &Topic, reached: usize) {
        let mut topics = self.topics.borrow_mut();
        let count = if topics.len() < self.at_most || topics.contains_key(topic) {
            topics.entry(topic.clone()).or_default()
        } else {
            let Ok(others) = Topic::parse(OTHERS) else { return };
            topics.entry(others).or_default()
        };
        count.events += 1;
        count.deliveries += reached as u64;
    }

    fn call(&self, label: Rc<str>, took: Duration, failed: bool) {
        let mut handlers = self.handlers.borrow_mut();
        let label = if handlers.len() < self.at_most || handlers.contains_key(&label) {
            label
        } else {
            OTHERS.into()
        };
        let count = handlers.entry(label).or_default();
        count.calls += 1;
        count.failures += u64::from(failed);
        count.total += took;
        let place = took.as_micros().checked_ilog2().unwrap_or(0) as usize;
        let last = count.histogram.len() - 1;
        if let Some(bucket) = count.histogram.get_mut(place.min(last)) {
            *bucket += 1;
        }
    }
}

impl Default for HandlerCount {
    fn default() -> Self {
        Self { calls: 0, failures: 0, total: Duration::ZERO, histogram: [0; 24] }
    }
}

impl<P: Payload> Drop for Measurement<P> {
    fn drop(&mut self) {
        let Some(core) = self.core.upgrade() else { return };
        let all = core.extension::<Measurements>();
        let is_last = {
            let mut all = all.0.borrow_mut();
            all.retain(|counts| !Rc::ptr_eq(counts, &self.counts));
            all.is_empty()
        };
        if is_last {
            core.set_probe(None);
        }
    }
}

impl<P: Payload> fmt::Debug for Measurement<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Measurement").field("topics", &self.topics()).finish_non_exhaustive()
    }
}
