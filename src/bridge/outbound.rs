//! The way out: publishes that rules send to the peer, and what becomes of them.

use std::rc::{Rc, Weak};
use std::time::Duration;

use bus::{Pattern, Topic};
use session::client::{Outcome, PublishError as Refused, PublishOptions};
use session::{Body, Millis, RejectCode};

use super::body::{body, content};
use super::pending::Unanswered;
use super::rules::RuleMatch;
use super::{Endpoint, UNCERTAIN_TOPIC};
use crate::bus::Outlet;
use crate::receipt::Settlement;
use crate::{Bus, Bytes, Delivery, Event, Payload, PublishError, Receipt, Rejection, Stage};

impl Outlet for Endpoint {
    fn url(&self) -> &str {
        self.link.url()
    }

    fn take(
        &self,
        bus: &Bus,
        topic: &Topic,
        payload: &Payload,
        within: Option<Duration>,
    ) -> Option<Result<Receipt, PublishError>> {
        let found = self.rules.borrow().match_topic(topic);
        #[cfg(feature = "trust")]
        let signed = found.signed || self.link.is_certified();
        #[cfg(not(feature = "trust"))]
        let signed = false;
        let RuleMatch { outbound, shared, .. } = found;
        if outbound.is_none() && !shared {
            return None;
        }
        // User code: a `toJSON` may publish.
        let bytes = match payload.to_bytes() {
            Ok(bytes) => bytes,
            Err(error) => return Some(Err(PublishError::Data(topic.clone(), error))),
        };
        Some(match outbound {
            None => {
                self.share(topic, payload, bytes);
                return None;
            }
            Some(Some(durability)) => {
                let expires = within.map(|within| js_sys::Date::now() as Millis + millis(within));
                let event = pending(topic, payload);
                self.publish(event, bytes, PublishOptions { expires, durability, signed })
            }
            Some(None) => self.send(bus, topic, payload, bytes),
        })
    }

    #[cfg(feature = "npm")]
    fn names(&self, topic: &Topic) -> bool {
        let RuleMatch { outbound, shared, .. } = self.rules.borrow().match_topic(topic);
        outbound.is_some() || shared
    }

    fn cancel(&self, id: &str) -> bool {
        let will = self.link.cancel(id);
        self.link.drive();
        will
    }

    #[cfg(feature = "inspect")]
    fn inspect(&self) -> wasm_bindgen::JsValue {
        self.inspected()
    }

    fn pending(&self, pattern: &Pattern) -> Vec<Event> {
        self.pending.borrow().shown(pattern)
    }
}

impl Endpoint {
    pub(super) fn publish(
        &self,
        event: Event,
        bytes: Bytes,
        options: PublishOptions,
    ) -> Result<Receipt, PublishError> {
        let taken = self.link.publish(event.topic().clone(), &body(&event, bytes), options);
        taken.map_err(|refused| match refused {
            Refused::TooLarge(bytes) => PublishError::TooLarge(bytes),
            _ => PublishError::OutboxFull(self.link.unanswered()),
        })?;
        let settlement = self.await_answer(event.clone());
        self.bus.echo(event.clone());
        self.link.drive();
        let outlet: Weak<dyn Outlet> = self.this.clone();
        Ok(Receipt::durable(event, settlement, outlet))
    }

    /// The outbox holds an event that this page has not published.
    pub(super) fn found(&self, topic: Topic, body: Body) {
        #[cfg(feature = "trust")]
        self.link.noticed(&topic, &body.data, Some(false));
        let payload = Payload::from_bytes(content(body.content_type, body.data));
        let kept = Delivery::Pending(Stage::Kept);
        let event = Event::inbound(topic, payload, &body.id, "", body.time, kept.clone());
        self.await_answer(event.clone()).follow(&kept);
        self.bus.echo(event);
    }

    fn await_answer(&self, event: Event) -> Rc<Settlement> {
        let settlement = Settlement::queued();
        self.pending.borrow_mut().push(Unanswered {
            event,
            settlement: settlement.clone(),
            delivered: false,
            stored: None,
        });
        settlement
    }

    /// Sends a local event to the other tabs.
    fn share(&self, topic: &Topic, payload: &Payload, bytes: Bytes) {
        let event = Event::new(topic.clone(), payload.clone(), Delivery::Local);
        self.link.share(topic, &body(&event, bytes));
        self.link.drive();
    }

    /// Sends an ephemeral event, and delivers it here.
    fn send(
        &self,
        bus: &Bus,
        topic: &Topic,
        payload: &Payload,
        bytes: Bytes,
    ) -> Result<Receipt, PublishError> {
        // Checked before the event is sent, because a sent event cannot be refused.
        if !bus.pure().has_room(topic) {
            return Err(PublishError::NoRoom(topic.clone()));
        }
        let event = Event::new(topic.clone(), payload.clone(), Delivery::Ephemeral);
        self.link.send_ephemeral(topic, &body(&event, bytes));
        self.link.drive();
        bus.bring(event.clone())?;
        Ok(Receipt::delivered(event))
    }

    /// A durable event has reached this stage.
    pub(super) fn at_stage(&self, id: &str, stage: Stage) {
        let pending = Delivery::Pending(stage);
        let found = self.pending.borrow_mut().find(id).map(|unanswered| {
            unanswered.event = unanswered.event.at(pending.clone());
            (unanswered.event.clone(), unanswered.settlement.clone(), unanswered.delivered)
        });
        let Some((event, settlement, delivered)) = found else {
            return;
        };
        settlement.follow(&pending);
        if !delivered {
            self.bus.echo(event);
        }
    }

    /// A durable event has its answer. If it `comes`, a subscription delivers it in the order of the log. Otherwise the
    /// answer does.
    pub(super) fn settled(&self, id: &str, outcome: Outcome, comes: bool) {
        let Some(mut settled) = self.pending.borrow_mut().remove(id) else {
            return;
        };
        match outcome {
            Outcome::Stored(mut position, _) => {
                position.id.get_or_insert_with(|| id.to_owned());
                self.report.acked(id, &position);
                #[cfg(feature = "trust")]
                self.notice(&settled.event, Some(true));
                let stored = Delivery::Stored(position.clone());
                settled.settlement.follow(&stored);
                if settled.delivered {
                    return;
                }
                if comes {
                    settled.stored = Some(position);
                    self.pending.borrow_mut().expect(settled);
                } else {
                    let _reached = self.bus.bring(settled.event.at(stored));
                }
            }
            Outcome::Rejected(code, message) => {
                #[cfg(feature = "trust")]
                self.notice(&settled.event, None);
                if code == RejectCode::Uncertain {
                    self.report.found_uncertain();
                    let topic = settled.event.topic().as_str().into();
                    let (id, message) = (id.into(), message.as_str().into());
                    let fields = [("id", id), ("topic", topic), ("message", message)];
                    self.announce(UNCERTAIN_TOPIC, Payload::report(&fields));
                }
                settled.reject(&self.bus, Rejection { code, message });
            }
        }
    }

    /// No subscription will bring this event, unless it waits in the inbox. If it is answered, its echo ends here.
    pub(super) fn passed(&self, id: &str) {
        if self.inbox.holds(id) {
            return;
        }
        let passed = self.pending.borrow_mut().remove_answered(id);
        if let Some(Unanswered { event, stored: Some(position), .. }) = passed {
            self.bus.echo(event.at(Delivery::Stored(position)));
        }
    }

    /// The payload of a pending event of this page, as it was published and not read from bytes.
    pub(super) fn published(&self, id: &str) -> Option<Payload> {
        let mut pending = self.pending.borrow_mut();
        let unanswered = pending.find(id)?;
        unanswered.delivered = true;
        let payload = unanswered.event.payload().clone();
        if unanswered.stored.is_some() {
            pending.remove(id);
        }
        Some(payload)
    }

    /// Rejects the events in memory, which can get no answer. Those on disk wait for the next link.
    pub(super) fn give_up_pending(&self) {
        for unanswered in self.pending.take() {
            let is_queued = *unanswered.event.delivery() == Delivery::Pending(Stage::Queued);
            let is_lost = is_queued || self.link.is_in_memory(unanswered.event.id());
            if unanswered.stored.is_none() && is_lost {
                let message = "the bridge was closed before the peer answered: the event may be stored or not";
                let rejection =
                    Rejection { code: RejectCode::Uncertain, message: message.to_owned() };
                unanswered.reject(&self.bus, rejection);
            }
        }
    }
}

fn pending(topic: &Topic, payload: &Payload) -> Event {
    Event::new(topic.clone(), payload.clone(), Delivery::Pending(Stage::Queued))
}

/// At most what a JavaScript number holds exactly, because the outbox stores it as one.
fn millis(duration: Duration) -> Millis {
    const LONGEST: Millis = Millis::MAX >> 12;
    Millis::try_from(duration.as_millis()).unwrap_or(LONGEST).min(LONGEST)
}
