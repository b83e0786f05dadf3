//! What a bus carries, and what it answers to who publishes.

use std::fmt;
use std::rc::Rc;

use crate::request::Asked;
use crate::{Notice, Topic};

/// Where the failures of handlers are published, as [`Payload::failure`] makes them.
pub const ERROR_TOPIC: &str = "$bus.error";

/// The most events that may wait because they were published inside handlers. Beyond it
/// [`Bus::publish`](crate::Bus::publish) answers [`PublishError::QueueFull`] and gives the event back.
pub const MAX_QUEUED: usize = 65_536;

/// What a bus carries beside a topic.
pub trait Payload: Sized + 'static {
    /// Why a handler failed.
    type Cause: fmt::Display + 'static;

    /// The payload of the event on [`ERROR_TOPIC`] that tells of `failure`.
    fn failure(failure: Failure<Self::Cause>) -> Self;

    /// The payload of the event that tells of `notice`; `None` if the bus shall not tell.
    ///
    /// It is asked only while somebody listens to the notice's topic.
    fn notice(notice: Notice) -> Option<Self> {
        let _ = notice;
        None
    }

    /// The payload as a batch or a queue that [waits](crate::Overflow::wait) keeps it until it is handled or
    /// popped: there it may hold back what would follow it.
    fn kept(&self) -> Self
    where
        Self: Clone,
    {
        self.clone()
    }
}

/// An event as a handler sees it: a payload on its way, and the topic it was published to.
pub struct Event<'a, P> {
    /// Where it was published.
    pub topic: &'a Topic,
    /// What was published.
    pub payload: &'a P,
    pub(crate) asked: Option<&'a Rc<dyn Asked<P>>>,
}

impl<P: fmt::Debug> fmt::Debug for Event<'_, P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Event").field(&self.topic).field(&self.payload).finish()
    }
}

/// What a handler answers: an `Err` is published on [`ERROR_TOPIC`].
pub type HandlerResult<P> = Result<(), <P as Payload>::Cause>;

/// A handler has failed.
#[derive(Debug, Clone)]
pub struct Failure<C> {
    /// The topic of the event that it was called with.
    pub topic: Topic,
    /// The subscription's label; its pattern, if it was given none.
    pub label: Rc<str>,
    /// Why.
    pub cause: C,
}

impl<C: fmt::Display> fmt::Display for Failure<C> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "subscription `{}` failed on `{}`: {}", self.label, self.topic, self.cause)
    }
}

/// How far a published event has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It reached so many subscriptions; a queue group counts as one.
    Delivered(usize),
    /// It was published inside a handler and follows the event in flight.
    Queued,
    /// An interceptor has dropped it.
    Dropped,
}

/// Why an event was not taken; the payload comes back.
#[derive(thiserror::Error)]
pub enum PublishError<P> {
    /// Topics that begin with `$` belong to the runtime.
    #[error("`{0}` belongs to the runtime: publish to a topic that does not begin with `$`")]
    SystemTopic(Topic, P),
    /// Handlers have published [`MAX_QUEUED`] events faster than they are delivered.
    #[error(
        "{MAX_QUEUED} events published inside handlers wait already: does a handler publish to itself?"
    )]
    QueueFull(Topic, P),
    /// An interceptor denies it, for the reason given.
    #[error("`{0}` was denied: {2}")]
    Denied(Topic, P, Box<str>),
    /// A queue that waits ([`Overflow::wait`](crate::Overflow::wait)) has no room.
    #[error("a queue of `{0}` is full: use `publish_when_room`, or publish again when it was read")]
    NoRoom(Topic, P),
}

impl<P> fmt::Debug for PublishError<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
