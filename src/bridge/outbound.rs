//! The way out: which publishes the link takes, and what becomes of those that the peer stores.

use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::time::Duration;

use bus::{Pattern, Topic};
use session::client::{Outcome, PublishError as Refused, PublishOptions};
use session::{Body, Millis, Position, RejectCode};

use super::UNCERTAIN_TOPIC;
use super::inbound::content;
use super::link::Link;
use super::rules::Active;
use crate::bus::Outlet;
use crate::js::monotonic;
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
    /// It has its answer, and a subscription is to bring it.
    stored: Option<Position>,
}

/// So many that have their answer wait for a subscription to bring them; of more, the oldest are only
/// echoed.
const MOST_EXPECTED: usize = 1_024;

impl Outlet for Link {
    fn url(&self) -> &str {
        &self.options.url
    }

    fn take(
        &self,
        bus: &Bus,
        topic: &Topic,
        payload: &Payload,
        within: Option<Duration>,
    ) -> Option<Result<Receipt, PublishError>> {
        let (durability, shared) = {
            let rules = self.rules.borrow();
            let named = || rules.iter().filter(|rule| rule.pattern.matches(topic));
            let out = named().filter(|rule| rule.outbound).map(|rule| rule.durability).max();
            (out, named().any(|rule| rule.shared))
        };
        if durability.is_none() && !shared {
            return None;
        }
        // The borrow has ended: a `toJSON` may publish.
        let bytes = match payload.to_bytes() {
            Ok(bytes) => bytes,
            Err(error) => return Some(Err(PublishError::Data(topic.clone(), error))),
        };
        Some(match durability {
            None => {
                self.share(topic, payload, bytes);
                return None;
            }
            Some(Some(durability)) => {
                let expires = within.map(|within| js_sys::Date::now() as Millis + millis(within));
                self.publish(bus, topic, payload, bytes, PublishOptions { expires, durability })
            }
            Some(None) => self.send(bus, topic, payload, bytes),
        })
    }

    #[cfg(feature = "npm")]
    fn names(&self, topic: &Topic) -> bool {
        let rules = self.rules.borrow();
        rules.iter().any(|rule| (rule.outbound || rule.shared) && rule.pattern.matches(topic))
    }

    fn cancel(&self, id: &str) -> bool {
        let will = self.tab.borrow_mut().cancel(id);
        self.drive();
        will
    }

    fn pending(&self, pattern: &Pattern) -> Vec<Event> {
        let pending = self.pending.borrow();
        let events = pending.0.iter().filter(|one| !one.delivered && one.stored.is_none());
        let events = events.map(|unanswered| unanswered.event.clone());
        events.filter(|event| pattern.matches(event.topic())).collect()
    }
}

impl Link {
    fn publish(
        &self,
        bus: &Bus,
        topic: &Topic,
        payload: &Payload,
        bytes: Bytes,
        options: PublishOptions,
    ) -> Result<Receipt, PublishError> {
        let queued = Delivery::Pending(Stage::Queued);
        let event = Event::new(topic.clone(), payload.clone(), queued);
        let body = body(&event, bytes);
        let taken =
            self.tab.borrow_mut().client().publish_with(topic.clone(), &body, options, monotonic());
        taken.map_err(|refused| match refused {
            Refused::TooLarge(bytes) => PublishError::TooLarge(bytes),
            _ => PublishError::OutboxFull(self.unanswered()),
        })?;
        let settlement = self.await_answer(event.clone());
        bus.echo(event.clone());
        self.drive();
        let outlet: Weak<dyn Outlet> = self.this.clone();
        Ok(Receipt::durable(event, settlement, outlet))
    }

    /// An event waits in the outbox that this page did not publish.
    pub(super) fn found(&self, topic: Topic, body: Body) {
        let payload = Payload::from_bytes(content(body.content_type, body.data));
        let kept = Delivery::Pending(Stage::Kept);
        let event = Event::inbound(topic, payload, &body.id, "", body.time, kept.clone());
        self.await_answer(event.clone()).follow(&kept);
        self.bus().echo(event);
    }

    fn await_answer(&self, event: Event) -> Rc<Settlement> {
        let settlement = Settlement::queued();
        let unanswered =
            Unanswered { event, settlement: settlement.clone(), delivered: false, stored: None };
        self.pending.borrow_mut().0.push_back(unanswered);
        settlement
    }

    /// Sends a local event to the other tabs.
    fn share(&self, topic: &Topic, payload: &Payload, bytes: Bytes) {
        let event = Event::new(topic.clone(), payload.clone(), Delivery::Local);
        self.tab.borrow_mut().share(topic, &body(&event, bytes));
        self.drive();
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
        // On a congested link it would only arrive late.
        if !self.is_congested() {
            let body = body(&event, bytes);
            let _is_up = self.tab.borrow_mut().send_ephemeral(topic, &body);
            self.drive();
        }
        bus.bring(event.clone())?;
        Ok(Receipt::delivered(event))
    }

    /// A durable publish is kept, has left, or waits again.
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
            self.bus().echo(event);
        }
    }

    /// The answer to a durable publish. A stored event is delivered by the subscription that brings
    /// it, in the log's order; by this answer only if no rule asks for it.
    pub(super) fn settled(&self, id: &str, outcome: Outcome) {
        let Some(mut pending) = self.pending.borrow_mut().remove(id) else {
            return;
        };
        match outcome {
            Outcome::Stored(mut position, _) => {
                position.id.get_or_insert_with(|| id.to_owned());
                self.report.acked(id, &position);
                let stored = Delivery::Stored(position.clone());
                pending.settlement.follow(&stored);
                if pending.delivered {
                    return;
                }
                if self.is_asked_for(pending.event.topic()) {
                    pending.stored = Some(position);
                    self.pending.borrow_mut().0.push_front(pending);
                } else {
                    let _reached = self.bus().bring(pending.event.at(stored));
                }
            }
            Outcome::Rejected(code, message) => {
                if code == RejectCode::Uncertain {
                    self.report.is_uncertain();
                    let topic = pending.event.topic().as_str().into();
                    let (id, message) = (id.into(), message.as_str().into());
                    let fields = [("id", id), ("topic", topic), ("message", message)];
                    self.announce(UNCERTAIN_TOPIC, Payload::told(&fields));
                }
                pending.reject(self.bus(), code, &message);
            }
        }
    }

    /// Ends the echo of events that no subscription brings any more: it has begun behind them.
    pub(super) fn end_echoes(&self) {
        loop {
            let passed = {
                let (mut tab, rules) = (self.tab.borrow_mut(), self.rules.borrow());
                let client = tab.client();
                let mut pending = self.pending.borrow_mut();
                // They stand in front, the newest first.
                let expected = pending.0.partition_point(|one| one.stored.is_some());
                let passed = pending.0.range(..expected).rposition(|one| {
                    let place = one.stored.as_ref();
                    let comes = |rule: &Active| {
                        let brings = |(id, place)| !client.has_passed(id, place);
                        rule.pattern.matches(one.event.topic())
                            && rule.subscription.zip(place).is_some_and(brings)
                    };
                    let waits = self.inbox.holds(one.event.id());
                    !waits && !rules.iter().any(comes) || expected > MOST_EXPECTED
                });
                passed.and_then(|at| pending.0.remove(at))
            };
            let Some(Unanswered { event, stored: Some(position), .. }) = passed else { return };
            self.bus().echo(event.at(Delivery::Stored(position)));
        }
    }

    /// Whether an event of this source is one of this page: the peer writes `/clients/<client>` before what the page said.
    pub(super) fn is_own(&self, source: &str) -> bool {
        let mut tab = self.tab.borrow_mut();
        tab.client().signed(source)
            || tab.fallback().is_some_and(|fallback| fallback.signed(source))
    }

    /// The payload of an event of this page that is unanswered: as it was, not read anew from bytes.
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

    /// The link has ended: nobody will answer. What is on disk waits for the next one.
    pub(super) fn give_up_pending(&self) {
        let kept = !self.store.is_memory();
        for unanswered in self.pending.take().0 {
            if unanswered.stored.is_some() {
                continue;
            }
            let in_memory = || self.tab.borrow().is_in_memory(unanswered.event.id());
            let is_queued = *unanswered.event.delivery() == Delivery::Pending(Stage::Queued);
            if kept && !is_queued && !in_memory() {
                continue;
            }
            let message =
                "the bridge was closed before the peer answered: the event may be stored or not";
            unanswered.reject(self.bus(), RejectCode::Uncertain, message);
        }
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

/// At most what a JS number holds exactly: the outbox stores it as one.
fn millis(duration: Duration) -> Millis {
    const LONGEST: Millis = Millis::MAX >> 12;
    Millis::try_from(duration.as_millis()).unwrap_or(LONGEST).min(LONGEST)
}

fn body(event: &Event, bytes: Bytes) -> Body {
    let content_type = (bytes.content_type != JSON).then(|| bytes.content_type.into_owned());
    Body {
        id: event.id().to_owned(),
        time: event.time().map(|time| time as u64),
        content_type,
        data: bytes.data.to_vec(),
        ..Body::default()
    }
}
