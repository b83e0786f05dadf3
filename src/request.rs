//! Requests and replies on a bus.

use std::rc::Rc;
use std::time::Duration;

use bus::{NoReply, Pattern, RequestError as Unanswered, Topic, TopicError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::schedule::Browser;
use crate::{Bus, Cause, DataError, Delivery, Event, Payload, PublishError, Subscription};

/// Why a request has no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Nobody has subscribed with [`Bus::respond`]. This is known at once.
    #[error("nobody serves `{0}`: subscribe with `respond`, or ask later")]
    NobodyServes(Topic),
    /// It could not be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// No reply came in time, or the responder failed.
    #[error(transparent)]
    NoReply(#[from] NoReply),
    /// The reply is of another type.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl Bus {
    /// Publishes `value` as a request and waits for its one reply. Other subscribers see it as an event.
    /// Requests stay on this bus; no bridge takes them.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use event_driven_kit::{Bus, Payload, RequestError};
    ///
    /// # async fn ask() -> Result<(), RequestError> {
    /// let bus = Bus::new();
    /// let _doubles = bus.respond("double", |event| Ok(Payload::new(*event.data::<u32>()? * 2)));
    /// let doubled = bus.request::<u32, u32>("double", 21, Duration::from_secs(1)).await?;
    /// assert_eq!(*doubled, 42);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A [`RequestError`]. One that an interceptor drops has [`NoReply::Dropped`] at once.
    pub async fn request<T: Serialize + 'static, R: DeserializeOwned + 'static>(
        &self,
        topic: impl TryInto<Topic, Error: Into<TopicError>>,
        value: T,
        timeout: Duration,
    ) -> Result<Rc<R>, RequestError> {
        let topic = topic.try_into().map_err(|error| PublishError::Topic(error.into()))?;
        let payload = match self.judge(&topic, Payload::new(value)) {
            Ok(payload) => payload,
            Err(Ok(_)) => return Err(NoReply::Dropped.into()),
            Err(Err(denied)) => return Err(denied.into()),
        };
        let event = Event::new(topic.clone(), payload, Delivery::Local);
        let reply = self.pure().request(topic, event, timeout, &Browser).map_err(refused)?;
        Ok(reply.await?.data()?)
    }

    /// Answers the requests whose topic `pattern` matches with what `handler` makes of them, until the
    /// answer is dropped. Events that are no requests do not reach it. A request reaches the first
    /// responder only.
    ///
    /// # Errors
    /// A [`TopicError`] if `pattern` is none.
    pub fn respond(
        &self,
        pattern: &str,
        handler: impl Fn(&Event) -> Result<Payload, Cause> + 'static,
    ) -> Result<Subscription, TopicError> {
        let responder = self.pure().respond(Pattern::parse(pattern)?, move |event| {
            let reply = handler(event.payload)?;
            Ok(Event::new(event.topic.clone(), reply, Delivery::Local))
        });
        Ok(responder.into())
    }
}

fn refused(error: Unanswered<Event>) -> RequestError {
    match error {
        Unanswered::NobodyServes(topic, _) => RequestError::NobodyServes(topic),
        Unanswered::Publish(refused) => PublishError::from(refused).into(),
    }
}
