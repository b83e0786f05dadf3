//! Typed topics: a topic whose events are of one Rust type, beside untyped ones on the same bus.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use crate::{Bus, HandlerResult, Payload, PublishError, Published, Subscription, Topic};

/// A payload that can hold a `T` among other things.
pub trait Carries<T>: Payload {
    /// The payload that holds `value`.
    fn put(value: T) -> Self;

    /// The `T` that it holds.
    ///
    /// # Errors
    /// [`TypeMismatch`] if it holds something else.
    fn get(&self) -> Result<impl Deref<Target = T>, TypeMismatch>;
}

/// An event of another type came on a typed topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{expected}` was expected and `{found}` came: publish the type that the topic was made for"
)]
pub struct TypeMismatch {
    /// The type that the topic was made for.
    pub expected: &'static str,
    /// The type that came.
    pub found: &'static str,
}

/// A topic for values of type `T`.
///
/// A subscriber of it that meets an event of another type (published without this) does not see it;
/// that is a failure like a handler's, and an event on [`ERROR_TOPIC`](crate::ERROR_TOPIC).
pub struct Typed<T> {
    topic: Topic,
    of: PhantomData<fn(T) -> T>,
}

impl<T: 'static> Typed<T> {
    /// Says that the events of `topic` are of type `T`.
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
    /// A [`PublishError`], with the payload.
    pub fn publish<P: Carries<T>>(
        &self,
        bus: &Bus<P>,
        value: T,
    ) -> Result<Published, PublishError<P>> {
        bus.publish(self.topic.clone(), P::put(value))
    }

    /// Calls `handler` with each value, until the answer is dropped.
    pub fn subscribe<P: Carries<T, Cause: From<TypeMismatch>>>(
        &self,
        bus: &Bus<P>,
        handler: impl Fn(&T) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        bus.subscribe(self.topic.clone().into(), move |event| {
            handler(&*Carries::<T>::get(event.payload)?)
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
        write!(out, "Typed<{}>({})", std::any::type_name::<T>(), self.topic)
    }
}
