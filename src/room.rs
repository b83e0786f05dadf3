//! Publishing at the pace of the slowest queue.

use bus::{Topic, TopicError};
use serde::Serialize;

use crate::{Bus, Delivery, Event, Payload, PublishError, Receipt};

impl Bus {
    /// Publishes as soon as every matching queue with [`Overflow::wait`](crate::Overflow::wait) has room; like
    /// [`Bus::publish`] if there is no such queue. If the future is dropped before, nothing is delivered or
    /// sent. Interceptors judge the event at once.
    ///
    /// ```no_run
    /// use event_driven_kit::{Bus, PublishError};
    ///
    /// async fn write(bus: Bus) -> Result<(), PublishError> {
    ///     for line in 0..1_000 {
    ///         bus.publish_when_room("log.line", line).await?; // at the pace of the readers
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// The errors of [`Bus::publish`] except [`PublishError::NoRoom`].
    pub async fn publish_when_room<T: Serialize + 'static>(
        &self,
        topic: impl TryInto<Topic, Error: Into<TopicError>>,
        value: T,
    ) -> Result<Receipt, PublishError> {
        self.send_when_room(topic, Payload::new(value)).await
    }

    pub(crate) async fn send_when_room(
        &self,
        topic: impl TryInto<Topic, Error: Into<TopicError>>,
        payload: Payload,
    ) -> Result<Receipt, PublishError> {
        let topic = topic.try_into().map_err(Into::into)?;
        let payload = match self.judge(&topic, payload) {
            Ok(payload) => payload,
            Err(stopped) => return stopped,
        };
        loop {
            match self.send_out(&topic, &payload, None) {
                None => break,
                Some(Err(PublishError::NoRoom(_))) => self.pure().room(&topic).await,
                Some(taken) => return taken,
            }
        }
        let event = Event::new(topic.clone(), payload, Delivery::Local);
        self.pure().publish_when_room(topic, event.clone()).await?;
        Ok(Receipt::delivered(event))
    }
}
