//! Events and their payloads, and the results of publishing and handling them.

use std::fmt;
use std::rc::Rc;

use crate::{Notice, Topic};

/// The topic on which the failures of handlers are published, with the payload from [`Payload::failure`].
pub const ERROR_TOPIC: &str = "$bus.error";

/// How many events that were published inside handlers may wait for their turns. Beyond it
/// [`Bus::publish`](crate::Bus::publish) returns [`PublishError::QueueFull`] with the event.
pub const MAX_QUEUED: usize = 65_536;

/// What a bus carries in addition to a topic.
pub trait Payload: Sized + 'static {
    /// Why a handler failed.
    type Cause: fmt::Display + 'static;

    /// The payload of the event on [`ERROR_TOPIC`] that reports `failure`.
    fn failure(failure: Failure<Self::Cause>) -> Self;

    /// The payload of the event that reports `notice`, or `None` to publish no event.
    ///
    /// Called only while the notice's topic has a subscription.
    fn notice(notice: Notice) -> Option<Self> {
        let _ = notice;
        None
    }

    /// The payload as a batch or a queue with [`Overflow::wait`](crate::Overflow::wait) stores it until it is
    /// handled or popped. It may contain a guard that holds back later events until then.
    fn kept(&self) -> Self
    where
        Self: Clone,
    {
        self.clone()
    }
}

/// An event as a handler sees it: its payload, and the topic it was published to.
pub struct Event<'a, P> {
    /// The topic it was published to.
    pub topic: &'a Topic,
    /// The published payload.
    pub payload: &'a P,
    pub(crate) request: Option<&'a Rc<dyn PendingRequest<P>>>,
}

/// A request in delivery, as responders see it. When the last reference is dropped, the request fails.
pub(crate) trait PendingRequest<P> {
    /// Claims the request for one responder. False if another one has claimed it.
    fn claim(&self) -> bool;
    /// Completes the request.
    fn reply(&self, reply: P);
}

impl<P: fmt::Debug> fmt::Debug for Event<'_, P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Event").field(&self.topic).field(&self.payload).finish()
    }
}

/// The result of a handler. An `Err` is published on [`ERROR_TOPIC`].
pub type HandlerResult<P> = Result<(), <P as Payload>::Cause>;

/// The failure of a handler.
#[derive(Debug, Clone)]
pub struct Failure<C> {
    /// The topic of the event that the handler failed on.
    pub topic: Topic,
    /// The subscription's label, which is its pattern by default.
    pub label: Rc<str>,
    /// The cause.
    pub cause: C,
}

impl<C: fmt::Display> fmt::Display for Failure<C> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "subscription `{}` failed on `{}`: {}", self.label, self.topic, self.cause)
    }
}

/// What happened to a published event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It was delivered to this number of subscriptions; a queue group counts as one.
    Delivered(usize),
    /// It was published inside a handler and will be delivered after the event in flight.
    Queued,
}

/// Why an event was not published. Each variant returns the payload.
#[derive(thiserror::Error)]
pub enum PublishError<P> {
    /// Topics that begin with `$` belong to the runtime.
    #[error("`{0}` belongs to the runtime: publish to a topic that does not begin with `$`")]
    SystemTopic(Topic, P),
    /// [`MAX_QUEUED`] events that handlers have published wait for their turns.
    #[error(
        "{MAX_QUEUED} events published inside handlers are waiting: does a handler publish to itself?"
    )]
    QueueFull(Topic, P),
    /// A queue with [`Overflow::wait`](crate::Overflow::wait) has no room.
    #[error(
        "a queue of `{0}` is full: use `publish_when_room`, or publish again once it has been read"
    )]
    NoRoom(Topic, P),
}

impl<P> fmt::Debug for PublishError<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
