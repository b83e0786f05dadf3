//! Metrics of the store, of memory and of presence: measured when they are asked for.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;
use session::Stream;
use store::{StreamUsage, Usage};

use super::families::Families;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Resources {
    pub(super) uptime: Gauge<f64, AtomicU64>,
    store_up: Gauge,
    store_size: Gauge,
    heads: Box<[Gauge]>,
    kept: Box<[Gauge]>,
    kept_bytes: Box<[Gauge]>,
    lags: Box<[Gauge]>,
    trimmed: Box<[Counter]>,
    budget: Box<[Gauge]>,
    pub(super) members: Gauge,
    pub(super) watches: Gauge,
}

impl Resources {
    pub(super) fn new(families: &mut Families, streams: &[Stream]) -> Self {
        let streams = || streams.iter().map(Stream::as_str);
        families.info("build", "The version of the relay", "version", env!("CARGO_PKG_VERSION"));
        Self {
            uptime: families.seconds_gauge("uptime", "The time since the start of the relay"),
            store_up: families
                .gauge("store_up", "1 while the store works, and 0 while it does not"),
            store_size: families.bytes_gauge("store_size", "The size of the store's file"),
            heads: families.gauges(
                "stream_head_offset",
                "The offset of a stream's newest event",
                None,
                "stream",
                streams(),
            ),
            kept: families.gauges(
                "stream_events",
                "Events that a stream keeps",
                None,
                "stream",
                streams(),
            ),
            kept_bytes: families.gauges(
                "stream",
                "Topics and bodies that a stream keeps",
                Some(Unit::Bytes),
                "stream",
                streams(),
            ),
            lags: families.gauges(
                "stream_lag_events",
                "How many events the slowest connection has still to read of a stream",
                None,
                "stream",
                streams(),
            ),
            trimmed: families.counters_of(
                "trimmed_events",
                "Events that a stream has trimmed since it exists, with those superseded before them",
                "stream",
                streams(),
            ),
            budget: families.gauges(
                "budget_used",
                "Memory in use of what clients may fill: unfinished messages, and everything else",
                Some(Unit::Bytes),
                "part",
                ["unfinished", "other"],
            ),
            members: families.gauge("presence_members", "Members of all topics' presence"),
            watches: families.gauge("presence_watches", "Watches of topics' presence"),
        }
    }

    /// Takes what the store says, or that it says nothing.
    pub(super) fn stored(&self, usage: Option<&Usage>, lags: &[u64]) {
        self.store_up.set(usage.is_some().into());
        let Some(Usage { file, streams }) = usage else { return };
        self.store_size.set(gauged(*file));
        for (stream, usage) in streams.iter().enumerate() {
            let StreamUsage { first, head, count, bytes } = *usage;
            let set = |gauges: &[Gauge], value| {
                if let Some(gauge) = gauges.get(stream) {
                    gauge.set(gauged(value));
                }
            };
            set(&self.heads, head);
            set(&self.kept, count);
            set(&self.kept_bytes, bytes);
            set(&self.lags, lags.get(stream).copied().unwrap_or_default());
            if let Some(trimmed) = self.trimmed.get(stream) {
                trimmed.inner().store(first.saturating_sub(1), Ordering::Relaxed);
            }
        }
    }

    /// Takes the bytes in use of each part of the budget.
    pub(super) fn budget(&self, used: [usize; 2]) {
        for (gauge, used) in self.budget.iter().zip(used) {
            gauge.set(gauged(used as u64));
        }
    }
}

/// An amount as gauges hold it.
pub(crate) fn gauged(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
