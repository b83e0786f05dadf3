//! Requests and replies on a bus.

use std::rc::Rc;
use std::time::Duration;

use bus::{NoReply, Pattern, RequestError as Unpublished, Topic, TopicError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::schedule::Browser;
use crate::{Bus, Cause, DataError, Delivery, Event, Payload, PublishError, Subscription};

/// Why a request got no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// No responder subscribes to its topic. This is reported at once.
    #[error("no responder for `{0}`: subscribe one with `respond`, or send the request later")]
    NoResponder(Topic),
    /// Publishing it failed.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The request timed out, or its responder failed.
    #[error(transparent)]
    NoReply(#[from] NoReply),
    /// The reply is of another type.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl Bus {
    /// Publishes `value` as a request and waits for its reply. Other subscribers receive it as an event.
    /// Requests stay on this bus and are not sent over bridges.
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
    /// A [`RequestError`], which is [`NoReply::Dropped`] at once if an interceptor drops the request.
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

    /// Replies to the requests whose topic `pattern` matches with the result of `handler`, until the returned
    /// subscription is dropped. Events that are not requests do not reach it. A request reaches only the first
    /// responder.
    ///
    /// # Errors
    /// A [`TopicError`] if `pattern` is not a valid pattern.
    pub fn respond(
        &self,
        pattern: &str,
        handler: impl Fn(&Event) -> Result<Payload, Cause> + 'static,
    ) -> Result<Subscription, TopicError> {
        let responder = self.pure().respond(Pattern::parse(pattern)?, move |event| {
            let reply = handler(event.payload)?;
            Ok(Event::new(event.topic.clone(), reply, Delivery::Local))
        });
        Ok(responder)
    }
}

fn refused(error: Unpublished<Event>) -> RequestError {
    match error {
        Unpublished::NoResponder(topic, _) => RequestError::NoResponder(topic),
        Unpublished::Publish(refused) => PublishError::from(refused).into(),
    }
}
