//! The publishing side. Events wait in the outbox, are sent while the link is up, and stay until they are answered.

use topic::Topic;

use super::outbox::{Full, LOST, Stage};
use super::signing::{SIGN_WITHIN, SIGNATURE_BYTES};
use super::{Client, Effect, OutboxRow, Outcome, StoreRequest};
use crate::wire::frame::{Ack, Denied, FromClient, Publish, Reject};
use crate::{Body, Durability, MAX_NUMBER, MAX_UNANSWERED, Millis, RejectCode};

/// Why the client did not accept a publish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The outbox is full.
    #[error("the outbox is full: wait until the link has taken some of the events")]
    OutboxFull,
    /// The event is larger than any peer accepts.
    #[error("the event has {0} bytes: more than a message may have")]
    TooLarge(usize),
}

/// Options of a durable publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishOptions {
    /// When the event expires, in milliseconds since 1970. Then it is rejected as [expired](RejectCode::Expired),
    /// unless it may have been sent. See [`Client::set_clock`].
    pub expires: Option<Millis>,
    /// The least durability of the answer. The event stays in the outbox until an answer promises at least this.
    pub durability: Durability,
    /// Whether the event is [signed](Effect::Sign) with the device's key before it is sent.
    pub signed: bool,
}

impl Default for PublishOptions {
    /// Never expires, asks for the peer's disk, and is not signed.
    fn default() -> Self {
        Self { expires: None, durability: Durability::Disk, signed: false }
    }
}

impl Client {
    pub(super) fn denied(&mut self, denied: Denied) {
        let Denied { topic, code, message } = denied;
        if let Some(topic) = self.connection.topics_out.topic(topic).map(Topic::to_string) {
            self.effects.push_back(Effect::Denied { topic, code, message });
        }
    }

    /// Puts a durable event into the outbox, from where it is sent to the peer. [`Effect::Kept`] reports that the
    /// outbox holds it, and [`Effect::Settled`] reports its outcome.
    ///
    /// # Errors
    /// [`PublishError`]; the event was not accepted.
    pub fn publish(&mut self, topic: Topic, body: &Body, now: Millis) -> Result<(), PublishError> {
        self.publish_with(topic, body, PublishOptions::default(), now)
    }

    /// Like [`Client::publish`], with options.
    ///
    /// # Errors
    /// [`PublishError`]; the event was not accepted.
    pub fn publish_with(
        &mut self,
        topic: Topic,
        body: &Body,
        options: PublishOptions,
        now: Millis,
    ) -> Result<(), PublishError> {
        let bytes = body.encode();
        let PublishOptions { expires, durability, signed } = options;
        let size = bytes.len() + if signed { SIGNATURE_BYTES } else { 0 };
        if size > self.options.max_event {
            return Err(PublishError::TooLarge(size));
        }
        let sign_by = signed.then(|| self.wall(now).saturating_add(SIGN_WITHIN));
        let row = OutboxRow {
            number: 0,
            id: body.id.clone(),
            topic,
            body: bytes,
            expires: expires.map(|expires| expires.min(MAX_NUMBER)),
            durability,
            leaving: false,
            dropped: None,
            owner: self.options.tab,
            sign_by: sign_by.map(|sign_by| sign_by.min(MAX_NUMBER)),
        };
        self.outbox.push(row).map_err(|Full| PublishError::OutboxFull)?;
        self.pump(now);
        Ok(())
    }

    /// Cancels a durable event. Returns true if the event waits unsent: its [`Effect::Settled`] then has
    /// [`RejectCode::Cancelled`] or, if another tab sends it first, the peer's outcome. Returns false if there is no
    /// event with this id, or if it may have been sent.
    pub fn cancel(&mut self, id: &str) -> bool {
        match self.outbox.unpublish(id) {
            Some(Ok(())) => {
                self.reject(id.to_owned(), RejectCode::Cancelled, "the application cancelled it");
                return true;
            }
            Some(Err(will)) => return will,
            None => {}
        }
        let Some(entry) = self.outbox.find(id) else { return false };
        if entry.row.leaving || entry.stage != Stage::Idle {
            return matches!(entry.stage, Stage::Dropping(_));
        }
        let number = entry.row.number;
        self.drop_rows(vec![number], RejectCode::Cancelled);
        true
    }

    /// Sends an ephemeral event if the link is up, and returns whether it was.
    pub fn send_ephemeral(&mut self, topic: &Topic, body: &Body) -> bool {
        let body = body.encode();
        if !self.is_online() || body.len() > self.options.max_event {
            return false;
        }
        let (topic, name) = self.connection.topics_out.number(topic);
        self.send(&FromClient::Publish(Publish { number: None, topic, name, body, lowest: None }));
        true
    }

    /// The number of durable events without an answer, in all tabs that share the store.
    pub fn outbox_len(&self) -> usize {
        self.outbox.len()
    }

    /// The size of their bodies in bytes.
    pub fn outbox_bytes(&self) -> usize {
        self.outbox.bytes()
    }

    /// The durable events without an answer, in the order in which they are sent.
    pub fn outbox(&self) -> impl Iterator<Item = &OutboxRow> {
        self.outbox.rows()
    }

    /// The highest number that the peer has decided, and its event's id; 0 if it has decided none.
    pub fn last_decided(&self) -> (u64, &str) {
        let (number, id) = self.outbox.decided();
        (*number, id)
    }

    /// Sends what can be sent now.
    pub(super) fn pump(&mut self, now: Millis) {
        if !self.sends()
            || !self.is_online()
            || self.connection.hold_until.is_some_and(|until| now < until)
        {
            return;
        }
        self.connection.hold_until = None;
        self.ask_to_sign();
        if self.connection.is_reading {
            if self.outbox.len() > 0 {
                self.ask_to_be_recorded(now);
            }
            return;
        }
        let numbers = self.outbox.mark(MAX_UNANSWERED, self.wall(now));
        if !numbers.is_empty() {
            self.ask_store(StoreRequest::Mark { client: self.identity.client, numbers });
        }
        let lowest = self.outbox.lowest();
        while let Some(row) = self.outbox.next_to_send(MAX_UNANSWERED) {
            let (number, id, body) = (row.number, row.id.clone(), row.body.clone());
            let (topic, name) = self.connection.topics_out.number(&row.topic);
            self.outbox.sent(number);
            self.connection.owing.get_or_insert(now);
            let publish = Publish { number: Some(number), topic, name, body, lowest: Some(lowest) };
            self.send(&FromClient::Publish(publish));
            self.flush();
            self.effects.push_back(Effect::Sent(id));
        }
    }

    pub(super) fn acked(&mut self, ack: Ack) {
        let Some(entry) = self.outbox.get(ack.number) else { return };
        // If the answer promises less than the row asks for, the row stays and waits for a better one.
        if ack.durability >= entry.row.durability {
            self.settle(ack.number, Outcome::Stored(ack.position, ack.durability));
        }
    }

    pub(super) fn rejected(&mut self, reject: Reject, now: Millis) {
        let Some(retry) = reject.retry else {
            // The number was decided, but the peer has forgotten the outcome: the event may be in the log.
            let code = match reject.code {
                RejectCode::StaleNumber => RejectCode::Uncertain,
                code => code,
            };
            return self.settle(reject.number, Outcome::Rejected(code, reject.message));
        };
        self.requeue(reject.number);
        let until = now + Millis::from(retry);
        let hold = &mut self.connection.hold_until;
        *hold = Some(hold.map_or(until, |hold| hold.max(until)));
    }

    /// Handles the peer's decision.
    pub(super) fn settle(&mut self, number: u64, outcome: Outcome) {
        if let Some(row) = self.outbox.settle(number, true) {
            self.tell_settled(row, outcome);
        }
    }

    /// Reports the final outcome of an event.
    pub(super) fn tell_settled(&mut self, row: OutboxRow, outcome: Outcome) {
        self.remember(row.id.clone(), outcome.clone());
        self.tell_outcome(row, outcome);
    }

    /// Reports an outcome that is remembered already.
    pub(super) fn tell_outcome(&mut self, row: OutboxRow, outcome: Outcome) {
        let id = row.id.clone();
        let comes = self.expect(row, &outcome);
        self.effects.push_back(Effect::Settled { id, outcome, comes });
    }

    pub(super) fn reject(&mut self, id: String, code: RejectCode, message: &str) {
        let outcome = Outcome::Rejected(code, message.to_owned());
        self.remember(id.clone(), outcome.clone());
        self.effects.push_back(Effect::Settled { id, outcome, comes: false });
    }

    /// Settles as uncertain what may have been sent, because the peer has forgotten whether it is in the log.
    pub(super) fn uncertain(&mut self) {
        let rows = self.outbox.entries().filter(|entry| entry.row.leaving);
        let numbers: Vec<u64> = rows.map(|entry| entry.row.number).collect();
        for number in numbers {
            if let Some(row) = self.outbox.settle(number, false) {
                self.reject(row.id, RejectCode::Uncertain, FORGOTTEN);
            }
        }
    }

    /// Drops events that have expired unsent or could not be signed in time, and gives up on those that no tab reports
    /// an outcome for.
    pub(super) fn expire(&mut self, now: Millis) {
        let wall = self.wall(now);
        let (mut expired, mut unsigned) = (Vec::new(), Vec::new());
        let (mut uncertain, mut lost) = (Vec::new(), Vec::new());
        let (sends, online) = (self.sends(), self.is_online());
        for entry in self.outbox.entries() {
            match entry.stage {
                Stage::Idle if sends => {
                    let Some(why) = entry.has_ended(wall) else { continue };
                    let number = entry.row.number;
                    match why {
                        RejectCode::Expired => expired.push(number),
                        // An earlier page may have signed and sent it.
                        _ if entry.row.leaving => {
                            uncertain.push(number);
                            continue;
                        }
                        _ => unsigned.push(number),
                    }
                    // This also covers a number that a broken store has given twice: the store is read once more.
                    entry.stage = Stage::Dropping(why);
                }
                Stage::Lost { .. } if entry.seen.is_some() => lost.push(entry.row.number),
                // While the link is up, a subscription may deliver the event, which is proof enough.
                Stage::Lost { until, again } if until <= now => {
                    if online && !again {
                        lost.push(entry.row.number);
                    }
                    entry.stage = Stage::Lost { until: now + LOST, again: !online };
                }
                _ => {}
            }
        }
        self.drop_rows(expired, RejectCode::Expired);
        self.drop_rows(unsigned, RejectCode::NotSigned);
        for number in uncertain {
            if let Some(row) = self.outbox.settle(number, false) {
                self.reject(row.id, RejectCode::Uncertain, UNSIGNED);
            }
        }
        for number in lost {
            let seen = self.outbox.get(number).and_then(|entry| entry.seen.take());
            let Some(row) = self.outbox.forget(number) else { continue };
            match seen {
                Some(position) => {
                    let stored = Outcome::Stored(position, row.durability);
                    self.tell_settled(row, stored);
                }
                None => self.reject(row.id, RejectCode::Uncertain, GONE),
            }
        }
    }

    /// When the next event expires or is given up.
    pub(super) fn next_expiry(&self) -> Option<Millis> {
        self.outbox.next_expiry(self.sends(), self.wall_is_ahead)
    }

    pub(super) fn drop_rows(&mut self, numbers: Vec<u64>, why: RejectCode) {
        if !numbers.is_empty() {
            let drop = self.outbox.drop_rows(self.identity.client, numbers, why);
            self.ask_store(drop);
        }
    }

    /// Marks the events from this number on as not sent.
    pub(super) fn requeue(&mut self, from: u64) {
        self.effects.extend(self.outbox.unsend_from(from).into_iter().map(Effect::Requeued));
    }
}

const FORGOTTEN: &str = "the peer does not know this client: the event may or may not be stored";
pub(super) const CLONED: &str =
    "this client was a copy of another: the event may or may not be stored";
pub(super) const UNWRITTEN: &str = "the outbox cannot be written";
const UNSIGNED: &str = "it may have been sent, and could not be signed again";
const GONE: &str = "another tab took the event and reported no outcome";

pub(super) fn dropped_because(why: RejectCode) -> &'static str {
    match why {
        RejectCode::Expired => "it expired before it could be sent",
        RejectCode::NotSigned => "no certificate covers it",
        RejectCode::Cancelled => "the application cancelled it",
        _ => CLONED,
    }
}
