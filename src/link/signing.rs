//! Signing: what the machine asks of this device's key, and the certificate of that key.

use js_sys::{Array, Function, Promise, Uint8Array};
use session::Body;
use session::client::ProofRequest;
use session::tabs::Lane;
use topic::Topic;
use wasm_bindgen::prelude::*;

use super::Link;
use crate::js::{monotonic, spawn};
use crate::keys::{Key, Keyring, copied, result_of, signed};

/// The topics of certificates begin with this.
const CERTIFICATES: &str = "certs.";

/// What a link does with the result of a promise. Boxed, so that the future that waits for it is compiled once.
type Next = Box<dyn FnOnce(&Link, JsValue)>;

impl Link {
    /// Fetches a certificate of the key by one function, and sends it by the other. `None` if there is no key.
    pub(crate) fn certify(
        &self,
        keyring: Option<&Keyring>,
        fetch: &Function,
        publish: &Function,
    ) -> Option<Promise> {
        let device = self.device.as_ref()?;
        Some(device.certify(self.store.database(), keyring, fetch, publish))
    }

    /// Loads the key, by whose source this page knows its own events.
    pub(super) fn load_key(&self) {
        if let Some(device) = &self.device {
            let loading = device.key(self.store.database());
            self.when(loading, Self::know);
        }
    }

    /// Tells the machine the source of the events that the key signs, if there is one.
    fn know(&self, key: JsValue) {
        if !key.is_undefined() {
            let source = ["/keys/", &key.unchecked_into::<Key>().thumbprint()].concat();
            self.tab.borrow_mut().signs_as(&source);
        }
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
        let now = js_sys::Date::now() / 1_000.0;
        self.device.as_ref().is_some_and(|device| device.is_certified(now))
    }

    /// A durable event that may carry a certificate is in the outbox, or `is_stored` by the peer.
    ///
    /// Once one is stored, all events are signed. In the outbox it may be behind events that wait for a certificate:
    /// they are signed under it, and leave right before it.
    pub(crate) fn noticed(&self, topic: &Topic, data: &[u8], is_stored: bool) {
        if let Some((key, data)) = certificate_in(topic, data)
            && let Some(device) = &self.device
        {
            let noticing = device.notice(self.store.database(), key, data, is_stored);
            self.when(noticing, Self::sign_again_if);
        }
    }

    /// The peer does not take a durable event that may carry a certificate.
    pub(crate) fn refused(&self, topic: &Topic, data: &[u8]) {
        if let Some((_, data)) = certificate_in(topic, data)
            && let Some(device) = &self.device
        {
            device.refuse(data);
        }
    }

    /// Signs the events that wait for a certificate, if there is one.
    fn sign_again_if(&self, is_certified: JsValue) {
        if is_certified.is_truthy() {
            self.tab.borrow_mut().sign_again(monotonic());
            self.drive();
        }
    }

    /// Signs what proves to the peer that this client has the key.
    pub(super) fn prove(&self, lane: Lane, request: ProofRequest) {
        let ProofRequest { client, fence, token } = request;
        let begin = copied(&[&client[..], &fence.to_be_bytes()].concat());
        let proving = self.device.as_ref().map_or_else(nothing, |device| {
            device.prove(self.store.database(), &self.options.url, begin, token.as_deref())
        });
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
        let loading =
            self.device.as_ref().map_or_else(nothing, |device| device.key(self.store.database()));
        self.when(loading, move |link, key| {
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
        let signing = self.device.as_ref().map_or_else(nothing, |device| {
            let seconds = body.time.unwrap_or_default() / 1_000;
            // The key gives it its source.
            let signed = signed(topic.as_str(), "", &body);
            device.sign(self.store.database(), signed, seconds as f64)
        });
        self.when(signing, move |link, made| {
            let made: Array = made.dyn_into().unwrap_or_default();
            link.know(made.get(0));
            let signature = made.get(1);
            if let Some(client) = link.tab.borrow_mut().client_on(lane, monotonic()) {
                match bytes_of(&signature) {
                    Some(signature) => client.signed(&id, signature, monotonic()),
                    None if signature.is_undefined() => client.cannot_sign(&id),
                    None => client.never_signs(&id, monotonic()),
                }
            }
        });
    }
}

/// The key and the data of an event that may carry a certificate, of whichever device.
fn certificate_in<'e>(topic: &'e Topic, data: &'e [u8]) -> Option<(&'e str, &'e str)> {
    let key = topic.as_str().strip_prefix(CERTIFICATES)?;
    Some((key, std::str::from_utf8(data).ok()?))
}

/// What there is without a key.
fn nothing() -> Promise {
    Promise::resolve(&JsValue::UNDEFINED)
}

fn bytes_of<const N: usize>(value: &JsValue) -> Option<[u8; N]> {
    value.dyn_ref::<Uint8Array>()?.to_vec().try_into().ok()
}
