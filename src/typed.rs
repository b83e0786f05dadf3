//! Typed topics: a topic whose events have one Rust type, next to untyped publishers and subscribers.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use bus::Topic;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Bus, Cause, DataError, HandlerResult, PublishError, Receipt, Subscription};

/// A topic for values of type `T`.
///
/// Subscribers receive the published value itself if it is a `T`. Any other payload (another Rust type, a JS
/// value, an event from a bridge) is converted to a `T`. If that fails, typed subscribers do not receive the
/// event, and a [`TypeMismatch`] is published on [`ERROR_TOPIC`](crate::ERROR_TOPIC).
///
/// ```no_run
/// use event_driven_kit::{Bus, Topic, Typed};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Score {
///     player: String,
///     points: u32,
/// }
///
/// let bus = Bus::new();
/// let scores = Typed::<Score>::new(Topic::parse("game.score")?);
/// let _board = scores.subscribe(&bus, |score| {
///     println!("{}: {}", score.player, score.points);
///     Ok(())
/// });
/// scores.publish(&bus, Score { player: "Ann".to_owned(), points: 7 })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Typed<T> {
    topic: Topic,
    of: PhantomData<fn(T) -> T>,
}

/// An event on a typed topic has another type and cannot be converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{expected}` was expected and `{found}` came: publish the type that the topic was made for ({why})"
)]
pub struct TypeMismatch {
    /// The topic's type.
    pub expected: &'static str,
    /// The type of the event: a Rust type, or a JavaScript type (`JS string`).
    pub found: &'static str,
    /// Why the conversion failed.
    pub why: DataError,
}

impl From<TypeMismatch> for Cause {
    fn from(mismatch: TypeMismatch) -> Self {
        Self::new(mismatch)
    }
}

impl<T: 'static> Typed<T> {
    /// Declares that the events of `topic` have the type `T`.
    pub fn new(topic: Topic) -> Self {
        Self { topic, of: PhantomData }
    }

    /// The topic.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Publishes `value`; like [`Bus::publish`].
    ///
    /// # Errors
    /// Like [`Bus::publish`].
    pub fn publish(&self, bus: &Bus, value: T) -> Result<Receipt, PublishError>
    where
        T: Serialize,
    {
        bus.publish(self.topic.clone(), value)
    }

    /// Calls `handler` with each value, until the returned subscription is dropped. Events that were
    /// [deleted](crate::Event::is_deleted), and those that report it, have none.
    pub fn subscribe(
        &self,
        bus: &Bus,
        handler: impl Fn(&T) -> HandlerResult + 'static,
    ) -> Subscription
    where
        T: DeserializeOwned,
    {
        bus.pure().subscribe(self.topic.clone().into(), move |event| {
            if event.payload.lacks_data() {
                return Ok(());
            }
            let value = event.payload.data::<T>().map_err(|why| TypeMismatch {
                expected: type_name::<T>(),
                found: event.payload.payload().form(),
                why,
            })?;
            handler(&value)
        })
    }
}

impl<T> Clone for Typed<T> {
    fn clone(&self) -> Self {
        Self { topic: self.topic.clone(), of: PhantomData }
    }
}

impl<T> fmt::Debug for Typed<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Typed<{}>({})", type_name::<T>(), self.topic)
    }
}
