//! What takes a turn in a bus.

use std::any::Any;
use std::num::NonZeroU32;
use std::rc::Rc;

use crate::Topic;
use crate::event::PendingRequest;
use crate::schedule::Job;

/// An event or a job with a place in the order.
pub(crate) enum Turn<P> {
    Event {
        topic: Topic,
        payload: P,
        request: Option<Rc<dyn PendingRequest<P>>>,
        /// Dropped when the turn is over: reserved room, and what the publisher has added.
        held: Vec<Box<dyn Any>>,
    },
    /// An event for the subscriptions with echo: for all of them, or for the one with this id.
    Echo {
        topic: Topic,
        payload: P,
        to: Option<NonZeroU32>,
    },
    Job(Job),
}
