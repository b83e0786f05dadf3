//! What the relay counts and measures about itself, for monitoring: `GET /metrics` in the text form of OpenMetrics,
//! which Prometheus reads.
//!
//! Counters are relaxed atomics. What clients write is never a label: all values are known when the relay starts.

mod connections;
mod events;
mod families;
mod meter;
mod positions;
mod refused;
mod resources;

use std::sync::Arc;
use std::time::Instant;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use session::Stream;
use store::Usage;

pub(crate) use connections::{Connections, Counted, SessionOf};
pub(crate) use events::{Events, Outcomes};
use families::Families;
pub(crate) use meter::Meter;
use positions::Positions;
pub(crate) use refused::Refused;
use resources::Resources;
pub(crate) use resources::gauged;

/// See the [module](self).
#[derive(Debug)]
pub struct Metrics {
    pub(crate) connections: Connections,
    pub(crate) events: Events,
    positions: Arc<Positions>,
    resources: Resources,
    registry: Registry,
    began: Instant,
}

impl Metrics {
    /// Everything is zero.
    pub fn new(streams: &[Stream]) -> Self {
        let mut families = Families::default();
        Self {
            connections: Connections::new(&mut families),
            events: Events::new(&mut families),
            positions: Arc::default(),
            resources: Resources::new(&mut families, streams),
            registry: families.registry(),
            began: Instant::now(),
        }
    }

    /// Renders all families, with what is measured only now: the store's usage, the number of connections, the bytes in
    /// use of both parts of the budget, the queued jobs, and the numbers of presence.
    pub(crate) fn render(
        &self,
        usage: Option<&Usage>,
        connections: usize,
        budget: [usize; 2],
        jobs: usize,
        (members, watches): (usize, usize),
    ) -> Option<String> {
        let heads = usage.into_iter().flat_map(|usage| &usage.streams).map(|stream| stream.head);
        self.resources.stored(usage, &self.positions.lags(heads));
        self.resources.budget(budget);
        self.resources.uptime.set(self.began.elapsed().as_secs_f64());
        self.connections.open.set(gauged(connections as u64));
        self.events.jobs.set(gauged(jobs as u64));
        self.resources.members.set(gauged(members as u64));
        self.resources.watches.set(gauged(watches as u64));
        let mut out = String::new();
        text::encode(&mut out, &self.registry).ok()?;
        Some(out)
    }
}
