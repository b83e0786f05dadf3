//! The way out: which publishes the link takes, and what becomes of those that the peer stores.

use std::collections::VecDeque;
use std::rc::Rc;

use bus::Topic;
use session::client::{Outcome, PublishError as Refused};
use session::{Body, RejectCode};

use super::link::Link;
use crate::bus::Outlet;
use crate::js::{hex, monotonic};
use crate::receipt::Settlement;
use crate::{Bus, Bytes, Delivery, Event, JSON, Payload, PublishError, Receipt, Rejection, Stage};

/// The durable events of this page that have no answer yet, in the order of their publishes. Answers
/// come in that order, so what is looked for stands near the front.
#[derive(Default)]
pub(super) struct Pending(VecDeque<Unanswered>);

struct Unanswered {
    event: Event,
    settlement: Rc<Settlement>,
    /// The peer's log has brought it already.
    delivered: bool,
}

/// Above so many unsent bytes ephemeral events are not sent: they would only arrive late.
const MAX_BUFFERED: u32 = 1 << 20;

impl Outlet for Link {
    fn take(
        &self,
        bus: &Bus,
        topic: &Topic,
        payload: &Payload,
    ) -> Option<Result<Receipt, PublishError>> {
        let durable = {
            let rules = self.rules.borrow();
            let named = rules.iter().filter(|rule| rule.outbound && rule.pattern.matches(topic));
            named.map(|rule| rule.durable).reduce(|one, other| one || other)?
        };
        // The borrow has ended: a `toJSON` may publish.
        let bytes = match payload.to_bytes() {
            Ok(bytes) => bytes,
            Err(error) => return Some(Err(PublishError::Data(topic.clone(), error))),
        };
        Some(if durable {
            self.publish(bus, topic, payload, bytes)
        } else {
            self.send(bus, topic, payload, bytes)
        })
    }
}

impl Link {
    fn publish(
        &self,
        bus: &Bus,
        topic: &Topic,
        payload: &Payload,
        bytes: Bytes,
    ) -> Result<Receipt, PublishError> {
        let queued = Delivery::Pending(Stage::Queued);
        let event = Event::new(topic.clone(), payload.clone(), queued);
        let body = body(&event, bytes);
        let taken = self.client.borrow_mut().publish(topic.clone(), &body, monotonic());
        taken.map_err(|refused| match refused {
            Refused::TooLarge(bytes) => PublishError::TooLarge(bytes),
            _ => PublishError::OutboxFull(self.unanswered()),
        })?;
        let settlement = Settlement::queued();
        let unanswered =
            Unanswered { event: event.clone(), settlement: settlement.clone(), delivered: false };
        self.pending.borrow_mut().0.push_back(unanswered);
        bus.echo(event.clone());
        self.drive();
        Ok(Receipt::durable(event, settlement))
    }

    fn send(
        &self,
        bus: &Bus,
        topic: &Topic,
        payload: &Payload,
        bytes: Bytes,
    ) -> Result<Receipt, PublishError> {
        // Before it is sent: what was sent cannot be refused any more.
        if !bus.pure().has_room(topic) {
            return Err(PublishError::NoRoom(topic.clone()));
        }
        let event = Event::new(topic.clone(), payload.clone(), Delivery::Ephemeral);
        if self.buffered() <= MAX_BUFFERED {
            let body = body(&event, bytes);
            let _is_up = self.client.borrow_mut().send_ephemeral(topic, &body);
            self.drive();
        }
        bus.bring(event.clone())?;
        Ok(Receipt::delivered(event))
    }

    /// A durable publish has left, or waits again.
    pub(super) fn at_stage(&self, id: &str, stage: Stage) {
        let found =
            self.pending.borrow_mut().find(id).map(|pending| {
                (pending.event.clone(), pending.settlement.clone(), pending.delivered)
            });
        let Some((event, settlement, delivered)) = found else {
            return;
        };
        settlement.follow(&Delivery::Pending(stage));
        if !delivered {
            self.bus().echo(event.at(Delivery::Pending(stage)));
        }
    }

    /// The answer to a durable publish. A stored event is delivered by the subscription that brings
    /// it, in the log's order; by this answer only if no rule asks for it.
    pub(super) fn settled(&self, id: &str, outcome: Outcome) {
        let Some(pending) = self.pending.borrow_mut().remove(id) else {
            return;
        };
        match outcome {
            Outcome::Stored(mut position, _) => {
                position.id.get_or_insert_with(|| id.to_owned());
                let stored = Delivery::Stored(position);
                pending.settlement.follow(&stored);
                if !pending.delivered && !self.is_asked_for(pending.event.topic()) {
                    let _reached = self.bus().bring(pending.event.at(stored));
                }
            }
            Outcome::Rejected(code, message) => pending.reject(self.bus(), code, &message),
        }
    }

    /// Whether `body` is an event of this page: the peer writes `/clients/<client>` before its source.
    pub(super) fn is_own(&self, body: &Body) -> bool {
        let client = hex(&self.client.borrow().id());
        body.source.split('/').nth(2).is_some_and(|named| named == client)
    }

    /// The payload of an event of this page that is unanswered: as it was, not read anew from bytes.
    pub(super) fn published(&self, id: &str) -> Option<Payload> {
        let mut pending = self.pending.borrow_mut();
        let unanswered = pending.find(id)?;
        unanswered.delivered = true;
        Some(unanswered.event.payload().clone())
    }

    /// The link has ended: nobody will answer.
    pub(super) fn give_up_pending(&self) {
        for unanswered in self.pending.take().0 {
            let message =
                "the bridge was closed before the peer answered: the event may be stored or not";
            unanswered.reject(self.bus(), RejectCode::Uncertain, message);
        }
    }

    fn is_asked_for(&self, topic: &Topic) -> bool {
        let rules = self.rules.borrow();
        rules.iter().any(|rule| rule.subscription.is_some() && rule.pattern.matches(topic))
    }
}

impl Pending {
    fn find(&mut self, id: &str) -> Option<&mut Unanswered> {
        self.0.iter_mut().find(|unanswered| unanswered.event.id() == id)
    }

    fn remove(&mut self, id: &str) -> Option<Unanswered> {
        let at = self.0.iter().position(|unanswered| unanswered.event.id() == id)?;
        self.0.remove(at)
    }
}

impl Unanswered {
    fn reject(&self, bus: &Bus, code: RejectCode, message: &str) {
        let rejected = Delivery::Rejected(Rejection { code, message: message.to_owned() });
        self.settlement.follow(&rejected);
        bus.echo(self.event.at(rejected));
    }
}

fn body(event: &Event, bytes: Bytes) -> Body {
    let content_type = (bytes.content_type != JSON).then(|| bytes.content_type.into_owned());
    Body {
        id: event.id().to_owned(),
        time: Some(event.time() as u64),
        content_type,
        data: bytes.data.to_vec(),
        ..Body::default()
    }
}
