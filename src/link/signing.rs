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

/// What a link does with what its device has returned. One type for all, so that the module contains the future that
/// waits for it once.
enum Next {
    /// The key is loaded.
    Know,
    /// A certificate was noticed.
    SignAgain,
    /// The proof for the connection with this fencing token is made.
    Proved(Lane, u64),
    /// The key, which the connection with this fencing token lacked, is there.
    ProveAgain(Lane, u64),
    /// The event with this id is signed.
    Signed(Lane, String),
}

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
        if self.device.is_some() {
            self.when(self.key(), Next::Know);
        }
    }

    fn key(&self) -> Option<Promise> {
        Some(self.device.as_ref()?.key(self.store.database()))
    }

    /// Goes on with the result of a promise, unless the link is dropped meanwhile. Without a promise it is undefined.
    fn when(&self, promise: Option<Promise>, next: Next) {
        let link = self.this.clone();
        let promise = promise.unwrap_or_else(|| Promise::resolve(&JsValue::UNDEFINED));
        spawn(async move {
            let result = result_of(promise).await;
            if let Some(link) = link.upgrade() {
                link.go_on(next, result);
                link.drive();
            }
        });
    }

    fn go_on(&self, next: Next, result: JsValue) {
        let (lane, now) = match &next {
            Next::Know => return self.know(result),
            Next::SignAgain => {
                if result.is_truthy() {
                    self.tab.borrow_mut().sign_again(monotonic());
                }
                return;
            }
            Next::Proved(lane, _) | Next::ProveAgain(lane, _) | Next::Signed(lane, _) => {
                (*lane, monotonic())
            }
        };
        if let Next::Proved(lane, fence) = next
            && result.is_null()
        {
            // The database does not answer. Once it does, connects again with the key.
            self.when(self.key(), Next::ProveAgain(lane, fence));
        }
        let has_key = !result.is_undefined();
        let made: Array = result.dyn_into().unwrap_or_default();
        let (first, second) = (made.get(0), made.get(1));
        if let Next::Signed(..) = next {
            self.know(first.clone());
        }
        let mut tab = self.tab.borrow_mut();
        let Some(client) = tab.client_on(lane, now) else { return };
        match next {
            Next::Proved(_, fence) => match (bytes_of(&first), bytes_of(&second)) {
                (Some(key), Some(proof)) => client.proved(fence, key, proof),
                _ => client.cannot_prove(fence),
            },
            Next::ProveAgain(_, fence) if has_key => client.prove_again(fence, now),
            Next::Signed(_, id) => match bytes_of(&second) {
                Some(signature) => client.signed(&id, signature, now),
                None if second.is_undefined() => client.cannot_sign(&id),
                None => client.never_signs(&id, now),
            },
            _ => {}
        }
    }

    /// Tells the machine the source of the events that the key signs, if there is one.
    fn know(&self, key: JsValue) {
        if !key.is_undefined() {
            let source = ["/keys/", &key.unchecked_into::<Key>().thumbprint()].concat();
            self.tab.borrow_mut().signs_as(&source);
        }
    }

    /// Whether events that are published now are signed.
    pub(crate) fn is_certified(&self) -> bool {
        let now = js_sys::Date::now() / 1_000.0;
        self.device.as_ref().is_some_and(|device| device.is_certified(now))
    }

    /// Whether an event of this topic may carry a certificate that concerns the key.
    pub(crate) fn may_certify(&self, topic: &Topic) -> bool {
        self.device.is_some() && topic.as_str().starts_with(CERTIFICATES)
    }

    /// A durable event that may carry a certificate is in the outbox, or is stored by the peer, or, for `None`, the
    /// peer does not take it.
    ///
    /// Once one is stored, all events are signed. In the outbox it may be behind events that wait for a certificate:
    /// they are signed under it, and leave right before it.
    pub(crate) fn noticed(&self, topic: &Topic, data: &[u8], is_stored: Option<bool>) {
        if let Some(key) = topic.as_str().strip_prefix(CERTIFICATES)
            && let Ok(data) = std::str::from_utf8(data)
            && let Some(device) = &self.device
        {
            let noticing = device.notice(self.store.database(), key, data, is_stored);
            self.when(Some(noticing), Next::SignAgain);
        }
    }

    /// Signs what proves to the peer that this client has the key.
    pub(super) fn prove(&self, lane: Lane, request: ProofRequest) {
        let ProofRequest { client, fence, token } = request;
        let begin = copied(&[&client[..], &fence.to_be_bytes()].concat());
        let proving = self.device.as_ref().map(|device| {
            device.prove(self.store.database(), &self.options.url, begin, token.as_deref())
        });
        self.when(proving, Next::Proved(lane, fence));
    }

    /// Signs an event of the outbox, or leaves it there until there is a certificate.
    pub(super) fn sign(&self, lane: Lane, id: String, topic: Topic, body: Body) {
        let signing = self.device.as_ref().map(|device| {
            // The key gives it its source.
            device.sign(self.store.database(), signed(topic.as_str(), "", &body))
        });
        self.when(signing, Next::Signed(lane, id));
    }
}

fn bytes_of<const N: usize>(value: &JsValue) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    copy(value, &mut bytes).then_some(bytes)
}

/// Copies bytes, if there are exactly as many.
fn copy(from: &JsValue, to: &mut [u8]) -> bool {
    let from = from.dyn_ref::<Uint8Array>().filter(|from| from.length() as usize == to.len());
    from.map(|from| from.copy_to(to)).is_some()
}
