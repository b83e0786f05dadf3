//! The builder of subscriptions.

use std::cell::Cell;
use std::fmt;
use std::rc::{Rc, Weak};

use crate::core::Core;
use crate::slot::{Head, More, Slot, WithHandler};
use crate::{Bus, Event, HandlerResult, Pattern, Payload, Subscription};

/// Sets how a pattern is subscribed; see [`Bus::subscriber`].
#[must_use = "nothing is subscribed before `handle`"]
pub struct Subscriber<'a, P: Payload> {
    pub(crate) bus: &'a Bus<P>,
    pub(crate) pattern: Pattern,
    pub(crate) priority: i32,
    pub(crate) more: Option<Box<More<P>>>,
}

impl<'a, P: Payload> Subscriber<'a, P> {
    pub(crate) fn new(bus: &'a Bus<P>, pattern: Pattern) -> Self {
        Self { bus, pattern, priority: 0, more: None }
    }

    /// Higher comes first; 0 if not set.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// What failures call it; its pattern if not set.
    pub fn label(mut self, label: &str) -> Self {
        self.more().label = Some(label.into());
        self
    }

    /// Calls `handler` for each event whose topic matches, until the answer is dropped.
    pub fn handle(
        self,
        handler: impl Fn(&Event<'_, P>) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        self.insert(|head| Rc::new(WithHandler { head, handler }))
    }

    pub(crate) fn insert(self, slot: impl FnOnce(Head<P>) -> Rc<dyn Slot<P>>) -> Subscription {
        let Self { bus, pattern, priority, more } = self;
        let head = Head { pattern: pattern.clone(), priority, ended: Cell::new(false), more };
        let key = bus.core.insert(&pattern, slot(head));
        let registry: Weak<Core<P>> = Rc::downgrade(&bus.core);
        Subscription::new(registry, pattern, key)
    }

    /// What failures and notices call it.
    pub(crate) fn label_or_pattern(&self) -> Rc<str> {
        let given = self.more.as_ref().and_then(|more| more.label.clone());
        given.unwrap_or_else(|| self.pattern.as_str().into())
    }

    pub(crate) fn more(&mut self) -> &mut More<P> {
        self.more.get_or_insert_default()
    }
}

impl<P: Payload> fmt::Debug for Subscriber<'_, P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Subscriber").field(&self.pattern).finish()
    }
}
