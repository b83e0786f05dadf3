//! A handle of one topic, for hot publishers.

use std::fmt;
use std::rc::Rc;

use crate::core::{Core, HotTopic};
use crate::{Payload, PublishError, Published, Topic};

/// Publishes to one topic without looking it up. It keeps the topic's compiled route, which is compiled
/// again after a matching subscription has begun or ended. Created by [`Bus::topic`](crate::Bus::topic).
///
/// ```
/// # use bus::{Bus, Failure, Payload, Published, Topic};
/// # struct Number(u64);
/// # impl Payload for Number {
/// #     type Cause = String;
/// #     fn failure(_: Failure<String>) -> Self { Number(0) }
/// # }
/// let bus = Bus::<Number>::new(|_| {});
/// let cursor = bus.topic(&Topic::parse("board.7.cursor")?)?;
/// let _seen = bus.subscribe("board.*.cursor".try_into()?, |_| Ok(()));
/// for x in 0..1_000 {
///     assert_eq!(cursor.publish(Number(x))?, Published::Delivered(1));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TopicHandle<P: Payload> {
    core: Rc<Core<P>>,
    entry: HotTopic<P>,
}

impl<P: Payload> TopicHandle<P> {
    pub(crate) fn new(core: Rc<Core<P>>, topic: &Topic) -> Self {
        let entry = core.acquire(topic);
        Self { core, entry }
    }

    /// Publishes `payload` on the topic; like [`Bus::publish`](crate::Bus::publish).
    ///
    /// # Errors
    /// A [`PublishError`], which contains the payload.
    pub fn publish(&self, payload: P) -> Result<Published, PublishError<P>> {
        self.core.publish_to(&self.entry, payload)
    }

    /// The topic it publishes to.
    pub fn topic(&self) -> &Topic {
        &self.entry.topic
    }
}

impl<P: Payload> Clone for TopicHandle<P> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone(), entry: self.entry.clone() }
    }
}

impl<P: Payload> Drop for TopicHandle<P> {
    fn drop(&mut self) {
        self.core.release(&self.entry);
    }
}

impl<P: Payload> fmt::Debug for TopicHandle<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("TopicHandle").field(self.topic()).finish()
    }
}
