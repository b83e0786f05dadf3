//! Metrics of events: publishes, deliveries, and what clients ask for beside them.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use session::RejectCode;
use session::server::{Costs, Decided, Delivered, Query};
use store::WriteOutcome;

use super::families::Families;
use crate::limits::{KINDS, Kind};

/// The kinds and outcomes of publishes.
const PUBLISHES: [[&str; 2]; 6] = [
    ["durable", "stored"],
    ["durable", "repeated"],
    ["durable", "deferred"],
    ["durable", "rejected"],
    ["durable", "fenced"],
    ["ephemeral", "forwarded"],
];
/// The queries to the log, and where the answers come from.
const QUERIES: [[&str; 2]; 6] = [
    ["locate", "memory"],
    ["locate", "store"],
    ["read", "memory"],
    ["read", "store"],
    ["history", "store"],
    ["tally", "store"],
];

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Events {
    publishes: [Counter; PUBLISHES.len()],
    /// By [`RejectCode::ALL`].
    rejects: [Counter; RejectCode::ALL.len()],
    deliveries: [Counter; 2],
    superseded: Counter,
    pub(crate) dropped: Counter,
    pub(super) subscriptions: Gauge,
    requests: [Counter; 4],
    queries: [Counter; QUERIES.len()],
    /// By [`Kind`].
    pub(crate) limited: [Counter; KINDS],
    pub(crate) queued: Gauge,
    pub(super) jobs: Gauge,
    commit_time: Histogram,
    commit_events: Histogram,
    pub(crate) commit_failures: Counter,
}

/// What one commit decided.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    stored: u64,
    deferred: u64,
    rejected: u64,
    fenced: u64,
    /// By [`RejectCode::ALL`].
    codes: [u64; RejectCode::ALL.len()],
}

impl Outcomes {
    /// Counts one of them.
    pub(crate) fn add(&mut self, outcome: &WriteOutcome) {
        let WriteOutcome::Decided(decided) = outcome else { return };
        match decided {
            Decided::Stored(..) => self.stored += 1,
            Decided::Fenced => self.fenced += 1,
            Decided::Rejected { code, retry, .. } => {
                if retry.is_some() {
                    self.deferred += 1
                } else {
                    self.rejected += 1
                }
                for (count, other) in self.codes.iter_mut().zip(RejectCode::ALL) {
                    *count += u64::from(other == *code);
                }
            }
        }
    }
}

impl Events {
    pub(super) fn new(families: &mut Families) -> Self {
        let exponential = |first: f64, count| (0..count).map(move |at| first * f64::from(1 << at));
        Self {
            publishes: families.pairs(
                "publishes",
                "Published events, by kind and outcome: a deferred one may be retried",
                ["kind", "outcome"],
                PUBLISHES,
            ),
            rejects: families.counters(
                "rejects",
                "Durable events that were deferred or rejected, by code",
                "code",
                RejectCode::ALL.map(RejectCode::name),
            ),
            deliveries: families.counters(
                "deliveries",
                "Events sent to clients, once for each connection",
                "kind",
                ["durable", "ephemeral"],
            ),
            superseded: families.counter(
                "superseded_events",
                "Events that a later one of their topic has replaced in a stream that keeps the last values",
            ),
            dropped: families
                .counter("dropped_events", "Ephemeral events that a client was too slow to receive"),
            subscriptions: families.gauge("subscriptions", "Subscriptions of all connections"),
            requests: families.counters(
                "requests",
                "Requests of clients",
                "kind",
                ["publish", "subscribe", "history", "presence"],
            ),
            queries: families.pairs(
                "queries",
                "Queries to the log, by kind and by where the answer was found",
                ["kind", "source"],
                QUERIES,
            ),
            limited: families.counters(
                "rate_limited",
                "Requests that exceeded a rate limit, which then wait, or are refused if they are handshakes",
                "kind",
                Kind::NAMES,
            ),
            queued: families.bytes_gauge("queued", "Events that wait for the store"),
            jobs: families.gauge("queued_jobs", "Batches of writes that wait for the store"),
            commit_time: families.histogram(
                "commit",
                "The time of a commit, with its sync to the disk",
                Some(Unit::Seconds),
                exponential(0.000_5, 14),
            ),
            commit_events: families.histogram(
                "commit_events",
                "New events of a commit",
                None,
                exponential(1.0, 11),
            ),
            commit_failures: families.counter("commit_failures", "Commits that failed"),
        }
    }

    /// Counts a commit of `new` events, which `superseded` others.
    pub(crate) fn committed(
        &self,
        took: Duration,
        new: usize,
        superseded: usize,
        outcomes: &Outcomes,
    ) {
        add(&self.superseded, superseded as u64);
        self.commit_time.observe(took.as_secs_f64());
        self.commit_events.observe(new as f64);
        self.decided(new as u64, outcomes);
    }

    /// Counts events that the maintenance of the store has superseded.
    pub(crate) fn superseded(&self, count: usize) {
        add(&self.superseded, count as u64);
    }

    /// Counts a commit that failed.
    pub(crate) fn failed(&self, outcomes: &Outcomes) {
        self.commit_failures.inc();
        self.decided(0, outcomes);
    }

    fn decided(&self, new: u64, outcomes: &Outcomes) {
        let Outcomes { stored, deferred, rejected, fenced, codes } = outcomes;
        let repeated = stored.saturating_sub(new);
        let counts = [stored - repeated, repeated, *deferred, *rejected, *fenced];
        for (counter, count) in self.publishes.iter().zip(counts) {
            add(counter, count);
        }
        for (counter, count) in self.rejects.iter().zip(codes) {
            add(counter, *count);
        }
    }

    /// Counts ephemeral events that were handed to other connections.
    pub(crate) fn forwarded(&self, count: u64) {
        add(&self.publishes[PUBLISHES.len() - 1], count);
    }

    pub(crate) fn delivered(&self, Delivered { durable, ephemeral }: Delivered) {
        add(&self.deliveries[0], durable);
        add(&self.deliveries[1], ephemeral);
    }

    pub(crate) fn requested(&self, costs: Costs) {
        let Costs { publishes, subscribes, histories, joins } = costs;
        for (counter, count) in self.requests.iter().zip([publishes, subscribes, histories, joins])
        {
            add(counter, count.into());
        }
    }

    /// Counts a query. Histories and tallies are always in the store.
    pub(crate) fn queried(&self, query: &Query, is_in_memory: bool) {
        let at = match (query, is_in_memory) {
            (Query::Locate { .. }, true) => 0,
            (Query::Locate { .. }, false) => 1,
            (Query::Read { .. }, true) => 2,
            (Query::Read { .. }, false) => 3,
            (Query::History { .. }, _) => 4,
            (Query::Tally(_), _) => 5,
        };
        self.queries[at].inc();
    }
}

/// Most counts are zero, and need no access to memory that others write.
pub(super) fn add(counter: &Counter, count: u64) {
    if count > 0 {
        counter.inc_by(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reject_counts_under_its_own_code() {
        for (at, code) in RejectCode::ALL.into_iter().enumerate() {
            let mut outcomes = Outcomes::default();
            let message = String::new();
            let rejected = Decided::Rejected { code, message, retry: None };
            outcomes.add(&WriteOutcome::Decided(rejected));
            let mut expected = [0; RejectCode::ALL.len()];
            expected[at] = 1;
            assert_eq!((outcomes.codes, outcomes.rejected), (expected, 1), "{}", code.name());
            let events = Events::new(&mut Families::default());
            events.failed(&outcomes);
            let counts = events.rejects.each_ref().map(Counter::get);
            assert_eq!(counts, expected, "{}", code.name());
        }
    }
}
