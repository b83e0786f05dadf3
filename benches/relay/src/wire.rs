//! What the servers speak inside of WebSocket messages.

mod nats;
mod relay;
mod socket_io;

use anyhow::Result;

pub use nats::Nats;
pub use relay::Relay;
pub use socket_io::SocketIo;

/// What a client has seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Events that came.
    pub events: u64,
    /// Answers that say that a durable event is stored.
    pub acks: u64,
    /// Answers to a greeting or a subscription.
    pub ready: u64,
    /// Where the last acked event stands: epoch and offset.
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

    /// Reads a frame's payload; an answer goes to `out`.
    fn read(&mut self, bytes: &[u8], seen: &mut Seen, out: &mut Vec<u8>) -> Result<()>;
}
