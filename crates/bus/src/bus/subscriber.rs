//! The builder of subscriptions.

use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU32;
use std::rc::{Rc, Weak};

use crate::core::Core;
use crate::core::slot::{Extras, Head, Slot, WithHandler};
use crate::{Bus, Event, HandlerResult, Pattern, Payload, Subscription};

/// Builds a subscription; see [`Bus::subscriber`].
#[must_use = "nothing is subscribed until `handle` is called"]
pub struct Subscriber<'a, P: Payload> {
    pub(crate) bus: &'a Bus<P>,
    pub(crate) pattern: Pattern,
    pub(crate) priority: i32,
    pub(crate) extras: Option<Box<Extras<P>>>,
}

impl<'a, P: Payload> Subscriber<'a, P> {
    pub(crate) fn new(bus: &'a Bus<P>, pattern: Pattern) -> Self {
        Self { bus, pattern, priority: 0, extras: None }
    }

    /// Subscriptions with a higher priority receive an event first. The default is 0.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// The name of the subscription in failures and notices. The default is its pattern.
    pub fn label(mut self, label: &str) -> Self {
        self.extras().label = Some(label.into());
        self
    }

    /// Also receives [echoes](Bus::echo). One can be sent to this subscription alone by its `id`. Queues and
    /// members of a [group](Self::group) receive none.
    pub fn echo(mut self, id: NonZeroU32) -> Self {
        self.extras().echo = Some(id);
        self
    }

    /// Calls `handler` for each event whose topic matches, until the returned subscription is dropped.
    pub fn handle(
        self,
        handler: impl Fn(&Event<'_, P>) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        self.insert(|head| Rc::new(WithHandler { head, handler }))
    }

    pub(crate) fn insert(self, slot: impl FnOnce(Head<P>) -> Rc<dyn Slot<P>>) -> Subscription {
        let Self { bus, pattern, priority, extras } = self;
        let head = Head { pattern: pattern.clone(), priority, ended: Cell::new(false), extras };
        let key = bus.core.insert(&pattern, slot(head));
        let registry: Weak<Core<P>> = Rc::downgrade(&bus.core);
        Subscription::new(registry, pattern, key)
    }

    /// The label in failures and notices.
    pub(crate) fn label_or_pattern(&self) -> Rc<str> {
        let given = self.extras.as_ref().and_then(|extras| extras.label.clone());
        given.unwrap_or_else(|| self.pattern.as_str().into())
    }

    pub(crate) fn extras(&mut self) -> &mut Extras<P> {
        self.extras.get_or_insert_default()
    }
}

impl<P: Payload> fmt::Debug for Subscriber<'_, P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Subscriber").field(&self.pattern).finish()
    }
}
