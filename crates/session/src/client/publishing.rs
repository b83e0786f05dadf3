//! The publishing side: events wait in the outbox, leave while the link is up, and stay until they have
//! their answer.

use bus::Topic;

use super::outbox::Full;
use super::{Client, Effect, Outcome};
use crate::frame::{FromClient, Publish, Reject};
use crate::{Body, MAX_UNANSWERED, Millis, RejectCode};

/// Why a publish was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The bound of the outbox is reached.
    #[error("the outbox is full: wait until the link has taken some of the events")]
    OutboxFull,
    /// The event is larger than any peer takes.
    #[error("the event has {0} bytes: more than a message may have")]
    TooLarge(usize),
}

impl Client {
    /// Takes a durable event into the outbox. Its answer comes as [`Effect::Settled`].
    ///
    /// # Errors
    /// [`PublishError`]; nothing was taken.
    pub fn publish(&mut self, topic: Topic, body: &Body, now: Millis) -> Result<(), PublishError> {
        let bytes = body.encode();
        if bytes.len() > self.options.max_event {
            return Err(PublishError::TooLarge(bytes.len()));
        }
        self.outbox.push(topic, body.id.clone(), bytes).map_err(|Full| PublishError::OutboxFull)?;
        self.pump(now);
        Ok(())
    }

    /// Sends an ephemeral event if the link is up, and says whether it was.
    pub fn send_ephemeral(&mut self, topic: &Topic, body: &Body) -> bool {
        let body = body.encode();
        if !self.is_online() || body.len() > self.options.max_event {
            return false;
        }
        let (topic, name) = self.connection.topics_out.number(topic);
        self.send(&FromClient::Publish(Publish { number: None, topic, name, body, lowest: None }));
        true
    }

    /// How many durable events wait for an answer.
    pub fn outbox_len(&self) -> usize {
        self.outbox.len()
    }

    /// Sends what may be sent.
    pub(super) fn pump(&mut self, now: Millis) {
        if !self.is_online() || self.connection.hold_until.is_some_and(|until| now < until) {
            return;
        }
        self.connection.hold_until = None;
        let lowest = self.outbox.lowest();
        for number in self.outbox.sendable(MAX_UNANSWERED) {
            let Some(row) = self.outbox.sent(number) else { continue };
            let (topic, name) = self.connection.topics_out.number(&row.topic);
            let (body, id) = (row.body.clone(), row.id.clone());
            let publish = Publish { number: Some(number), topic, name, body, lowest: Some(lowest) };
            self.send(&FromClient::Publish(publish));
            self.flush();
            self.effects.push_back(Effect::Sent(id));
        }
    }

    pub(super) fn rejected(&mut self, reject: Reject, now: Millis) {
        let Some(retry) = reject.retry else {
            let outcome = Outcome::Rejected(reject.code, reject.message);
            return self.settle(reject.number, outcome);
        };
        self.requeue(reject.number);
        let until = now + Millis::from(retry);
        let hold = &mut self.connection.hold_until;
        *hold = Some(hold.map_or(until, |hold| hold.max(until)));
    }

    pub(super) fn settle(&mut self, number: u64, outcome: Outcome) {
        if let Some(row) = self.outbox.remove(number) {
            self.effects.push_back(Effect::Settled { id: row.id, outcome });
        }
    }

    /// Settles what may be in the log, as nobody can say any more whether it is.
    pub(super) fn uncertain(&mut self, message: &str) {
        for row in self.outbox.take_uncertain() {
            let outcome = Outcome::Rejected(RejectCode::Uncertain, message.to_owned());
            self.effects.push_back(Effect::Settled { id: row.id, outcome });
        }
    }

    /// Marks the events from this number on as not sent.
    pub(super) fn requeue(&mut self, from: u64) {
        self.effects.extend(self.outbox.unsend_from(from).into_iter().map(Effect::Requeued));
    }
}
