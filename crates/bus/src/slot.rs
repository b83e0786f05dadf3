//! A subscription as the bus holds it.

use std::cell::Cell;
use std::rc::Rc;

use crate::{Event, HandlerResult, Pattern, Payload};

/// What a topic resolved to: its subscriptions in the order of delivery.
pub(crate) type Route<P> = Rc<[Rc<Slot<P>>]>;

pub(crate) type Handler<P> = dyn Fn(&Event<'_, P>) -> HandlerResult<P>;

/// A subscription as a route holds it, in one piece with its handler.
pub(crate) struct Slot<P: Payload, H: ?Sized = Handler<P>> {
    pub(crate) pattern: Pattern,
    pub(crate) priority: i32,
    pub(crate) ended: Cell<bool>,
    pub(crate) more: Option<Box<More<P>>>,
    pub(crate) handler: H,
}

/// What few subscriptions have.
pub(crate) struct More<P: Payload> {
    pub(crate) label: Option<Rc<str>>,
    pub(crate) group: Option<Rc<dyn Gather<P>>>,
    /// Whether requests are answered here.
    pub(crate) serves: bool,
}

impl<P: Payload> Default for More<P> {
    fn default() -> Self {
        Self { label: None, group: None, serves: false }
    }
}

/// A queue group, as a route that is being compiled sees it.
pub(crate) trait Gather<P: Payload> {
    /// Puts one slot that shares the work in the place of the group's members, of which `slots` has one
    /// at least.
    fn gather(self: Rc<Self>, slots: Vec<Rc<Slot<P>>>) -> Vec<Rc<Slot<P>>>;
}

impl<P: Payload> Slot<P> {
    /// What failures call it.
    pub(crate) fn label(&self) -> Rc<str> {
        let given = self.more.as_ref().and_then(|more| more.label.clone());
        given.unwrap_or_else(|| self.pattern.as_str().into())
    }

    pub(crate) fn group(&self) -> Option<&Rc<dyn Gather<P>>> {
        self.more.as_ref()?.group.as_ref()
    }

    pub(crate) fn serves(&self) -> bool {
        self.more.as_ref().is_some_and(|more| more.serves)
    }
}
