//! Counters and handler times, while a measurement exists.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::core::{Core, Probe};
use crate::slot::{Delivered, Route};
use crate::{Bus, Event, Payload, Schedule, Topic};

/// Counts the deliveries of a bus from its creation until it is dropped. Created by [`Bus::measure`].
#[must_use = "it counts until it is dropped"]
pub struct Measurement<P: Payload> {
    core: Weak<Core<P>>,
    counts: Rc<Counts>,
}

/// The counts of a topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TopicCount {
    /// Events that were delivered. An [echo](Bus::echo) counts if a subscription receives it.
    pub events: u64,
    /// Deliveries to subscriptions.
    pub deliveries: u64,
}

/// The counts of the subscriptions with one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerCount {
    /// The number of calls.
    pub calls: u64,
    /// The number of failures.
    pub failures: u64,
    /// The total time of the calls.
    pub total: Duration,
    /// The number of calls that took less than 2, 4, 8 ... microseconds. The last bucket counts all longer
    /// calls.
    pub histogram: [u64; 24],
}

/// The measurements of a bus, which count independently.
#[derive(Default)]
struct Measurements(RefCell<Vec<Rc<Counts>>>);

struct Counts {
    clock: Rc<dyn Schedule>,
    /// Once there are this many topics or labels, all others are counted as [`OTHERS`].
    at_most: usize,
    topics: RefCell<HashMap<Topic, TopicCount>>,
    handlers: RefCell<HashMap<Rc<str>, HandlerCount>>,
}

/// Counts all topics or labels beyond the limit.
const OTHERS: &str = "$bus.others";

impl<P: Payload> Bus<P> {
    /// Counts events by topic, and calls and their times by label, until the returned measurement is dropped.
    /// Beyond `at_most` topics or labels, all others are counted as `$bus.others`.
    ///
    /// Events take a slower path while a measurement exists. Several measurements count independently.
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
    /// The counts of `topic`.
    pub fn topic(&self, topic: &Topic) -> TopicCount {
        self.counts.topics.borrow().get(topic).copied().unwrap_or_default()
    }

    /// The counts of the subscriptions with this `label`.
    pub fn handler(&self, label: &str) -> HandlerCount {
        self.counts.handlers.borrow().get(label).cloned().unwrap_or_default()
    }

    /// All topics and their counts, in no particular order.
    pub fn topics(&self) -> Vec<(Topic, TopicCount)> {
        self.counts.topics.borrow().iter().map(|(topic, count)| (topic.clone(), *count)).collect()
    }

    /// All labels and their counts, in no particular order.
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
        let bucket = took.as_micros().checked_ilog2().unwrap_or(0) as usize;
        let last = count.histogram.len() - 1;
        if let Some(calls) = count.histogram.get_mut(bucket.min(last)) {
            *calls += 1;
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
