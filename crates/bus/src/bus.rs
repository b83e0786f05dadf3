//! The handle of a bus.

mod subscriber;

use std::any::Any;
use std::fmt;
use std::num::NonZeroU32;
use std::rc::Rc;

use crate::core::Core;
use crate::{
    Event, Failure, HandlerResult, Pattern, Payload, PublishError, Published, Subscription, Topic,
    TopicHandle,
};

pub use subscriber::Subscriber;

/// Carries events to subscriptions. This is a handle: clones share one bus. The [crate] lists its promises.
pub struct Bus<P: Payload> {
    pub(crate) core: Rc<Core<P>>,
}

impl<P: Payload> Bus<P> {
    /// Creates a bus without subscriptions. `last_resort` receives the failures that no handler of
    /// [`ERROR_TOPIC`](crate::ERROR_TOPIC) can receive, for example to print them.
    pub fn new(last_resort: impl Fn(&Failure<P::Cause>) + 'static) -> Self {
        Self { core: Rc::new(Core::new(Box::new(last_resort))) }
    }

    /// Publishes `payload` on `topic`. Outside a handler the event has been delivered when this returns.
    ///
    /// # Errors
    /// A [`PublishError`], which contains the payload.
    pub fn publish(&self, topic: Topic, payload: P) -> Result<Published, PublishError<P>> {
        if topic.is_system() {
            return Err(PublishError::SystemTopic(topic, payload));
        }
        self.core.publish(topic, payload)
    }

    /// Publishes an event that cannot be refused because it has already happened, for example one that a peer
    /// has stored. If a queue with [`Overflow::wait`](crate::Overflow::wait) has no room at the event's turn,
    /// the queue drops the event, which is counted and reported like any other drop.
    ///
    /// # Errors
    /// [`PublishError::SystemTopic`] or [`PublishError::QueueFull`], which contain the payload.
    pub fn publish_regardless(
        &self,
        topic: Topic,
        payload: P,
    ) -> Result<Published, PublishError<P>> {
        self.publish_held(topic, payload, None)
    }

    /// Like [`Bus::publish_regardless`]. Drops `held` after all handlers of the event have returned.
    ///
    /// # Errors
    /// Like [`Bus::publish_regardless`].
    pub fn publish_held(
        &self,
        topic: Topic,
        payload: P,
        held: Option<Box<dyn Any>>,
    ) -> Result<Published, PublishError<P>> {
        if topic.is_system() {
            return Err(PublishError::SystemTopic(topic, payload));
        }
        self.core.publish_held(topic, payload, held)
    }

    /// A handle for publishing to `topic` often. It keeps the topic's route.
    ///
    /// # Errors
    /// [`PublishError::SystemTopic`].
    pub fn topic(&self, topic: &Topic) -> Result<TopicHandle<P>, PublishError<()>> {
        if topic.is_system() {
            return Err(PublishError::SystemTopic(topic.clone(), ()));
        }
        Ok(TopicHandle::new(self.core.clone(), topic))
    }

    /// Publishes an event of the runtime, whose topics begin with `$`. If too many events are queued, the
    /// event is dropped and counted (see [`Bus::dropped`]). Returns whether there was room for it.
    pub fn announce(&self, topic: Topic, payload: P) -> bool {
        self.core.announce(topic, payload)
    }

    /// Delivers an event to the subscriptions with [echo](Subscriber::echo) that `topic` matches and to no others: to
    /// all of them, or to the one with the id `to`. If too many events are queued, it is dropped and counted. Returns
    /// whether there was room for it.
    pub fn echo(&self, topic: Topic, payload: P, to: Option<NonZeroU32>) -> bool {
        self.core.echo(topic, payload, to)
    }

    /// Reports a failure that became known after its handler had returned, for example a rejected promise.
    pub fn fail(&self, failure: Failure<P::Cause>) {
        self.core.fail(failure);
    }

    /// Calls `handler` for each event whose topic `pattern` matches, until the returned subscription is
    /// dropped.
    pub fn subscribe(
        &self,
        pattern: Pattern,
        handler: impl Fn(&Event<'_, P>) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        self.subscriber(pattern).handle(handler)
    }

    /// A builder for subscriptions with a priority, a label, a queue and so on.
    pub fn subscriber(&self, pattern: Pattern) -> Subscriber<'_, P> {
        Subscriber::new(self, pattern)
    }

    /// The number of subscriptions.
    pub fn subscriptions(&self) -> usize {
        self.core.subscriptions()
    }

    /// How many compiled routes were invalidated so far because a matching subscription has begun or ended.
    pub fn routes_invalidated(&self) -> u64 {
        self.core.invalidated()
    }

    /// How many events of the runtime were dropped because too many events were queued.
    pub fn dropped(&self) -> u64 {
        self.core.dropped()
    }
}

impl<P: Payload> Clone for Bus<P> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone() }
    }
}

impl<P: Payload> fmt::Debug for Bus<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Bus").field("subscriptions", &self.subscriptions()).finish()
    }
}
