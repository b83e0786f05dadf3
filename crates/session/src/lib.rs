//! The protocol between a bridge and its peer, as pure state machines.
//!
//! Bytes and the time go in; frames, effects and events come out. [`client::Client`] is the bridge's
//! end of a link and outlives its connections; [`server::Server`] is the peer's end of one connection.
//! Neither knows a socket, a store or a clock: the browser and the relay carry out their effects.

pub mod client;
#[cfg(feature = "json")]
pub mod json;
pub mod server;
pub mod tabs;
mod timers;
mod wire;

pub use topic::Form;
pub use wire::body::{Body, BodyError, Extension, Position, Start, Stream};
pub use wire::codes::{CloseCode, Durability, RejectCode};
pub use wire::frame::{
    Ack, AtTopic, Attendee, Bye, CaughtUp, Credit, DecodeError, Entry, Event, Expiring, FromClient,
    FromPeer, Gap, Head, Hello, History, HistoryPage, Join, NotPresent, Ping, Presence, Present,
    Publish, Refresh, Refused, Reject, SUBPROTOCOL, Subscribe, Subscribed, Unsubscribe, Welcome,
};
pub use wire::kind::FrameKind;

/// The most durable publishes of a client that may be without an answer.
pub const MAX_UNANSWERED: usize = 1_024;

/// The highest number on the wire, save for epochs: JavaScript's numbers are exact up to here.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// The most positions that a subscription may start after: a peer has at most this many streams.
pub const MAX_POSITIONS: usize = 64;

/// How long a client stays present at a topic after its connection has ended without leaving: a reload is no leave.
pub const PRESENCE_GRACE: Millis = 10_000;

/// Milliseconds of a clock that never goes back; which one is its owner's choice.
pub type Millis = u64;
