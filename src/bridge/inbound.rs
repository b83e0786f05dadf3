//! The way in: what the peer and other tabs send reaches the bus, at the pace at which it is read.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use bus::Topic;
use session::Body;
use session::client::{Delivery as Inbound, SubscriptionId};

use super::link::Link;
use crate::js::spawn;
use crate::{Bytes, Delivery, Event, Payload};

/// What the peer has sent and the bus has no room for. Bounded by the windows of the rules.
#[derive(Default)]
pub(super) struct Inbox {
    waiting: RefCell<VecDeque<Inbound>>,
    /// Subscriptions that have caught up with what may still wait here.
    caught_up: RefCell<Vec<SubscriptionId>>,
    /// Room is waited for.
    is_watched: Cell<bool>,
}

/// An event that the application has. When nobody needs it any more, the peer may send another.
struct Claim {
    link: Weak<Link>,
    subscriptions: Vec<SubscriptionId>,
    bytes: usize,
}

impl Inbox {
    pub(super) fn push(&self, inbound: Inbound) {
        self.waiting.borrow_mut().push_back(inbound);
    }

    /// Nobody reads on.
    pub(super) fn clear(&self) {
        let unread = self.waiting.take();
        drop(unread);
    }

    /// A subscription has brought everything that was there, to this place.
    pub(super) fn caught_up(&self, subscription: SubscriptionId) {
        self.caught_up.borrow_mut().push(subscription);
    }

    /// One that has, and of which nothing waits here.
    fn next_caught_up(&self) -> Option<SubscriptionId> {
        let (mut caught_up, waiting) = (self.caught_up.borrow_mut(), self.waiting.borrow());
        let waits = |id| waiting.iter().any(|inbound| inbound.subscriptions.contains(id));
        let at = caught_up.iter().position(|id| !waits(id))?;
        Some(caught_up.swap_remove(at))
    }

    /// Whether a durable event waits here: its subscription has read it, and nobody else has.
    pub(super) fn holds(&self, id: &str) -> bool {
        self.waiting.borrow().iter().any(|inbound| inbound.body.id == id)
    }

    fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    /// The first that there is room for, and none of whose subscriptions waits for an earlier one.
    fn first(&self, has_room: impl Fn(&Topic) -> bool) -> Option<usize> {
        let mut blocked = Vec::new();
        self.waiting.borrow().iter().position(|inbound| {
            let is_behind = inbound.subscriptions.iter().any(|id| blocked.contains(id));
            let passes = !is_behind && has_room(&inbound.topic);
            if !passes {
                blocked.extend(&inbound.subscriptions);
            }
            passes
        })
    }

    fn take(&self, has_room: impl Fn(&Topic) -> bool) -> Option<Inbound> {
        let at = self.first(has_room)?;
        self.waiting.borrow_mut().remove(at)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(link) = self.link.upgrade() {
            link.taken(&self.subscriptions, self.bytes);
        }
    }
}

impl Link {
    /// Brings to the bus what all its queues that wait have room for. The rest comes when they have.
    pub(super) fn bring_in(&self) {
        let bus = self.bus().pure();
        while let Some(inbound) = self.inbox.take(|topic| bus.has_room(topic)) {
            self.deliver(inbound);
        }
        while let Some(subscription) = self.inbox.next_caught_up() {
            self.catches_up(subscription);
        }
        if self.inbox.is_empty() || self.inbox.is_watched.replace(true) {
            return;
        }
        let (bus, link) = (bus.clone(), self.this.clone());
        spawn(async move {
            let is_over = || {
                link.upgrade().is_none_or(|link| {
                    link.inbox.is_empty() || link.inbox.first(|topic| bus.has_room(topic)).is_some()
                })
            };
            bus.room_until(is_over).await;
            if let Some(link) = link.upgrade() {
                link.inbox.is_watched.set(false);
                link.bring_in();
            }
        });
    }

    fn taken(&self, subscriptions: &[SubscriptionId], bytes: usize) {
        self.tab.borrow_mut().client().taken(subscriptions, bytes);
        self.drive();
    }

    fn deliver(&self, inbound: Inbound) {
        let Inbound { subscriptions, topic, body, position, bytes } = inbound;
        let is_named = self.rules.borrow().iter().any(|rule| {
            rule.pattern.matches(&topic)
                && rule
                    .subscription
                    .is_some_and(|subscription| subscriptions.contains(&subscription))
        });
        // Dropped on every way out of here.
        let claim: Rc<dyn Any> = Rc::new(Claim { link: self.this.clone(), subscriptions, bytes });
        if !is_named {
            return self.ignore();
        }
        let delivery = position.map_or(Delivery::Ephemeral, Delivery::Stored);
        let is_own = self.is_own(&body.source);
        let published = if is_own { self.published(&body.id) } else { None };
        let payload =
            published.unwrap_or_else(|| Payload::from_bytes(content(body.content_type, body.data)));
        let event = Event::inbound(topic, payload, &body.id, &body.source, body.time, delivery);
        // One of this page was judged when it was published.
        if !is_own {
            self.admit(event, Some(claim));
        } else if self.bus().bring_held(event, claim).is_err() {
            self.ignore();
        }
    }

    /// Another tab has published an event that did not come over the link.
    pub(super) fn bring(&self, topic: Topic, body: Body, ephemeral: bool) {
        let rules = self.rules.borrow();
        let is_named = rules.iter().any(|rule| {
            let brings = if ephemeral { rule.subscription.is_some() } else { rule.shared };
            brings && rule.pattern.matches(&topic)
        });
        drop(rules);
        if !is_named {
            return self.ignore();
        }
        let payload = Payload::from_bytes(content(body.content_type, body.data));
        let delivery = if ephemeral { Delivery::Ephemeral } else { Delivery::Local };
        let event = Event::inbound(topic, payload, &body.id, &body.source, body.time, delivery);
        self.admit(event, None);
    }

    /// Hands on what interceptors let in.
    fn admit(&self, event: Event, claim: Option<Rc<dyn Any>>) {
        let Some(event) = self.bus().admit(event) else {
            return self.refuse();
        };
        let brought = match claim {
            Some(claim) => self.bus().bring_held(event, claim),
            None => self.bus().bring(event),
        };
        if brought.is_err() {
            self.ignore();
        }
    }
}

/// The content of a body.
pub(super) fn content(content_type: Option<String>, data: Vec<u8>) -> Bytes {
    Bytes { content_type: content_type.map_or(crate::JSON.into(), Into::into), data: data.into() }
}
