//! The bus as its users hold it.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use crate::core::Core;
use crate::{
    Event, Failure, HandlerResult, Pattern, Payload, PublishError, Published, Subscriber,
    Subscription, Topic, TopicHandle,
};

/// Carries events to subscriptions. A handle: clones share one bus. See the [crate] for its promises.
pub struct Bus<P: Payload> {
    pub(crate) core: Rc<Core<P>>,
}

impl<P: Payload> Bus<P> {
    /// A bus without subscriptions. `last_resort` is told of failures that no handler of
    /// [`ERROR_TOPIC`](crate::ERROR_TOPIC) takes: a console.
    pub fn new(last_resort: impl Fn(&Failure<P::Cause>) + 'static) -> Self {
        Self { core: Rc::new(Core::new(Box::new(last_resort))) }
    }

    /// Publishes `payload` on `topic`. Outside a handler it has been delivered when this returns.
    ///
    /// # Errors
    /// A [`PublishError`], each with the payload.
    pub fn publish(&self, topic: Topic, payload: P) -> Result<Published, PublishError<P>> {
        if topic.is_system() {
            return Err(PublishError::SystemTopic(topic, payload));
        }
        self.core.publish(topic, payload)
    }

    /// Publishes what cannot be refused, because it has happened already: an event that a peer has stored.
    /// Interceptors are not asked. A queue that [waits](crate::Overflow::wait) and has no room when the event
    /// has its turn goes without it, which is counted and told like any drop.
    ///
    /// # Errors
    /// [`PublishError::SystemTopic`] and [`PublishError::QueueFull`], with the payload.
    pub fn publish_regardless(
        &self,
        topic: Topic,
        payload: P,
    ) -> Result<Published, PublishError<P>> {
        self.publish_held(topic, payload, None)
    }

    /// The same, and drops `held` when the event has had its turn: then all its handlers have returned.
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

    /// A handle for publishing to `topic` often: it keeps the topic's route.
    ///
    /// # Errors
    /// [`PublishError::SystemTopic`].
    pub fn topic(&self, topic: &Topic) -> Result<TopicHandle<P>, PublishError<()>> {
        if topic.is_system() {
            return Err(PublishError::SystemTopic(topic.clone(), ()));
        }
        Ok(TopicHandle::new(self.core.clone(), topic))
    }

    /// Publishes as the runtime, to which topics that begin with `$` belong. An event that finds the
    /// queue full is only counted (see [`Bus::dropped`]).
    pub fn announce(&self, topic: Topic, payload: P) {
        self.core.announce(topic, payload);
    }

    /// Tells of a failure that came to light after its handler had returned (a rejected promise).
    pub fn fail(&self, failure: Failure<P::Cause>) {
        self.core.fail(failure);
    }

    /// Calls `handler` for each event whose topic `pattern` matches, until the answer is dropped.
    pub fn subscribe(
        &self,
        pattern: Pattern,
        handler: impl Fn(&Event<'_, P>) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        self.subscriber(pattern).handle(handler)
    }

    /// A subscription with a priority, a label, or another way to take events than a handler.
    pub fn subscriber(&self, pattern: Pattern) -> Subscriber<'_, P> {
        Subscriber::new(self, pattern)
    }

    /// How many subscriptions stand.
    pub fn subscriptions(&self) -> usize {
        self.core.subscriptions()
    }

    /// How many compiled routes were invalidated so far, because a subscription that their topic
    /// matches came or went.
    pub fn routes_invalidated(&self) -> u64 {
        self.core.invalidated()
    }

    /// How many events of the runtime itself were dropped because the queue was full.
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
