//! A subscription as the bus holds it.

use std::cell::Cell;
use std::rc::Rc;

use crate::core::Core;
use crate::{Event, HandlerResult, Pattern, Payload};

/// What a topic resolved to: its subscriptions in the order of delivery.
pub(crate) type Route<P> = Rc<[Rc<dyn Slot<P>>]>;

/// A subscription as a route holds it.
pub(crate) trait Slot<P: Payload> {
    /// All but the way to its handler.
    fn head(&self) -> &Head<P>;

    /// Hands it the event unless it has ended, and tells of its failure. One call from a route's walk to
    /// the end of the handler: what this does is compiled together with the handler.
    fn deliver(&self, core: &Core<P>, event: &Event<'_, P>) -> Delivered;

    /// The number under which an executor outside calls its handler.
    fn outside(&self) -> Option<u32> {
        None
    }
}

/// How a delivery has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// Not begun: the subscription was over.
    Ended,
    Handled,
    Failed,
}

/// What a subscription has beside its handler.
pub(crate) struct Head<P: Payload> {
    pub(crate) pattern: Pattern,
    pub(crate) priority: i32,
    pub(crate) ended: Cell<bool>,
    pub(crate) more: Option<Box<More<P>>>,
}

/// A slot in one piece with its handler.
pub(crate) struct WithHandler<P: Payload, H> {
    pub(crate) head: Head<P>,
    pub(crate) handler: H,
}

/// What few subscriptions have.
pub(crate) struct More<P: Payload> {
    pub(crate) label: Option<Rc<str>>,
    pub(crate) group: Option<Rc<dyn Gather<P>>>,
    /// How much is not finished yet: what waits in a queue, or what a handler keeps a guard of.
    pub(crate) pending: Option<Rc<Cell<usize>>>,
    /// Its number in the group.
    pub(crate) number: u64,
    /// Whether requests are answered here.
    pub(crate) serves: bool,
}

impl<P: Payload> Default for More<P> {
    fn default() -> Self {
        Self { label: None, group: None, pending: None, number: 0, serves: false }
    }
}

/// A member's place in a queue group.
pub(crate) trait Gather<P: Payload> {
    /// Names the group among those of the bus.
    fn group(&self) -> usize;

    /// Puts one slot that shares the work in the place of the group's members, of which `slots` has one
    /// at least: for a route that is being compiled.
    fn gather(&self, slots: Vec<Rc<dyn Slot<P>>>) -> Vec<Rc<dyn Slot<P>>>;

    /// The member's subscription has ended.
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
    /// What failures call it.
    pub(crate) fn label(&self) -> Rc<str> {
        let given = self.more.as_ref().and_then(|more| more.label.clone());
        given.unwrap_or_else(|| self.pattern.as_str().into())
    }

    pub(crate) fn pending(&self) -> usize {
        let pending = self.more.as_ref().and_then(|more| more.pending.as_ref());
        pending.map_or(0, |pending| pending.get())
    }

    pub(crate) fn number(&self) -> u64 {
        self.more.as_ref().map_or(0, |more| more.number)
    }

    pub(crate) fn group(&self) -> Option<&Rc<dyn Gather<P>>> {
        self.more.as_ref()?.group.as_ref()
    }

    pub(crate) fn serves(&self) -> bool {
        self.more.as_ref().is_some_and(|more| more.serves)
    }
}
