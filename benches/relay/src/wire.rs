//! What the servers speak inside of WebSocket messages.

mod nats;
mod relay;
mod relay_json;
mod socket_io;
mod wse;

use anyhow::Result;

pub use nats::Nats;
pub use relay::Relay;
pub use relay_json::RelayJson;
pub use socket_io::SocketIo;
pub use wse::{Mode, Wse};

/// What a client has seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Events that came.
    pub events: u64,
    /// Answers that say that a durable event is stored.
    pub acks: u64,
    /// Answers to a greeting or a subscription.
    pub ready: u64,
    /// Where the last acked event stands, or the last one that came: epoch and offset.
    pub position: (u64, u64),
}

/// One client's end of a protocol. What it writes is one message.
pub trait Wire {
    fn path(&self) -> &'static str {
        "/"
    }

    fn subprotocol(&self) -> Option<&'static str> {
        None
    }

    fn opcode(&self) -> u8 {
        crate::frame::BINARY
    }

    /// Leads to one `ready`.
    fn greet(&mut self, out: &mut Vec<u8>);

    /// Leads to one `ready`, and to all events from now on.
    fn subscribe(&mut self, topic: &str, out: &mut Vec<u8>);

    /// Leads to all events after a position, and to one `ready` before them.
    fn resume(&mut self, topic: &str, after: (u64, u64), out: &mut Vec<u8>);

    fn publish(&mut self, topic: &str, payload: &[u8], durable: bool, out: &mut Vec<u8>);

    /// Whether the server publishes by itself when it is asked to.
    fn has_bursts(&self) -> bool {
        false
    }

    /// Makes the server publish this many.
    fn burst(&mut self, _: &str, _: &[u8], _durable: bool, _count: u64, _: &mut Vec<u8>) {
        unreachable!("asked for only where there is such a thing");
    }

    /// Reads a frame's payload; an answer goes to `out`.
    fn read(&mut self, bytes: &[u8], seen: &mut Seen, out: &mut Vec<u8>) -> Result<()>;
}
