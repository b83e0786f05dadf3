//! The keyring: verifies the events that other devices have signed. It asks the peer for the certificates of their
//! keys.

use std::rc::Weak;

use bus::Pattern;
use js_sys::{Array, Promise};
use session::Body;
use topic::Topic;
use wasm_bindgen::prelude::*;

use super::Endpoint;
use super::requests::{Answer, request};
use crate::keys::{self, Asked, Call, call, copied, signed};
use crate::trust::Trust;

/// The maximum number of events of a key's topic that are read at once.
const PAGE: u32 = 100;
/// The maximum number of pages that are read, newest first, while no certificate covers an event.
const MAX_PAGES: usize = 10;

pub(super) struct Keyring {
    keys: keys::Keyring,
    /// Whether the application trusts an issuer, so that signatures are verified.
    pub(super) is_in_use: bool,
    _ask: Call,
}

impl Keyring {
    pub(super) fn new(trust: Trust, endpoint: Weak<Endpoint>) -> Self {
        let issuers = trust.issuers.unwrap_or_default();
        let ask = call(move |device: JsValue| look_up(endpoint.clone(), device.unchecked_into()));
        let keys = keys::keyring(&issuers, &ask);
        Self { keys, is_in_use: issuers.length() > 0, _ask: ask }
    }

    /// The keys, if the application trusts an issuer.
    pub(super) fn in_use(&self) -> Option<&keys::Keyring> {
        self.is_in_use.then_some(&self.keys)
    }

    /// Begins to verify an event. Events that arrive together are verified at the same time.
    pub(super) fn verify(&self, topic: &Topic, body: &Body, signature: &[u8; 64]) -> Promise {
        let signed = signed(topic.as_str(), &body.source, body);
        let time = body.time.map(|time| time as f64);
        let (signature, account) = (copied(signature), body.authid.as_deref());
        self.keys.verify(signature, signed, time, account)
    }
}

/// Reads the newest certificates of a key, and older ones while no certificate covers an event that waits.
async fn look_up(endpoint: Weak<Endpoint>, device: Asked) -> Result<JsValue, JsValue> {
    let done = Ok(JsValue::UNDEFINED);
    let mut before = None;
    for number in 0..MAX_PAGES {
        let Ok(pattern) = Pattern::parse(&device.topic()) else { return done };
        let read = request(&endpoint, |link| link.history(pattern, before.take(), PAGE)).await;
        // If the peer refuses, what is known stays known.
        let Some(Answer::Page(Ok(older))) = read else { return done };
        let page = Array::new();
        for (_, _, body) in &older.events {
            let data = std::str::from_utf8(&body.data).unwrap_or_default();
            let time = body.time.map(|time| time as f64);
            page.push(&Array::of2(&data.into(), &time.into()));
        }
        let is_wanting = device.learn(&page, number == 0);
        before = older.next;
        if before.is_none() || !is_wanting {
            break;
        }
    }
    done
}
