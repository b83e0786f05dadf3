//! Signing: what the machine asks of this device's key, and the certificate of that key.

use js_sys::{Array, Promise, Uint8Array};
use session::Body;
use session::client::ProofRequest;
use session::tabs::Lane;
use topic::Topic;
use wasm_bindgen::prelude::*;

use super::Link;
use crate::js::{monotonic, spawn};
use crate::keys::{Key, Keyring, copied, host_of, result_of};

/// The topics of certificates begin with this.
const CERTIFICATES: &str = "certs.";

/// What a link does with the result of a promise. Boxed, so that the future that waits for it is compiled once.
type Next = Box<dyn FnOnce(&Link, JsValue)>;

impl Link {
    /// The key of this device: a [`Key`], or undefined if its database does not answer. `None` without keys.
    pub(crate) fn key_soon(&self) -> Option<Promise> {
        self.options.has_key.then(|| self.device.key(self.store.database(), true))
    }

    /// The same as soon as the database answers. Undefined without keys.
    fn device_key(&self) -> Promise {
        match self.options.has_key {
            true => self.device.key(self.store.database(), false),
            false => Promise::resolve(&JsValue::UNDEFINED),
        }
    }

    /// Checks a certificate that is to be sent.
    pub(crate) fn examine(&self, jwt: &str, keyring: Option<&Keyring>) -> Promise {
        self.device.examine(self.store.database(), jwt, keyring)
    }

    /// Loads the key, by whose source this page knows its own events.
    pub(super) fn load_key(&self) {
        self.when(self.device_key(), |link, key| drop(link.know(key)));
    }

    /// Tells the machine the source of the events that the key signs, and returns it. `None` without a key.
    fn know(&self, key: JsValue) -> Option<String> {
        if key.is_undefined() {
            return None;
        }
        let source = ["/keys/", &key.unchecked_into::<Key>().thumbprint()].concat();
        self.tab.borrow_mut().signs_as(&source);
        Some(source)
    }

    /// Goes on with the result of a promise, unless the link is dropped meanwhile.
    fn when(&self, promise: Promise, next: impl FnOnce(&Self, JsValue) + 'static) {
        let link = self.this.clone();
        let next: Next = Box::new(next);
        spawn(async move {
            let result = result_of(promise).await;
            if let Some(link) = link.upgrade() {
                next(&link, result);
                link.drive();
            }
        });
    }

    /// Whether events that are published now are signed.
    pub(crate) fn is_certified(&self) -> bool {
        self.options.has_key && self.device.is_certified(js_sys::Date::now() / 1_000.0)
    }

    /// A durable event that may carry a certificate is in the outbox, or `is_stored` by the peer.
    ///
    /// Once one is stored, all events are signed. In the outbox it may be behind events that wait for a certificate: they
    /// are signed under it, and leave right before it.
    pub(crate) fn noticed(&self, topic: &Topic, data: &[u8], is_stored: bool) {
        if let Some((key, data)) = self.certificate_in(topic, data) {
            self.when(self.notice(key, data, is_stored), Self::sign_again_if);
        }
    }

    /// Passes such data to the device. Resolves to whether events are to be signed again.
    pub(crate) fn notice(&self, key: &str, data: &str, is_stored: bool) -> Promise {
        self.device.notice(self.store.database(), key, data, is_stored)
    }

    /// The peer does not take a durable event that may carry a certificate.
    pub(crate) fn refused(&self, topic: &Topic, data: &[u8]) {
        if let Some((_, data)) = self.certificate_in(topic, data) {
            self.device.refuse(data);
        }
    }

    /// The key and the data of an event that may carry a certificate, of whichever device.
    fn certificate_in<'e>(&self, topic: &'e Topic, data: &'e [u8]) -> Option<(&'e str, &'e str)> {
        let key = topic.as_str().strip_prefix(CERTIFICATES).filter(|_| self.options.has_key)?;
        Some((key, std::str::from_utf8(data).ok()?))
    }

    /// Signs the events that wait for a certificate, if there is one.
    pub(crate) fn sign_again_if(&self, is_certified: JsValue) {
        if is_certified.is_truthy() {
            self.tab.borrow_mut().sign_again(monotonic());
            self.drive();
        }
    }

    /// Signs what proves to the peer that this client has the key.
    pub(super) fn prove(&self, lane: Lane, request: ProofRequest) {
        let ProofRequest { client, fence, token } = request;
        let host = host_of(&self.options.url);
        let bytes = copied(&trust::proof_bytes(&host, &client, fence, token.as_deref()));
        let proving = self.device.prove(self.store.database(), bytes);
        self.when(proving, move |link, made| {
            if made.is_null() {
                link.prove_later(lane, fence);
            }
            let made: Array = made.dyn_into().unwrap_or_default();
            if let Some(client) = link.tab.borrow_mut().client_on(lane, monotonic()) {
                match (bytes_of(&made.get(0)), bytes_of(&made.get(1))) {
                    (Some(key), Some(proof)) => client.proved(fence, key, proof),
                    _ => client.cannot_prove(fence),
                }
            }
        });
    }

    /// The database does not answer. Once it does, connects again with the key.
    fn prove_later(&self, lane: Lane, fence: u64) {
        self.when(self.device_key(), move |link, key| {
            let mut tab = link.tab.borrow_mut();
            if !key.is_undefined()
                && let Some(client) = tab.client_on(lane, monotonic())
            {
                client.prove_again(fence, monotonic());
            }
        });
    }

    /// Signs an event of the outbox, or leaves it there until there is a certificate.
    pub(super) fn sign(&self, lane: Lane, id: String, topic: Topic, body: Body) {
        self.when(self.device_key(), move |link, key| {
            let signing = match link.know(key) {
                Some(source) => {
                    let bytes = copied(&trust::signed_bytes(topic.as_str(), &source, &body));
                    let seconds = body.time.unwrap_or_default() / 1_000;
                    link.device.sign(link.store.database(), bytes, seconds as f64)
                }
                None => Promise::resolve(&JsValue::UNDEFINED),
            };
            link.when(signing, move |link, signature| {
                if let Some(client) = link.tab.borrow_mut().client_on(lane, monotonic()) {
                    match bytes_of(&signature) {
                        Some(signature) => client.signed(&id, signature, monotonic()),
                        None if signature.is_undefined() => client.cannot_sign(&id),
                        None => client.never_signs(&id, monotonic()),
                    }
                }
            });
        });
    }
}

fn bytes_of<const N: usize>(value: &JsValue) -> Option<[u8; N]> {
    value.dyn_ref::<Uint8Array>()?.to_vec().try_into().ok()
}
