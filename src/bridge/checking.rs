//! Checking: events that arrive are verified before they go on to the bus. Those of one subscription stay in order.

use bus::Topic;
use js_sys::{Array, Promise};
use session::client::Delivery as Inbound;
use session::{Body, Position};
use wasm_bindgen::prelude::*;

use super::Endpoint;
use crate::Payload;
use crate::js::spawn;
use crate::keys::{names_key, reason_for, result_of};
use crate::trust::{CERTIFICATE_TOPIC, UNTRUSTED_TOPIC};

/// What JavaScript knows of the author of a signed event; undefined for an unsigned one; or the code of the reason why
/// it is withheld, a text.
pub(super) type Verdict = JsValue;

/// Whether this is the event by which a peer reports a deletion, or what is left of the deleted event. Neither has a
/// signature or data that could be forged.
fn is_about_deletion(body: &Body) -> bool {
    body.data.is_empty() && (body.deletes().is_some() || body.deleted().is_some())
}

impl Endpoint {
    /// An event has arrived. It goes on at once if there is nothing to verify and nothing to wait for.
    pub(super) fn check(&self, inbound: Inbound) {
        let needs_signature =
            self.rules.borrow().need_signature(&inbound.subscriptions, &inbound.topic);
        let judged = self.judge(needs_signature, &inbound.topic, &inbound.body);
        match judged.dyn_into::<Promise>() {
            Err(judged) => {
                let _number = self.inbox.push(inbound, Some(self.verdict(judged)));
            }
            Ok(promise) => {
                let (number, this) = (self.inbox.push(inbound, None), self.this.clone());
                spawn(async move {
                    let judged = result_of(promise).await;
                    if let Some(this) = this.upgrade() {
                        this.inbox.decide(number, this.verdict(judged));
                        this.bring_in();
                    }
                });
            }
        }
        self.bring_in();
    }

    /// Judges an event, now or by a promise. Undefined if there is nothing to verify.
    fn judge(&self, needs_signature: bool, topic: &Topic, body: &Body) -> JsValue {
        if !needs_signature && !self.keyring.is_in_use {
            return JsValue::UNDEFINED;
        }
        match &body.signature {
            Some(signature) => self.keyring.verify(topic, body, signature).into(),
            None if is_about_deletion(body) => JsValue::UNDEFINED,
            // If its source names a key, its signature was taken away.
            None if needs_signature || names_key(&body.source) => "not_signed".into(),
            None => JsValue::UNDEFINED,
        }
    }

    /// The verdict of JavaScript. It comes with the certificate for the first event that is verified under it.
    fn verdict(&self, judged: JsValue) -> Verdict {
        let judged = match judged.dyn_into::<Array>() {
            Ok(judged) => judged,
            Err(judged) => return judged,
        };
        let certified = judged.get(1);
        if !certified.is_undefined() {
            self.report_certificate(certified);
        }
        judged.get(0)
    }

    /// Reports an event that the application does not get.
    pub(super) fn withhold(&self, topic: &Topic, body: &Body, reason: JsValue) {
        let fields = [
            ("id", body.id.as_str().into()),
            ("topic", topic.as_str().into()),
            ("source", body.source.as_str().into()),
            ("message", reason_for(&reason)),
            ("code", reason),
        ];
        self.announce(UNTRUSTED_TOPIC, Payload::report(&fields));
    }

    /// Reports a certificate that is in use from now on.
    pub(super) fn report_certificate(&self, certified: JsValue) {
        self.announce(CERTIFICATE_TOPIC, Payload::from_js(certified));
    }

    /// Begins to verify events of the log that no subscription brings, all together.
    pub(super) fn judge_page(&self, events: &[(Position, Topic, Body)]) -> Promise {
        let judged = Array::new();
        for (_, topic, body) in events {
            let needs_signature = self.rules.borrow().match_topic(topic).signed;
            judged.push(&self.judge(needs_signature, topic, body));
        }
        Promise::all(&judged)
    }

    /// The verdict on an event of such a page.
    pub(super) fn verdict_at(&self, page: &JsValue, at: u32) -> Option<Verdict> {
        Some(self.verdict(page.dyn_ref::<Array>()?.get(at)))
    }
}
