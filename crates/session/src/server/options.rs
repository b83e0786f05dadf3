//! The limits of a connection, and what its client speaks.

use crate::{Millis, Stream};

/// The limits of a connection.
#[derive(Debug, Clone)]
pub struct Options {
    /// The peer's id, which it appends to the path of events.
    pub peer: String,
    /// The streams of its log, at least one.
    pub streams: Vec<Stream>,
    /// The maximum size of a message from the client, in bytes.
    pub max_message: usize,
    /// The maximum size of an event's body, in bytes.
    pub max_event: usize,
    /// The maximum number of subscriptions of a connection, which the tabs of an origin share.
    pub max_subscriptions: usize,
    /// The maximum number of events that one read requests.
    pub page: usize,
    /// The silence, in milliseconds, after which the peer pings. After as much again it closes the connection.
    pub heartbeat: Millis,
    /// How long a client may take to send a valid hello, in milliseconds. Pings do not extend it.
    pub hello_within: Millis,
    /// Whether an authority decides what clients may do. Before [`Server::granted`](super::Server::granted) a client
    /// may then do nothing.
    pub has_authority: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            peer: String::new(),
            streams: vec![Stream::MAIN],
            max_message: 1 << 20,
            max_event: 256 << 10,
            max_subscriptions: 4_096,
            page: 128,
            heartbeat: 20_000,
            hello_within: 10_000,
            has_authority: false,
        }
    }
}

/// What the client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// CBOR frames in binary messages.
    Frames,
    /// One CloudEvents JSON event per text message, without a hello.
    #[cfg(feature = "json")]
    Json,
}
