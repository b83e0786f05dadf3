//! The protocol between a bridge and its peer, as pure state machines.
//!
//! Bytes and the time go in; frames, effects and events come out. [`client::Client`] is the bridge's end of a link
//! and outlives its connections; [`server::Server`] is the peer's end of one connection; [`tabs::Tab`] wraps a client
//! for tabs that share one link. None of them opens sockets, writes to a store or reads a clock: the browser and the
//! relay carry out their effects. Each module says how to drive its machine.

pub mod client;
#[cfg(feature = "json")]
pub mod json;
mod rfc3339;
pub mod rights;
pub mod server;
pub mod signed;
pub mod tabs;
mod thumbprint;
mod timers;
mod wire;

pub use topic::Form;
pub use wire::body::{Body, BodyError, Extension, Position, Start, Stream};
pub use wire::codes::{CloseCode, Durability, RejectCode};
pub use wire::frame::*;
pub use wire::kind::FrameKind;

/// The maximum number of a client's durable publishes that are not answered yet.
pub const MAX_UNANSWERED: usize = 1_024;

/// The highest number on the wire, except for epochs: JavaScript's numbers are exact up to here.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// The maximum number of positions that a subscription may start after: a peer has at most this many streams.
pub const MAX_POSITIONS: usize = 64;

/// The maximum number of topics that one request counts.
pub const MAX_TALLIED: usize = 64;

/// The maximum count of a topic's events in a [`TopicTally`].
pub const MAX_TALLY: usize = 1_000;

/// How long a client stays present at a topic after its connection ends without a leave. A reload is shorter.
pub const PRESENCE_GRACE: Millis = 10_000;

/// Milliseconds of a monotonic clock. The owner chooses its origin.
pub type Millis = u64;
