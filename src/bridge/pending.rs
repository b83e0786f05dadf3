//! The durable events of a page that have no answer yet, or that a subscription is still to bring.

use std::collections::VecDeque;
use std::rc::Rc;

use session::Position;

use crate::receipt::Settlement;
use crate::{Bus, Delivery, Event, Pattern, Rejection};

/// In the order of their publishes. Answers come in this order, so that a search ends near the front. The answered
/// events come first, the newest of them in front.
#[derive(Default)]
pub(super) struct Pending(VecDeque<Unanswered>);

pub(super) struct Unanswered {
    pub(super) event: Event,
    pub(super) settlement: Rc<Settlement>,
    /// A subscription has brought it already.
    pub(super) delivered: bool,
    /// Set when it is answered, and a subscription is to bring it. The machine bounds the number of such events.
    pub(super) stored: Option<Position>,
}

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

    /// Removes an event if it is answered.
    pub(super) fn remove_answered(&mut self, id: &str) -> Option<Unanswered> {
        // Most have been delivered. Then no event is answered, and there is nothing to search.
        self.0.front()?.stored.as_ref()?;
        self.find(id)?.stored.as_ref()?;
        self.remove(id)
    }

    /// The events that are to be shown to a new subscriber with echo.
    pub(super) fn shown(&self, pattern: &Pattern) -> Vec<Event> {
        let pending = self.0.iter().filter(|one| !one.delivered && one.stored.is_none());
        let events = pending.map(|unanswered| &unanswered.event);
        events.filter(|event| pattern.matches(event.topic())).cloned().collect()
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
