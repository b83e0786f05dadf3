//! The texts of the subprotocol `cloudevents.json`, each a CloudEvents 1.0 JSON event. Used by
//! [`Server`](crate::server::Server). Also batches of events, and events whose attributes are HTTP headers.
//!
//! The topic is `type`. Types that begin with `$link.` control the link. Offsets and epochs are decimal strings,
//! because CloudEvents' integers have 32 bits and JavaScript's have 53.

mod attributes;
mod batch;
mod draft;
mod members;
mod read;
#[cfg(test)]
mod tests;
mod write;

use crate::{Body, Position, Start, Stream, TallyTopic};
pub use attributes::read_attributes;
pub use batch::{BatchError, read_batch};
pub use read::{is_guest_secret, read};
pub(crate) use write::Text;
pub(crate) use write::path_segment;
pub use write::{ack, event, expiring, gap, refused, reject, rights, subscribed, tallied, welcome};

/// The WebSocket subprotocol of these texts.
pub const SUBPROTOCOL: &str = "cloudevents.json";

/// A text from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // nearly all are the large one, and none is kept
pub enum Incoming {
    /// Identifies the client, before anything else.
    Hello {
        /// The id of the control event, for the answer.
        id: String,
        /// The secret by which a guest is recognised on another connection.
        guest: Option<String>,
        /// The credential for the peer's authority.
        token: Option<String>,
    },
    /// Shows the next credential.
    Refresh {
        /// The credential.
        token: String,
    },
    /// Publishes an event.
    Publish {
        /// Its topic, unchecked.
        topic: String,
        /// Its body. Only its form was checked.
        body: Body,
        /// Whether to send it without keeping it.
        ephemeral: bool,
    },
    /// Subscribes to events.
    Subscribe {
        /// The id of the control event, for the answer.
        id: String,
        /// The pattern, unchecked.
        pattern: String,
        /// Where to start.
        start: Start,
    },
    /// Deletes an event.
    Delete {
        /// The id of the control event, for the answer.
        id: String,
        /// The event's position.
        position: Position,
    },
    /// Counts the events of topics.
    Tally {
        /// The id of the control event, for the answer.
        id: String,
        /// The topics, unchecked.
        topics: Vec<TallyTopic>,
    },
    /// Ends a subscription.
    Unsubscribe {
        /// Its pattern.
        pattern: String,
    },
}

/// Why a text is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The event is invalid, but has an id for the answer.
    #[error("{message}")]
    Event {
        /// The id.
        id: String,
        /// The reason.
        message: String,
    },
    /// The text is not an event with an id.
    #[error("{0}")]
    Text(String),
}

/// An event's position in the log, for one receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPosition<'s> {
    /// The stream.
    pub stream: &'s Stream,
    /// The epoch of the stream.
    pub epoch: u64,
    /// The event's offset.
    pub offset: u64,
    /// The offset up to which the receiver knows the stream.
    pub previous: Option<u64>,
}
