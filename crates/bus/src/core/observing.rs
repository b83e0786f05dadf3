//! Delivering while the bus is observed.

use std::cell::RefCell;
use std::rc::Rc;

use super::slot::{Delivered, Route, Slot};
use super::{Core, OBSERVED};
use crate::observe::{ObservedCall, ObservedTurn, Observer, SubscriptionInfo};
use crate::order::in_order;
use crate::{Event, Payload};

/// The observers of a bus. Replaced as a whole, so that no borrow is held while they run.
pub(super) type Observers<P> = Rc<[Rc<dyn Observer<P>>]>;

impl<P: Payload> Core<P> {
    pub(crate) fn add_observer(&self, observer: Rc<dyn Observer<P>>) {
        let all = self.observers.borrow().iter().cloned().chain([observer]).collect();
        self.set_observers(all);
    }

    pub(crate) fn remove_observer(&self, observer: &Rc<dyn Observer<P>>) {
        let is_other = |other: &&Rc<dyn Observer<P>>| !Rc::ptr_eq(other, observer);
        let others = self.observers.borrow().iter().filter(is_other).cloned().collect();
        self.set_observers(others);
    }

    fn set_observers(&self, all: Observers<P>) {
        let bit = if all.is_empty() { 0 } else { OBSERVED };
        self.state.set(self.state.get() & !OBSERVED | bit);
        let before = self.observers.replace(all);
        drop(before);
    }

    /// The label of the subscription whose handler is being called, while the bus is observed.
    pub(super) fn cause(&self) -> Option<Rc<str>> {
        self.calling.borrow().clone()
    }

    /// Delivers an event and shows each call of a handler to the observers.
    #[cold]
    pub(super) fn deliver_observed(
        &self,
        route: &Route<P>,
        event: &Event<'_, P>,
        cause: Option<&str>,
        is_echo: bool,
    ) -> usize {
        let observers = self.observers.borrow().clone();
        let turn = ObservedTurn { event, cause, is_echo };
        observers.iter().for_each(|observer| observer.begins(&turn));
        let mut reached = 0;
        for slot in route.iter() {
            let label = slot.head().label();
            let calling = Calling::begin(&self.calling, label.clone());
            observers.iter().for_each(|observer| observer.calls());
            let delivered = slot.deliver(self, event);
            drop(calling);
            if delivered != Delivered::Ended {
                reached += 1;
                let pattern = &slot.head().pattern;
                let failed = delivered == Delivered::Failed;
                let call = ObservedCall { pattern, label: &label, failed };
                observers.iter().for_each(|observer| observer.called(&call));
            }
        }
        observers.iter().for_each(|observer| observer.ends(&turn, reached));
        reached
    }

    pub(crate) fn list_subscriptions(&self) -> Vec<SubscriptionInfo> {
        let mut found = Vec::new();
        self.router.borrow().each(|key, slot| found.push((key, slot.clone())));
        let found = in_order(found, |(key, _)| *key);
        let info = |(_, slot): (_, Rc<dyn Slot<P>>)| {
            let head = slot.head();
            let extras = head.extras.as_ref();
            let count = extras.and_then(|extras| extras.pending.as_ref());
            let dropped = extras.and_then(|extras| extras.dropped.as_ref());
            SubscriptionInfo {
                pattern: head.pattern.clone(),
                label: head.label(),
                priority: head.priority,
                in_group: head.group().is_some(),
                serves: head.serves(),
                pending: count.map(|count| count.get()),
                dropped: dropped.map(|dropped| dropped.get()),
            }
        };
        found.into_iter().map(info).collect()
    }
}

/// Sets the label of the handler that is being called, and resets it when dropped, even if the handler panics.
struct Calling<'a>(&'a RefCell<Option<Rc<str>>>);

impl<'a> Calling<'a> {
    fn begin(calling: &'a RefCell<Option<Rc<str>>>, label: Rc<str>) -> Self {
        calling.replace(Some(label));
        Self(calling)
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        self.0.take();
    }
}
