//! What one connection adds to the metrics. It counts in plain numbers, and adds them up once for everything that
//! arrived together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::metrics::gauge::Gauge;
use session::server::{Delivered, Server, Wire};

use super::connections::Counted;
use super::positions::Position;
use super::resources::gauged;
use super::{Metrics, SessionOf};

/// How often subscriptions are looked at while they read.
const LOOK: Duration = Duration::from_secs(1);

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) metrics: Arc<Metrics>,
    position: Position,
    /// The streams, as bits, of which a subscription still reads what is older.
    behind: u64,
    /// Whether subscriptions have read since they were last looked at,
    has_read: bool,
    /// and when that was.
    looked: Instant,
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
            behind: 0,
            has_read: false,
            looked: Instant::now(),
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

    /// The connection was fed a stream up to an offset.
    pub(crate) fn fed(&self, stream: usize, offset: u64) {
        if (self.behind >> stream) & 1 == 0 {
            self.position.reach(stream, offset);
        }
    }

    /// Subscriptions have read from the log.
    pub(crate) fn read(&mut self) {
        self.has_read = true;
    }

    /// Notes how far the subscriptions have read: when they are done, and each second until then, because there may be
    /// thousands of them. The connection was fed each stream up to the offsets of `fed`.
    pub(crate) fn look(&mut self, server: &Server, fed: &[u64], are_done: bool) {
        if self.has_read && (are_done || self.looked.elapsed() >= LOOK) {
            self.look_now(server, fed);
        }
    }

    /// The same at once.
    pub(crate) fn look_now(&mut self, server: &Server, fed: &[u64]) {
        (self.behind, self.has_read, self.looked) = (0, false, Instant::now());
        for (stream, fed) in fed.iter().enumerate() {
            let unread = server.unread(stream).map(|next| next.saturating_sub(1));
            self.behind |= u64::from(unread.is_some()) << stream;
            self.position.reach(stream, unread.map_or(*fed, |unread| unread.min(*fed)));
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.subscribed(0);
    }
}
