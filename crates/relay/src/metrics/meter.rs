//! What one connection adds to the metrics. It counts in plain numbers, and adds them up once for everything that
//! arrived together.

use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use session::server::{Delivered, Server, Wire};

use super::connections::Counted;
use super::positions::Position;
use super::resources::gauged;
use super::{Metrics, SessionOf};

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) metrics: Arc<Metrics>,
    position: Position,
    _websocket: Counted,
    /// Ephemeral events that the client has published,
    forwarded: u64,
    /// and those that it received in runs.
    in_runs: u64,
    /// How many of the client's subscriptions are in the gauge,
    subscriptions: usize,
    /// and how many of its dropped events are in the counter.
    dropped: u64,
}

impl Meter {
    /// For a connection that has got to these offsets.
    pub(crate) fn new(metrics: &Arc<Metrics>, wire: Wire, offsets: &[u64]) -> Self {
        if wire == Wire::Json {
            metrics.connections.session(SessionOf::Guest);
        }
        Self {
            position: metrics.positions.join(offsets),
            _websocket: Counted::of(metrics.connections.websockets(wire)),
            metrics: Arc::clone(metrics),
            forwarded: 0,
            in_runs: 0,
            subscriptions: 0,
            dropped: 0,
        }
    }

    /// The gauge of clients that do not accept what is sent.
    pub(crate) fn stalled(&self) -> Gauge {
        self.metrics.connections.stalled.clone()
    }

    pub(crate) fn forwarded(&mut self) {
        self.forwarded += 1;
    }

    pub(crate) fn sent_run(&mut self, events: usize) {
        self.in_runs += events as u64;
    }

    /// Adds up what was counted since the last call.
    pub(crate) fn add_up(&mut self, server: &mut Server) {
        let events = &self.metrics.events;
        let Delivered { durable, ephemeral } = server.take_delivered();
        let ephemeral = ephemeral + std::mem::take(&mut self.in_runs);
        events.delivered(Delivered { durable, ephemeral });
        events.forwarded(std::mem::take(&mut self.forwarded));
        let dropped = server.dropped();
        super::events::add(&events.dropped, dropped - self.dropped);
        self.dropped = dropped;
        let (subscriptions, _) = server.subscribed();
        self.subscribed(subscriptions);
    }

    fn subscribed(&mut self, subscriptions: usize) {
        if subscriptions != self.subscriptions {
            let [now, before] = [subscriptions, self.subscriptions].map(|it| gauged(it as u64));
            self.metrics.events.subscriptions.inc_by(now - before);
            self.subscriptions = subscriptions;
        }
    }

    /// The connection has got to an offset of a stream: that of the newest event that it was fed, unless a
    /// subscription still reads what is older.
    pub(crate) fn reach(&self, server: &Server, stream: usize, told: u64) {
        let unread = server.unread(stream).map_or(told, |next| told.min(next - 1));
        self.position.reach(stream, unread);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.subscribed(0);
    }
}
