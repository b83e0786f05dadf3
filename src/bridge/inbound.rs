//! The way in: events of the peer and of other tabs reach the bus at the pace of its readers.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use bus::Topic;
use session::Body;
use session::client::{Delivery as Inbound, SubscriptionId};
#[cfg(feature = "trust")]
use wasm_bindgen::JsValue;

use super::Endpoint;
use super::body::{content, received};
#[cfg(feature = "trust")]
use super::checking::Verdict;
use super::rules::RuleMatch;
use crate::js::spawn;
use crate::{Delivery, Event, Payload};

/// Events of the peer that are not verified yet, or that the bus has no room for. Bounded by the windows of the rules.
#[derive(Default)]
pub(super) struct Inbox {
    waiting: RefCell<VecDeque<Arrived>>,
    /// The number of the last event.
    #[cfg(feature = "trust")]
    last: Cell<u64>,
    /// Subscriptions that have caught up, but for the events that wait here.
    caught_up: RefCell<Vec<SubscriptionId>>,
    /// A task waits for room.
    is_watched: Cell<bool>,
}

/// An event that has arrived.
struct Arrived {
    inbound: Inbound,
    #[cfg(feature = "trust")]
    number: u64,
    /// `None` until it is verified.
    #[cfg(feature = "trust")]
    verdict: Option<Verdict>,
}

/// An event that the application has received. Once it is dropped, the peer may send another event.
struct Claim {
    endpoint: Weak<Endpoint>,
    subscriptions: Vec<SubscriptionId>,
    bytes: usize,
}

impl Inbox {
    #[cfg(not(feature = "trust"))]
    pub(super) fn push(&self, inbound: Inbound) {
        self.waiting.borrow_mut().push_back(Arrived { inbound });
    }

    /// Returns the number of the event.
    #[cfg(feature = "trust")]
    pub(super) fn push(&self, inbound: Inbound, verdict: Option<Verdict>) -> u64 {
        let number = self.last.get() + 1;
        self.last.set(number);
        self.waiting.borrow_mut().push_back(Arrived { inbound, number, verdict });
        number
    }

    /// The event with this number is verified.
    #[cfg(feature = "trust")]
    pub(super) fn decide(&self, number: u64, verdict: Verdict) {
        let mut waiting = self.waiting.borrow_mut();
        if let Some(arrived) = waiting.iter_mut().find(|arrived| arrived.number == number) {
            arrived.verdict = Some(verdict);
        }
    }

    pub(super) fn clear(&self) {
        let unread = self.waiting.take();
        drop(unread);
    }

    /// A subscription has brought all events that existed when it began to read.
    pub(super) fn caught_up(&self, subscription: SubscriptionId) {
        self.caught_up.borrow_mut().push(subscription);
    }

    /// The next subscription that has caught up, and of which no event waits here.
    fn next_caught_up(&self) -> Option<SubscriptionId> {
        let (mut caught_up, waiting) = (self.caught_up.borrow_mut(), self.waiting.borrow());
        let waits = |id| waiting.iter().any(|one| one.inbound.subscriptions.contains(id));
        let at = caught_up.iter().position(|id| !waits(id))?;
        Some(caught_up.swap_remove(at))
    }

    /// Whether a durable event waits here, which its subscription counts as read.
    pub(super) fn holds(&self, id: &str) -> bool {
        self.waiting.borrow().iter().any(|arrived| arrived.inbound.body.id == id)
    }

    fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    /// The first event that there is room for, unless an earlier event of the same subscriptions waits. An ephemeral
    /// event does not wait until others are verified.
    fn first(&self, has_room: impl Fn(&Topic) -> bool) -> Option<usize> {
        let (mut unverified, mut blocked) = (Vec::new(), Vec::new());
        self.waiting.borrow().iter().position(|arrived| {
            let Inbound { subscriptions, topic, position, .. } = &arrived.inbound;
            let is_behind = |those: &[SubscriptionId]| {
                subscriptions.iter().any(|subscription| those.contains(subscription))
            };
            let waits_for_verdict =
                !arrived.is_judged() || (position.is_some() && is_behind(&unverified));
            let waits_for_room = is_behind(&blocked)
                || (!waits_for_verdict && !arrived.is_withheld() && !has_room(topic));
            if waits_for_room {
                blocked.extend(subscriptions);
            } else if waits_for_verdict {
                unverified.extend(subscriptions);
            }
            !waits_for_room && !waits_for_verdict
        })
    }

    fn take(&self, has_room: impl Fn(&Topic) -> bool) -> Option<Arrived> {
        let at = self.first(has_room)?;
        self.waiting.borrow_mut().remove(at)
    }
}

#[cfg(feature = "trust")]
impl Arrived {
    fn is_judged(&self) -> bool {
        self.verdict.is_some()
    }

    fn is_withheld(&self) -> bool {
        self.verdict.as_ref().is_some_and(JsValue::is_string)
    }
}

/// Without signatures, every event goes on.
#[cfg(not(feature = "trust"))]
impl Arrived {
    const fn is_judged(&self) -> bool {
        true
    }

    const fn is_withheld(&self) -> bool {
        false
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(endpoint) = self.endpoint.upgrade() {
            endpoint.link.taken(&self.subscriptions, self.bytes);
            endpoint.link.drive();
        }
    }
}

impl Endpoint {
    /// Delivers the events that all waiting queues have room for. The others follow when there is room.
    pub(super) fn bring_in(&self) {
        let bus = self.bus.pure();
        while let Some(arrived) = self.inbox.take(|topic| bus.has_room(topic)) {
            self.deliver(arrived);
        }
        while let Some(subscription) = self.inbox.next_caught_up() {
            self.caught_up(subscription);
        }
        if self.inbox.is_empty() || self.inbox.is_watched.replace(true) {
            return;
        }
        let (bus, this) = (bus.clone(), self.this.clone());
        spawn(async move {
            let is_over = || {
                this.upgrade().is_none_or(|this| {
                    this.inbox.is_empty() || this.inbox.first(|topic| bus.has_room(topic)).is_some()
                })
            };
            bus.room_until(is_over).await;
            if let Some(this) = this.upgrade() {
                this.inbox.is_watched.set(false);
                this.bring_in();
            }
        });
    }

    fn deliver(&self, arrived: Arrived) {
        let Inbound { subscriptions, topic, body, position, bytes } = arrived.inbound;
        #[cfg(feature = "trust")]
        let verdict = arrived.verdict.unwrap_or_default();
        #[cfg(feature = "trust")]
        if verdict.is_string() {
            self.passed(&body.id);
            self.withhold(&topic, &body, verdict);
            self.link.taken(&subscriptions, bytes);
            return self.link.drive();
        }
        let is_asked_for = self.rules.borrow().ask_for(&subscriptions, &topic);
        // Dropped on every way out of here.
        let claim: Rc<dyn Any> =
            Rc::new(Claim { endpoint: self.this.clone(), subscriptions, bytes });
        if !is_asked_for {
            self.passed(&body.id);
            return self.ignore();
        }
        let delivery = position.map_or(Delivery::Ephemeral, Delivery::Stored);
        let is_own = self.link.is_own(&body.source);
        let published = if is_own {
            self.published(&body.id)
        } else {
            self.passed(&body.id);
            None
        };
        let event = received(topic, body, published, delivery);
        #[cfg(feature = "trust")]
        let event = event.verified(verdict);
        // Interceptors have judged an event of this page when it was published.
        if !is_own {
            self.admit(event, Some(claim));
        } else if self.bus.bring_held(event, claim).is_err() {
            self.ignore();
        }
    }

    /// Delivers an event that another tab has published, and that did not arrive over the link.
    pub(super) fn bring(&self, topic: Topic, body: Body, ephemeral: bool) {
        let RuleMatch { shared, inbound, .. } = self.rules.borrow().match_topic(&topic);
        let is_asked_for = if ephemeral { inbound } else { shared };
        if !is_asked_for {
            return self.ignore();
        }
        let payload = Payload::from_bytes(content(body.content_type, body.data));
        let delivery = if ephemeral { Delivery::Ephemeral } else { Delivery::Local };
        let event = Event::inbound(topic, payload, &body.id, &body.source, body.time, delivery);
        self.admit(event, None);
    }

    /// Delivers an event, unless an interceptor refuses it.
    fn admit(&self, event: Event, claim: Option<Rc<dyn Any>>) {
        let Some(event) = self.bus.admit(event) else {
            return self.refuse();
        };
        let brought = match claim {
            Some(claim) => self.bus.bring_held(event, claim),
            None => self.bus.bring(event),
        };
        if brought.is_err() {
            self.ignore();
        }
    }
}
