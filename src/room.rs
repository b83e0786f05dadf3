//! Publishing that waits for room in queues.

use bus::{Topic, TopicError};
use serde::Serialize;

use crate::{Bus, Delivery, Event, Payload, PublishError, Receipt};

impl Bus {
    /// Publishes when all queues that wait ([`Overflow::wait`](crate::Overflow)) have room; like
    /// [`Bus::publish`] if there are none. Dropped before, nothing is delivered or sent. Interceptors have
    /// their say at once.
    ///
    /// ```no_run
    /// use event_driven_kit::{Bus, PublishError};
    ///
    /// async fn write(bus: Bus) -> Result<(), PublishError> {
    ///     for line in 0..1_000 {
    ///         bus.publish_when_room("log.line", line).await?; // at the pace of who reads
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of [`Bus::publish`], but for [`PublishError::NoRoom`].
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
