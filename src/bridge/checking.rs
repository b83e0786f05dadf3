//! Checking: events that arrive are verified before they go on to the inbox. Those of one subscription stay in order.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Weak;

use bus::Topic;
use session::client::{Delivery as Inbound, SubscriptionId};
use session::{Body, Position};
use trust::{Certificate, Thumbprint, Untrusted};

use super::Endpoint;
use super::inbound::Arrived;
use super::keyring::Signed;
use crate::Payload;
use crate::js::spawn;
use crate::trust::{CERTIFICATE_TOPIC, UNTRUSTED_TOPIC, Verified};

/// What an event shows about its author.
pub(super) type Verdict = Result<Option<Verified>, Untrusted>;

/// Events that wait for their verdict, or behind another one. Bounded by the windows of the rules.
#[derive(Default)]
pub(super) struct Checks {
    waiting: RefCell<VecDeque<Check>>,
    last: Cell<u64>,
    /// Subscriptions that have caught up, but for the events that wait here.
    caught_up: RefCell<Vec<SubscriptionId>>,
}

struct Check {
    number: u64,
    inbound: Inbound,
    verdict: Option<Verdict>,
}

impl Checks {
    pub(super) fn clear(&self) {
        let unread = self.waiting.take();
        drop(unread);
    }

    fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    /// Whether an event waits here.
    pub(super) fn hold(&self, id: &str) -> bool {
        self.waiting.borrow().iter().any(|check| check.inbound.body.id == id)
    }

    fn hold_any_of(&self, subscription: SubscriptionId) -> bool {
        let waiting = self.waiting.borrow();
        waiting.iter().any(|check| check.inbound.subscriptions.contains(&subscription))
    }

    fn push(&self, inbound: Inbound, verdict: Option<Verdict>) -> u64 {
        let number = self.last.get() + 1;
        self.last.set(number);
        self.waiting.borrow_mut().push_back(Check { number, inbound, verdict });
        number
    }

    fn decide(&self, number: u64, verdict: Verdict) {
        let mut waiting = self.waiting.borrow_mut();
        if let Some(check) = waiting.iter_mut().find(|check| check.number == number) {
            check.verdict = Some(verdict);
        }
    }

    /// The first event with a verdict that is not behind another one of its subscriptions.
    fn next(&self) -> Option<(Inbound, Verdict)> {
        let mut waiting = self.waiting.borrow_mut();
        let mut blocked = Vec::new();
        let at = waiting.iter().position(|Check { inbound, verdict, .. }| {
            let is_behind = inbound.subscriptions.iter().any(|id| blocked.contains(id));
            let passes = !is_behind && verdict.is_some();
            if !passes {
                blocked.extend(&inbound.subscriptions);
            }
            passes
        })?;
        let Check { inbound, verdict, .. } = waiting.remove(at)?;
        Some((inbound, verdict?))
    }

    /// The next subscription that has caught up, and of which no event waits here.
    fn next_caught_up(&self) -> Option<SubscriptionId> {
        let mut caught_up = self.caught_up.borrow_mut();
        let at = caught_up.iter().position(|id| !self.hold_any_of(*id))?;
        Some(caught_up.swap_remove(at))
    }
}

/// Whether this is the event by which a peer reports a deletion, or what is left of the deleted event. Neither has a
/// signature, nor data that could be forged.
fn is_about_deletion(body: &Body) -> bool {
    body.data.is_empty() && (body.deletes().is_some() || body.deleted().is_some())
}

impl Endpoint {
    /// An event has arrived. It goes on at once if there is nothing to verify and nothing to wait for.
    pub(super) fn check(&self, inbound: Inbound) {
        let needs_signature =
            self.rules.borrow().need_signature(&inbound.subscriptions, &inbound.topic);
        let signed = match self.signed(needs_signature, &inbound.topic, &inbound.body) {
            Ok(Some(signed)) => signed,
            // An ephemeral event waits for no other.
            Ok(None) if inbound.position.is_none() || self.checks.is_empty() => {
                return self.bring_verified(inbound, None);
            }
            verdict => {
                self.checks.push(inbound, Some(verdict.map(|_| None)));
                return self.go_on();
            }
        };
        let (number, this) = (self.checks.push(inbound, None), self.this.clone());
        spawn(async move {
            let verdict = Self::verify(&this, &signed).await;
            if let Some(this) = this.upgrade() {
                this.checks.decide(number, verdict.map(Some));
                this.go_on();
            }
        });
    }

    /// What is to be verified of an event: nothing if it may go on as it is.
    ///
    /// # Errors
    /// The reason why it is withheld.
    pub(super) fn signed(
        &self,
        needs_signature: bool,
        topic: &Topic,
        body: &Body,
    ) -> Result<Option<Signed>, Untrusted> {
        if !needs_signature && !self.keyring.is_in_use() {
            return Ok(None);
        }
        if body.signature.is_none() && is_about_deletion(body) {
            return Ok(None);
        }
        // Also an event whose signature was taken away: its source names a key.
        if !needs_signature
            && body.signature.is_none()
            && Thumbprint::from_source(&body.source).is_none()
        {
            return Ok(None);
        }
        Signed::of(topic, body).map(Some)
    }

    /// A subscription has brought all events that existed when it began to read.
    pub(super) fn checked_up_to(&self, subscription: SubscriptionId) {
        self.checks.caught_up.borrow_mut().push(subscription);
        self.go_on();
    }

    fn go_on(&self) {
        while let Some((inbound, verdict)) = self.checks.next() {
            match verdict {
                Ok(verified) => self.bring_verified(inbound, verified),
                Err(reason) => {
                    let Inbound { subscriptions, topic, body, bytes, .. } = inbound;
                    self.passed(&body.id);
                    self.withhold(&topic, &body, reason);
                    self.link.taken(&subscriptions, bytes);
                    self.link.drive();
                }
            }
        }
        while let Some(subscription) = self.checks.next_caught_up() {
            self.inbox.caught_up(subscription);
            self.bring_in();
        }
    }

    fn bring_verified(&self, inbound: Inbound, verified: Option<Verified>) {
        self.inbox.push(Arrived { inbound, verified });
        self.bring_in();
    }

    /// Reports an event that the application does not get.
    pub(super) fn withhold(&self, topic: &Topic, body: &Body, reason: Untrusted) {
        let fields = [
            ("id", body.id.as_str().into()),
            ("topic", topic.as_str().into()),
            ("source", body.source.as_str().into()),
            ("code", reason.name().into()),
            ("message", reason.to_string().into()),
        ];
        self.announce(UNTRUSTED_TOPIC, Payload::report(&fields));
    }

    /// Reports a certificate that is in use from now on.
    pub(super) fn tell_certificate(&self, certificate: &Certificate) {
        let Certificate { subject, name, expires_at, key, .. } = certificate;
        let fields = [
            ("subject", subject.as_str().into()),
            ("name", name.as_deref().into()),
            ("key", Thumbprint::of(key).to_string().into()),
            ("expires", (*expires_at as f64 * 1_000.0).into()),
        ];
        self.announce(CERTIFICATE_TOPIC, Payload::report(&fields));
    }

    /// Verifies events of the log that no subscription brings.
    pub(super) async fn verify_page(
        this: &Weak<Self>,
        events: &[(Position, Topic, Body)],
    ) -> Vec<Verdict> {
        let signed: Vec<_> = {
            let Some(this) = this.upgrade() else { return Vec::new() };
            let signed = events.iter().map(|(_, topic, body)| {
                let needs_signature = this.rules.borrow().match_topic(topic).signed;
                this.signed(needs_signature, topic, body)
            });
            signed.collect()
        };
        // All keys are asked for before the first answer is waited for.
        if let Some(this) = this.upgrade() {
            signed.iter().flatten().flatten().for_each(|signed| drop(this.prepare(signed)));
        }
        let mut verdicts = Vec::with_capacity(signed.len());
        for signed in signed {
            verdicts.push(match signed {
                Ok(Some(signed)) => Self::verify(this, &signed).await.map(Some),
                Ok(None) => Ok(None),
                Err(reason) => Err(reason),
            });
        }
        verdicts
    }
}
