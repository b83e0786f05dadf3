//! What a full queue does with another event.

use std::fmt;

use super::{Message, Shared};
use crate::{Payload, Topic};

/// What a full queue does with another event.
pub struct Overflow<P: Payload>(Policy<P>);

pub(crate) enum Policy<P> {
    DropOldest,
    DropNewest,
    Conflate(Box<KeyOf<P>>),
    Wait,
}

pub(crate) type KeyOf<P> = dyn Fn(&Topic, &P) -> Box<str>;

impl<P: Payload> Overflow<P> {
    /// Drops the oldest event in the queue and counts it.
    pub fn drop_oldest() -> Self {
        Self(Policy::DropOldest)
    }

    /// Drops the new event and counts it.
    pub fn drop_newest() -> Self {
        Self(Policy::DropNewest)
    }

    /// Keeps only the newest event of each key, even while the queue has room. A new event takes the
    /// position of the one it replaces, which counts as dropped. A full queue drops its oldest event.
    pub fn conflate(key: impl Fn(&Topic, &P) -> Box<str> + 'static) -> Self {
        Self(Policy::Conflate(Box::new(key)))
    }

    /// Refuses the publish, so that no event is dropped. Room is reserved before an event takes its place in
    /// the order. Without room [`Bus::publish`](crate::Bus::publish) returns
    /// [`PublishError::NoRoom`](crate::PublishError::NoRoom) and no subscriber receives the event;
    /// [`Bus::publish_when_room`](crate::Bus::publish_when_room) waits for room.
    ///
    /// The runtime's own events and those that
    /// [cannot be refused](crate::Bus::publish_regardless) are dropped and counted if the queue is full at
    /// their turn. Their publishers can wait for [room](crate::Bus::room_until) first; bridges do so.
    pub const fn wait() -> Self {
        Self(Policy::Wait)
    }

    pub(crate) fn policy(&self) -> &Policy<P> {
        &self.0
    }

    pub(crate) fn waits(&self) -> bool {
        matches!(self.0, Policy::Wait)
    }

    /// Puts `message` into the queue and returns the message that is dropped for it, if any.
    pub(super) fn push(&self, queue: &Shared<P>, message: Message<P>) -> Option<Message<P>> {
        match &self.0 {
            Policy::DropOldest => queue.push(None, message),
            Policy::DropNewest | Policy::Wait if queue.is_full() => Some(message),
            Policy::DropNewest | Policy::Wait => queue.push(None, message),
            Policy::Conflate(key_of) => {
                let key = key_of(&message.topic, &message.payload);
                queue.replace_or_push(key, message)
            }
        }
    }
}

impl<P: Payload> fmt::Debug for Overflow<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.0 {
            Policy::DropOldest => "drop_oldest",
            Policy::DropNewest => "drop_newest",
            Policy::Conflate(_) => "conflate",
            Policy::Wait => "wait",
        })
    }
}
