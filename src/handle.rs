//! A handle of one topic, for hot publishers.

use std::fmt;

use bus::{Topic, TopicError};
use serde::Serialize;

use crate::{Bus, Delivery, Event, Payload, PublishError, Receipt};

/// Publishes to one topic, which is parsed and looked up once. Created by [`Bus::topic`].
///
/// In all other respects it is like [`Bus::publish`]: interceptors and bridges take part, and subscriptions may
/// begin and end.
#[derive(Clone)]
pub struct TopicHandle {
    bus: Bus,
    pure: ::bus::TopicHandle<Event>,
}

impl Bus {
    /// A handle for publishing to `topic` often.
    ///
    /// ```no_run
    /// use event_driven_kit::{Bus, PublishError};
    ///
    /// # fn follow(points: impl Iterator<Item = (f64, f64)>) -> Result<(), PublishError> {
    /// let bus = Bus::new();
    /// let cursor = bus.topic("board.7.cursor")?;
    /// for point in points {
    ///     cursor.publish(point)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`PublishError::Topic`] and [`PublishError::SystemTopic`].
    pub fn topic(
        &self,
        topic: impl TryInto<Topic, Error: Into<TopicError>>,
    ) -> Result<TopicHandle, PublishError> {
        let topic = topic.try_into().map_err(Into::into)?;
        match self.pure().topic(&topic) {
            Ok(pure) => Ok(TopicHandle { bus: self.clone(), pure }),
            Err(_) => Err(PublishError::SystemTopic(topic)),
        }
    }
}

impl TopicHandle {
    /// Publishes a Rust value; like [`Bus::publish`].
    ///
    /// # Errors
    /// Like [`Bus::publish`].
    pub fn publish<T: Serialize + 'static>(&self, value: T) -> Result<Receipt, PublishError> {
        self.publish_payload(Payload::new(value))
    }

    /// Publishes a payload; like [`Bus::publish_payload`].
    ///
    /// # Errors
    /// Like [`Bus::publish`].
    pub fn publish_payload(&self, payload: Payload) -> Result<Receipt, PublishError> {
        match self.bus.clear(self.topic(), payload, None) {
            Ok(payload) => {
                let event = Event::new(self.topic().clone(), payload, Delivery::Local);
                self.pure.publish(event.clone())?;
                Ok(Receipt::delivered(event))
            }
            Err(published) => published,
        }
    }

    /// The topic it publishes to.
    pub fn topic(&self) -> &Topic {
        self.pure.topic()
    }
}

impl fmt::Debug for TopicHandle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("TopicHandle").field(self.topic()).finish()
    }
}
