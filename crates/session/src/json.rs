//! The texts of the subprotocol `cloudevents.json`: one CloudEvents 1.0 JSON event each. Used by
//! [`Server`](crate::server::Server).
//!
//! The topic is `type`. Types that begin with `$link.` steer the link. Offsets and epochs are decimal
//! strings, for CloudEvents' integers have 32 bits and JavaScript's 53.

mod members;
mod read;
#[cfg(test)]
mod tests;
mod time;
mod write;

use crate::{Body, Start, Stream};
pub use read::read;
pub(crate) use write::Text;
pub use write::{ack, event, gap, reject, subscribed, welcome};

/// The WebSocket subprotocol in which these texts are spoken.
pub const SUBPROTOCOL: &str = "cloudevents.json";

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// Says who it is, before anything else.
    Hello {
        /// The id of the control event, by which it may be rejected.
        id: String,
        /// The secret by which a guest is known again on another connection.
        guest: Option<String>,
    },
    /// Publishes an event.
    Publish {
        /// Its topic, not checked.
        topic: String,
        /// Its body; only its form has been checked.
        body: Body,
        /// It is to be sent and not kept.
        ephemeral: bool,
    },
    /// Asks for events.
    Subscribe {
        /// The id of the control event, by which it may be rejected.
        id: String,
        /// The pattern, not checked.
        pattern: String,
        /// Where to start.
        start: Start,
    },
    /// Ends a subscription.
    Unsubscribe {
        /// Its pattern.
        pattern: String,
    },
}

/// A text is not what a client may say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It has an id by which it can be rejected.
    #[error("{message}")]
    Event {
        /// The id.
        id: String,
        /// What is wrong.
        message: String,
    },
    /// It is not even that.
    #[error("{0}")]
    Text(String),
}

/// Where an event stands in the log, for one receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPosition<'s> {
    /// The stream.
    pub stream: &'s Stream,
    /// The life of the stream.
    pub epoch: u64,
    /// The event's offset.
    pub offset: u64,
    /// The offset up to which the receiver has been told everything.
    pub previous: Option<u64>,
}
