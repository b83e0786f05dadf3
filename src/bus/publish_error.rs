//! Why an event is not published.

use bus::{Topic, TopicError};

use crate::{DataError, Event};

/// Why an event was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// What was to be the topic is none.
    #[error("this is no topic: {0}")]
    Topic(#[from] TopicError),
    /// Topics that begin with `$` belong to the runtime.
    #[error("`{0}` belongs to the runtime: publish to a topic that does not begin with `$`")]
    SystemTopic(Topic),
    /// Handlers publish faster than events are delivered.
    #[error(
        "65,536 events published inside handlers wait already: does a handler publish to itself?"
    )]
    QueueFull(Topic),
    /// An interceptor denies it, for that reason.
    #[error("`{0}` was denied: {1}")]
    Denied(Topic, Box<str>),
    /// A queue that waits has no room.
    #[error("a queue of `{0}` is full: publish again when it was read")]
    NoRoom(Topic),
    /// A bridge must send it, and it cannot be made bytes.
    #[error("`{0}` goes over a bridge: {1}")]
    Data(Topic, DataError),
    /// The outbox has no room.
    #[error("{0} events wait for the peer already: publish again when some have been answered")]
    OutboxFull(usize),
    /// The event is larger than a peer takes.
    #[error("{0} bytes are more than the peer takes in one event: publish a reference instead")]
    TooLarge(usize),
}

impl From<::bus::PublishError<Event>> for PublishError {
    fn from(refused: ::bus::PublishError<Event>) -> Self {
        use ::bus::PublishError as Refused;
        match refused {
            Refused::SystemTopic(topic, _) => Self::SystemTopic(topic),
            Refused::QueueFull(topic, _) => Self::QueueFull(topic),
            Refused::Denied(topic, _, why) => Self::Denied(topic, why),
            Refused::NoRoom(topic, _) => Self::NoRoom(topic),
        }
    }
}
