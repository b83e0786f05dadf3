//! The protocols of the servers inside WebSocket messages.

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

/// What a client has received.
#[derive(Debug, Default)]
pub struct Seen {
    /// Received events.
    pub events: u64,
    /// Acks of durable events.
    pub acks: u64,
    /// Answers to greetings and subscriptions.
    pub ready: u64,
    /// The epoch and offset of the last acked event, or of the last received one.
    pub position: (u64, u64),
}

/// The client side of a protocol. Each call writes one message.
pub trait Wire {
    fn path(&self) -> &'static str {
        "/"
    }

    fn subprotocol(&self) -> Option<&'static str> {
        None
    }

    /// The token for the header of the upgrade.
    fn token(&self) -> Option<&str> {
        None
    }

    fn opcode(&self) -> u8 {
        crate::frame::BINARY
    }

    /// Greets the server, which answers with one `ready`.
    fn greet(&mut self, out: &mut Vec<u8>);

    /// Subscribes from now on, which is answered with one `ready`.
    fn subscribe(&mut self, topic: &str, out: &mut Vec<u8>);

    /// Subscribes from a position on. One `ready` comes before the events.
    fn resume(&mut self, topic: &str, after: (u64, u64), out: &mut Vec<u8>);

    fn publish(&mut self, topic: &str, payload: &[u8], durable: bool, out: &mut Vec<u8>);

    /// Whether the server can publish by itself on request.
    fn has_bursts(&self) -> bool {
        false
    }

    /// Asks the server to publish `count` events.
    fn burst(&mut self, _: &str, _: &[u8], _durable: bool, _count: u64, _: &mut Vec<u8>) {
        unreachable!("called only if `has_bursts`");
    }

    /// Reads the payload of a frame. An answer goes to `out`.
    fn read(&mut self, bytes: &[u8], seen: &mut Seen, out: &mut Vec<u8>) -> Result<()>;
}
