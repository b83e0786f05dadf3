//! Errors of publishing.

use bus::{Topic, TopicError};

use crate::{Cause, DataError, Event};

/// Why an event was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The topic is not valid.
    #[error("invalid topic: {0}")]
    Topic(#[from] TopicError),
    /// Topics that begin with `$` belong to the runtime.
    #[error("`{0}` belongs to the runtime: publish to a topic that does not begin with `$`")]
    SystemTopic(Topic),
    /// Too many events that handlers have published wait for their turns.
    #[error(
        "65,536 events published inside handlers are waiting: does a handler publish to itself?"
    )]
    QueueFull(Topic),
    /// An interceptor has denied it, for this reason.
    #[error("`{0}` was denied: {1}")]
    Denied(Topic, Box<str>),
    /// A queue with [`Overflow::wait`](crate::Overflow::wait) has no room.
    #[error("a queue of `{0}` is full: publish again once it has been read")]
    NoRoom(Topic),
    /// A bridge has to send it, but its payload cannot be encoded.
    #[error("`{0}` goes over a bridge: {1}")]
    Data(Topic, DataError),
    /// The outbox is full.
    #[error("{0} events are waiting for the peer: publish again when some are stored")]
    OutboxFull(usize),
    /// The event is larger than a peer accepts.
    #[error("{0} bytes are more than a peer accepts in one event: publish a reference instead")]
    TooLarge(usize),
}

impl From<::bus::PublishError<Event>> for PublishError {
    fn from(refused: ::bus::PublishError<Event>) -> Self {
        use ::bus::PublishError as Refused;
        match refused {
            Refused::SystemTopic(topic, _) => Self::SystemTopic(topic),
            Refused::QueueFull(topic, _) => Self::QueueFull(topic),
            Refused::NoRoom(topic, _) => Self::NoRoom(topic),
        }
    }
}

impl From<PublishError> for Cause {
    fn from(error: PublishError) -> Self {
        Self::new(error)
    }
}
