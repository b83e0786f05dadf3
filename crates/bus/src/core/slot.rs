//! A subscription as the bus stores it.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::rc::Rc;

use crate::core::Core;
use crate::{Event, HandlerResult, Pattern, Payload};

/// The subscriptions that a topic resolves to, in the order of delivery.
pub(crate) type Route<P> = Rc<[Rc<dyn Slot<P>>]>;

/// A subscription in a route.
pub(crate) trait Slot<P: Payload> {
    /// Everything but the handler.
    fn head(&self) -> &Head<P>;

    /// Calls the handler unless the subscription has ended, and reports its failure. This is the only
    /// dynamic call per delivery: an implementation is compiled together with its handler.
    fn deliver(&self, core: &Core<P>, event: &Event<'_, P>) -> Delivered;

    /// The number by which the host executor knows the handler.
    fn host_number(&self) -> Option<u32> {
        None
    }
}

/// The result of a delivery.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// Not delivered: the subscription had ended.
    Ended,
    Handled,
    Failed,
}

/// What a subscription has besides its handler.
pub(crate) struct Head<P: Payload> {
    pub(crate) pattern: Pattern,
    pub(crate) priority: i32,
    pub(crate) ended: Cell<bool>,
    pub(crate) extras: Option<Box<Extras<P>>>,
}

/// A slot and its handler in one allocation.
pub(crate) struct WithHandler<P: Payload, H> {
    pub(crate) head: Head<P>,
    pub(crate) handler: H,
}

/// What few subscriptions need, kept apart so that the others stay small.
pub(crate) struct Extras<P: Payload> {
    pub(crate) label: Option<Rc<str>>,
    pub(crate) group: Option<Rc<dyn GroupMember<P>>>,
    /// How many events are not finished: they wait in a queue, or a handler keeps their guards.
    pub(crate) pending: Option<Rc<Cell<usize>>>,
    /// How many events its full queue has dropped, if it has a queue.
    pub(crate) dropped: Option<Rc<Cell<u64>>>,
    /// Its number in the group.
    pub(crate) number: u64,
    /// Whether it responds to requests.
    pub(crate) serves: bool,
    /// Its id, if it receives echoes.
    pub(crate) echo: Option<NonZeroU32>,
}

impl<P: Payload> Default for Extras<P> {
    fn default() -> Self {
        Self {
            label: None,
            group: None,
            pending: None,
            dropped: None,
            number: 0,
            serves: false,
            echo: None,
        }
    }
}

/// A subscription's membership in a queue group.
pub(crate) trait GroupMember<P: Payload> {
    /// Identifies the group within the bus.
    fn group_id(&self) -> usize;

    /// Replaces the group's members in `slots`, of which there is at least one, by a single slot that
    /// balances among them. Called while a route is compiled.
    fn merge(&self, slots: Vec<Rc<dyn Slot<P>>>) -> Vec<Rc<dyn Slot<P>>>;

    /// Called when the member's subscription has ended.
    fn leave(&self);
}

impl<P: Payload, H: Fn(&Event<'_, P>) -> HandlerResult<P>> Slot<P> for WithHandler<P, H> {
    fn head(&self) -> &Head<P> {
        &self.head
    }

    fn deliver(&self, core: &Core<P>, event: &Event<'_, P>) -> Delivered {
        if self.head.ended.get() {
            return Delivered::Ended;
        }
        match (self.handler)(event) {
            Ok(()) => Delivered::Handled,
            Err(cause) => {
                core.failed(&self.head, event.topic, cause);
                Delivered::Failed
            }
        }
    }
}

impl<P: Payload> Head<P> {
    /// The label in failures and notices.
    pub(crate) fn label(&self) -> Rc<str> {
        let given = self.extras.as_ref().and_then(|extras| extras.label.clone());
        given.unwrap_or_else(|| self.pattern.as_str().into())
    }

    pub(crate) fn pending(&self) -> usize {
        let pending = self.extras.as_ref().and_then(|extras| extras.pending.as_ref());
        pending.map_or(0, |pending| pending.get())
    }

    pub(crate) fn number(&self) -> u64 {
        self.extras.as_ref().map_or(0, |extras| extras.number)
    }

    pub(crate) fn group(&self) -> Option<&Rc<dyn GroupMember<P>>> {
        self.extras.as_ref()?.group.as_ref()
    }

    pub(crate) fn serves(&self) -> bool {
        self.extras.as_ref().is_some_and(|extras| extras.serves)
    }

    /// Whether it receives an echo, which is for the subscription with the id `to` or for all.
    pub(crate) fn receives_echo(&self, to: Option<NonZeroU32>) -> bool {
        let echo = self.extras.as_ref().and_then(|extras| extras.echo);
        echo.is_some() && (to.is_none() || to == echo)
    }
}
