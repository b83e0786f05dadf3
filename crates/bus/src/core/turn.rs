//! What takes its turn in a bus, and who may look at it before and meanwhile.

use std::any::Any;
use std::rc::Rc;

use super::Core;
use crate::request::Asked;
use crate::schedule::Job;
use crate::slot::Route;
use crate::{Event, Payload, Topic};

/// What has a place in the order.
pub(crate) enum Turn<P> {
    Event {
        topic: Topic,
        payload: P,
        asked: Option<Rc<dyn Asked<P>>>,
        /// What checks have set aside for it, until its turn is over.
        held: Vec<Box<dyn Any>>,
    },
    Job(Job),
}

/// Looks at an event before it takes its place in the order.
pub(crate) trait Check<P> {
    /// The payload goes on, or stops here. What is put into `held` is dropped when the event's turn is
    /// over, or when it does not come to that.
    fn check(&self, topic: &Topic, payload: P, held: &mut Vec<Box<dyn Any>>) -> Result<P, Stop<P>>;

    /// Whether it has room for one more event of `topic`.
    fn has_room(&self, topic: &Topic) -> bool {
        let _ = topic;
        true
    }

    /// The event goes on whatever it says: it cannot be refused.
    fn let_pass(&self, topic: &Topic, held: &mut Vec<Box<dyn Any>>) {
        let _ = (topic, held);
    }

    /// Whether it wants to see only what passes the others.
    fn comes_last(&self) -> bool {
        false
    }
}

/// Delivers in the place of [`Core::deliver`], and looks at it.
pub(crate) trait Probe<P: Payload> {
    fn deliver(&self, core: &Core<P>, route: &Route<P>, event: &Event<'_, P>) -> usize;
}

/// Why an event does not go on.
pub(crate) enum Stop<P> {
    Dropped,
    Denied(P, Box<str>),
    NoRoom(P),
}
