//! Counters and handler times, while a measurement exists.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::observe::{Observation, ObservedCall, ObservedTurn, Observer};
use crate::{Bus, Payload, Schedule, Topic};

/// Counts the deliveries of a bus from its creation until it is dropped. Created by [`Bus::measure`].
#[must_use = "it counts until it is dropped"]
pub struct Measurement<P: Payload> {
    counts: Rc<Counts>,
    _observation: Observation<P>,
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

struct Counts {
    clock: Rc<dyn Schedule>,
    /// When the handler that runs was called.
    start: Cell<Duration>,
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
            start: Cell::default(),
            at_most,
            topics: RefCell::default(),
            handlers: RefCell::default(),
        });
        Measurement { counts: counts.clone(), _observation: self.observe(counts) }
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

impl<P: Payload> Observer<P> for Counts {
    fn calls(&self) {
        self.start.set(self.clock.now());
    }

    fn called(&self, call: &ObservedCall<'_>) {
        let took = self.clock.now().saturating_sub(self.start.get());
        self.call(call.label, took, call.failed);
    }

    fn ends(&self, turn: &ObservedTurn<'_, P>, reached: usize) {
        if reached > 0 || !turn.is_echo {
            self.event(turn.event.topic, reached);
        }
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

    fn call(&self, label: &str, took: Duration, failed: bool) {
        let mut handlers = self.handlers.borrow_mut();
        let is_known = handlers.contains_key(label);
        let label = if is_known || handlers.len() < self.at_most { label } else { OTHERS };
        let count = handlers.entry(label.into()).or_default();
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

impl HandlerCount {
    /// The time that this share of the calls did not exceed, for example 0.95 for 95 % of them. It comes from the
    /// [histogram](Self::histogram), so it may be up to twice the exact time, and is at most 16.8 seconds. Zero if
    /// there were no calls.
    ///
    /// ```
    /// use std::time::Duration;
    /// use bus::HandlerCount;
    ///
    /// let mut count = HandlerCount { calls: 20, ..HandlerCount::default() };
    /// (count.histogram[2], count.histogram[9]) = (19, 1); // 19 calls of 4 to 8 microseconds, and a slow one
    /// assert_eq!(count.percentile(0.95), Duration::from_micros(8));
    /// assert_eq!(count.percentile(0.99), Duration::from_micros(1_024));
    /// ```
    pub fn percentile(&self, share: f64) -> Duration {
        let calls: u64 = self.histogram.iter().sum();
        let mut rest = ((calls as f64 * share).ceil() as u64).clamp(1, calls.max(1));
        for (at, calls) in self.histogram.iter().enumerate() {
            if rest <= *calls {
                return Duration::from_micros(2 << at);
            }
            rest -= calls;
        }
        Duration::ZERO
    }
}

impl Default for HandlerCount {
    fn default() -> Self {
        Self { calls: 0, failures: 0, total: Duration::ZERO, histogram: [0; 24] }
    }
}

impl<P: Payload> fmt::Debug for Measurement<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Measurement").field("topics", &self.topics()).finish_non_exhaustive()
    }
}
