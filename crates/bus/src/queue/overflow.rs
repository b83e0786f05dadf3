//! What happens to an event that finds its queue full.

use std::fmt;

use super::{Message, Shared};
use crate::{Payload, Topic};

/// What a full queue does with one more event.
pub struct Overflow<P: Payload>(Policy<P>);

pub(crate) enum Policy<P> {
    DropOldest,
    DropNewest,
    Conflate(Box<KeyOf<P>>),
    Wait,
}

pub(crate) type KeyOf<P> = dyn Fn(&Topic, &P) -> Box<str>;

impl<P: Payload> Overflow<P> {
    /// The oldest event that waits is dropped, and counted.
    pub fn drop_oldest() -> Self {
        Self(Policy::DropOldest)
    }

    /// The event that comes is dropped, and counted.
    pub fn drop_newest() -> Self {
        Self(Policy::DropNewest)
    }

    /// Of the events with one key only the newest waits, in the place of the one before it, which is
    /// counted as dropped; also while the queue has room. A full queue drops its oldest.
    pub fn conflate(key: impl Fn(&Topic, &P) -> Box<str> + 'static) -> Self {
        Self(Policy::Conflate(Box::new(key)))
    }

    /// None is dropped: room is reserved before an event takes its place in the order. Without room
    /// [`Bus::publish`](crate::Bus::publish) answers [`PublishError::NoRoom`](crate::PublishError::NoRoom),
    /// and no subscriber gets the event; [`Bus::publish_when_room`](crate::Bus::publish_when_room) waits.
    ///
    /// The runtime's own events do not wait, nor do those that
    /// [cannot be refused](crate::Bus::publish_regardless): one that finds the queue full is dropped, and counted.
    /// Who has time asks for [room](crate::Bus::room_until) first, as bridges do with what a peer sends.
    pub const fn wait() -> Self {
        Self(Policy::Wait)
    }

    pub(crate) fn policy(&self) -> &Policy<P> {
        &self.0
    }

    pub(crate) fn waits(&self) -> bool {
        matches!(self.0, Policy::Wait)
    }

    /// Puts `message` into the queue and answers what is lost by that.
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
