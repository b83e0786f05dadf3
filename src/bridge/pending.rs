//! The durable events of a page that have no answer yet, or that a subscription is still to bring.

use std::collections::VecDeque;
use std::rc::Rc;

use session::Position;
use session::client::SubscriptionId;

use super::inbound::Inbox;
use crate::link::Link;
use crate::receipt::Settlement;
use crate::{Bus, Delivery, Event, Pattern, Rejection};

/// In the order of their publishes. Answers come in this order, so that a search ends near the front. The answered
/// events come first, the newest of them in front.
#[derive(Default)]
pub(super) struct Pending(VecDeque<Unanswered>);

pub(super) struct Unanswered {
    pub(super) event: Event,
    pub(super) settlement: Rc<Settlement>,
    /// The subscriptions that match its topic.
    pub(super) subscriptions: Vec<SubscriptionId>,
    /// A subscription has brought it already.
    pub(super) delivered: bool,
    /// Set when it is answered, and a subscription is to bring it.
    pub(super) stored: Option<Position>,
}

/// The most answered events that wait for a subscription to bring them. The oldest beyond that are only echoed.
const MOST_EXPECTED: usize = 1_024;

impl Pending {
    pub(super) fn push(&mut self, unanswered: Unanswered) {
        self.0.push_back(unanswered);
    }

    /// Waits for the subscriptions of an answered event.
    pub(super) fn expect(&mut self, answered: Unanswered) {
        self.0.push_front(answered);
    }

    pub(super) fn find(&mut self, id: &str) -> Option<&mut Unanswered> {
        self.0.iter_mut().find(|unanswered| unanswered.event.id() == id)
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Unanswered> {
        let at = self.0.iter().position(|unanswered| unanswered.event.id() == id)?;
        self.0.remove(at)
    }

    /// The events that are to be shown to a new subscriber with echo.
    pub(super) fn shown(&self, pattern: &Pattern) -> Vec<Event> {
        let pending = self.0.iter().filter(|one| !one.delivered && one.stored.is_none());
        let events = pending.map(|unanswered| &unanswered.event);
        events.filter(|event| pattern.matches(event.topic())).cloned().collect()
    }

    /// A subscription has begun.
    pub(super) fn subscribed(&mut self, pattern: &Pattern, id: SubscriptionId) {
        for unanswered in &mut self.0 {
            if pattern.matches(unanswered.event.topic()) {
                unanswered.subscriptions.push(id);
            }
        }
    }

    /// A subscription has ended.
    pub(super) fn unsubscribed(&mut self, id: SubscriptionId) {
        for unanswered in &mut self.0 {
            unanswered.subscriptions.retain(|one| *one != id);
        }
    }

    /// Removes an answered event that no subscription will bring: each has read past it, or has ended.
    pub(super) fn take_passed(&mut self, link: &Link, inbox: &Inbox) -> Option<Unanswered> {
        let expected = self.0.partition_point(|one| one.stored.is_some());
        let passed = self.0.range(..expected).rposition(|one| {
            let comes = one.stored.as_ref().is_some_and(|position| {
                let mut subscriptions = one.subscriptions.iter();
                subscriptions.any(|id| !link.has_passed(*id, position))
            });
            !comes && !inbox.holds(one.event.id()) || expected > MOST_EXPECTED
        });
        self.0.remove(passed?)
    }
}

impl Unanswered {
    pub(super) fn reject(&self, bus: &Bus, rejection: Rejection) {
        let rejected = Delivery::Rejected(rejection);
        self.settlement.follow(&rejected);
        bus.echo(self.event.at(rejected));
    }
}

impl IntoIterator for Pending {
    type Item = Unanswered;
    type IntoIter = std::collections::vec_deque::IntoIter<Unanswered>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
