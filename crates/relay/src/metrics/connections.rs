//! Metrics of connections: how many there are, how they begin and end, and what is refused.

use axum::http::StatusCode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use session::CloseCode;
use session::server::Wire;

use super::families::Families;
use super::refused::Refused;

/// The subprotocols, and requests for another one.
const PROTOCOLS: [&str; 3] = [session::SUBPROTOCOL, session::json::SUBPROTOCOL, "other"];

/// The client of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SessionOf {
    /// A client that the store did not know.
    New,
    /// A client that has come again.
    Known,
    /// A connection without a hello.
    Guest,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Connections {
    pub(super) open: Gauge,
    pub(crate) accepted: Counter,
    refused: [Counter; Refused::NAMES.len()],
    responses: [Counter; 5],
    handshakes: [Counter; PROTOCOLS.len()],
    websockets: Box<[Gauge]>,
    sessions: [Counter; 3],
    closes: [Counter; CloseCode::ALL.len()],
    pub(crate) received: Counter,
    pub(crate) sent: Counter,
    pub(crate) stalled: Gauge,
}

impl Connections {
    pub(super) fn new(families: &mut Families) -> Self {
        let codes = CloseCode::ALL.map(|code| code.code().to_string());
        Self {
            open: families.gauge("connections", "Open TCP connections"),
            accepted: families.counter("connections_accepted", "Accepted TCP connections"),
            refused: families.counters(
                "refusals",
                "Refused connections, requests and hellos",
                "reason",
                Refused::NAMES,
            ),
            responses: families.counters(
                "http_responses",
                "HTTP responses, with 1xx for WebSocket handshakes",
                "status",
                ["1xx", "2xx", "3xx", "4xx", "5xx"],
            ),
            handshakes: families.counters(
                "handshakes",
                "WebSocket handshakes, with those that are refused after them",
                "protocol",
                PROTOCOLS,
            ),
            websockets: families.gauges(
                "websockets",
                "Open WebSocket connections",
                None,
                "protocol",
                PROTOCOLS[..2].iter().copied(),
            ),
            sessions: families.counters(
                "sessions",
                "Sessions of clients that are new, that are known, or that say no hello",
                "client",
                ["new", "known", "guest"],
            ),
            closes: families.counters(
                "closes",
                "Connections that the relay closed, by close code",
                "code",
                std::array::from_fn(|at| codes[at].as_str()),
            ),
            received: families.bytes_counter("received", "Bytes read from the network"),
            sent: families.bytes_counter("sent", "Bytes written to the network"),
            stalled: families
                .gauge("stalled_readers", "Connections whose client does not accept what is sent"),
        }
    }

    pub(crate) fn refused(&self, refused: Refused) {
        self.refused[refused as usize].inc();
    }

    pub(crate) fn responded(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.responses.get(class) {
            counter.inc();
        }
    }

    /// Counts a handshake; `None` for a subprotocol that the relay does not speak.
    pub(crate) fn handshake(&self, wire: Option<Wire>) {
        self.handshakes[wire.map_or(PROTOCOLS.len() - 1, number)].inc();
    }

    pub(crate) fn session(&self, of: SessionOf) {
        self.sessions[of as usize].inc();
    }

    pub(crate) fn closed(&self, code: CloseCode) {
        if let Some(at) = CloseCode::ALL.iter().position(|other| *other == code) {
            self.closes[at].inc();
        }
    }

    /// The open WebSocket connections of a subprotocol.
    pub(super) fn websockets(&self, wire: Wire) -> &Gauge {
        &self.websockets[number(wire)]
    }
}

/// The index in [`PROTOCOLS`].
fn number(wire: Wire) -> usize {
    match wire {
        Wire::Frames => 0,
        Wire::Json => 1,
    }
}

/// One more in a gauge for as long as this lives.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Counted {
    pub(crate) fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
