//! The keyring: the public keys of other devices with their certificates, and the keys of the issuers.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use bus::Pattern;
use js_sys::{Array, JSON, Promise, Reflect};
use session::{Body, Millis, Position};
use topic::Topic;
use trust::{Certificate, Evidence, LEEWAY, Record, Thumbprint, Untrusted, Unverified};
use wasm_bindgen::{JsCast, JsValue};

use super::Endpoint;
use crate::js::{monotonic, promise, sleep};
use crate::subtle;
use crate::trust::{Trust, Verified};

/// Every peer may name keys, so that their number is bounded. Beyond it the oldest is forgotten.
const MOST_KEYS: usize = 1_024;
/// The maximum number of events of a key's topic that are read at once.
const PAGE: u32 = 100;
/// The maximum number of pages that are read, newest first, while no certificate covers an event.
const MOST_PAGES: usize = 10;
/// The maximum number of certificates of a key that are remembered.
const MOST_CERTIFICATES: usize = 200;
/// How long a key is not looked up again, in milliseconds. A revocation takes effect within this time.
const FRESH: Millis = 60_000;
/// The pauses before a key is looked up again: the certificate of an event may come right after it.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// How old an event may be when its certificate comes, in milliseconds: a certificate covers events before it, and both
/// take a while to arrive.
const RECENT: f64 = (LEEWAY * 1_000 + 60_000) as f64;

/// The keys of devices and issuers.
pub(super) struct Keyring {
    issuers: Vec<Issuer>,
    devices: RefCell<Vec<Rc<DeviceKey>>>,
}

/// An issuer that the application trusts.
struct Issuer {
    name: String,
    jwks: String,
    keys: OnceCell<Vec<IssuerKey>>,
}

struct IssuerKey {
    id: Option<String>,
    key: JsValue,
}

/// The public key of a device, as far as the peer's log tells.
pub(super) struct DeviceKey {
    thumbprint: Thumbprint,
    /// The newest first.
    certificates: RefCell<Vec<Rc<Candidate>>>,
    /// From when on it is revoked, in milliseconds since 1970.
    revoked: Cell<Option<u64>>,
    /// When the newest answer of the peer was asked for.
    asked_at: Cell<Option<Millis>>,
    /// The look-up under way.
    asking: RefCell<Option<Promise>>,
    /// The events for which it reads older pages: when they arrived, and their times in seconds since 1970.
    wanted: RefCell<Vec<(Millis, u64)>>,
    /// The key in the form of WebCrypto, once an event was to be verified.
    key: OnceCell<JsValue>,
}

/// A certificate in the log of the peer.
struct Candidate {
    unverified: Unverified,
    /// Whether its issuer is trusted and has signed it, once that is known.
    is_issued: Cell<Option<bool>>,
    /// Whether the application knows that it is in use.
    is_reported: Cell<bool>,
}

/// What is needed of an event to verify it.
pub(super) struct Signed {
    thumbprint: Thumbprint,
    signature: subtle::Signature,
    message: Vec<u8>,
    source: String,
    time: Option<u64>,
    account: Option<String>,
    arrived: Millis,
}

impl Signed {
    /// Whether its certificate may still be on the way, by the clock of the device.
    fn is_recent(&self) -> bool {
        self.time.is_some_and(|time| (js_sys::Date::now() - time as f64).abs() < RECENT)
    }

    /// When it was published, in seconds since 1970.
    fn seconds(&self) -> u64 {
        self.time.unwrap_or_default() / 1_000
    }

    /// What is to be verified of this event.
    ///
    /// # Errors
    /// If it cannot be verified.
    pub(super) fn of(topic: &Topic, body: &Body) -> Result<Self, Untrusted> {
        let Some(signature) = body.signature else { return Err(Untrusted::NotSigned) };
        Ok(Self {
            thumbprint: Thumbprint::from_source(&body.source).ok_or(Untrusted::BadSignature)?,
            signature,
            message: trust::signed_bytes(topic.as_str(), &body.source, body),
            source: body.source.clone(),
            time: body.time,
            account: body.authid.clone(),
            arrived: monotonic(),
        })
    }
}

impl Keyring {
    pub(super) fn new(trust: Trust) -> Self {
        let issuers = trust.issuers.into_iter();
        let issuers = issuers.map(|(name, jwks)| Issuer { name, jwks, keys: OnceCell::new() });
        Self { issuers: issuers.collect(), devices: RefCell::default() }
    }

    /// Whether the application trusts an issuer, so that signatures are verified.
    pub(super) fn is_in_use(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// Whether the issuer of a certificate is trusted, and has signed it.
    pub(super) async fn is_issued(&self, certificate: &Unverified) -> bool {
        // All keys are of this algorithm, and the header must agree.
        if certificate.algorithm != "ES256" {
            return false;
        }
        let named = |issuer: &&Issuer| issuer.name == certificate.certificate.issuer;
        let Some(issuer) = self.issuers.iter().find(named) else { return false };
        for IssuerKey { id, key } in issuer.keys().await {
            let is_named = match (&certificate.kid, id) {
                (Some(wanted), Some(id)) => wanted == id,
                _ => true,
            };
            let Unverified { signature, signed, .. } = certificate;
            if is_named && subtle::verify(key, signature, signed).await {
                return true;
            }
        }
        false
    }

    fn device(&self, thumbprint: Thumbprint) -> Rc<DeviceKey> {
        let mut devices = self.devices.borrow_mut();
        if let Some(known) = devices.iter().find(|device| device.thumbprint == thumbprint) {
            return known.clone();
        }
        if devices.len() >= MOST_KEYS {
            devices.remove(0);
        }
        let device = Rc::new(DeviceKey {
            thumbprint,
            certificates: RefCell::default(),
            revoked: Cell::new(None),
            asked_at: Cell::new(None),
            asking: RefCell::default(),
            wanted: RefCell::default(),
            key: OnceCell::new(),
        });
        devices.push(device.clone());
        device
    }
}

impl Issuer {
    /// Its keys, which are imported at their first use. Those of another kind are left out.
    async fn keys(&self) -> &[IssuerKey] {
        if self.keys.get().is_none() {
            let set = JSON::parse(&self.jwks).unwrap_or_default();
            let get = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).unwrap_or_default();
            let set = get(&set, "keys").dyn_into::<Array>().unwrap_or_default();
            let mut keys = Vec::new();
            for jwk in set.iter() {
                if let Ok(key) = subtle::import_jwk(&jwk).await {
                    keys.push(IssuerKey { id: get(&jwk, "kid").as_string(), key });
                }
            }
            // Another task may have been faster.
            let _ = self.keys.set(keys);
        }
        self.keys.get().map_or(&[], Vec::as_slice)
    }
}

impl DeviceKey {
    /// Whether the peer's newest answer is recent enough to judge an event.
    fn is_fresh_for(&self, event: &Signed) -> bool {
        self.asked_at.get().is_some_and(|asked| {
            asked >= event.arrived || (asked + FRESH > event.arrived && self.covers(event))
        })
    }

    fn covers(&self, event: &Signed) -> bool {
        self.covers_time(event.seconds())
    }

    fn covers_time(&self, time: u64) -> bool {
        self.certificates.borrow().iter().any(|one| one.covers(time))
    }

    /// Whether an event is wanted that no certificate covers. Forgets the others.
    fn is_wanting(&self) -> bool {
        let mut wanted = self.wanted.borrow_mut();
        wanted.retain(|(_, time)| !self.covers_time(*time));
        !wanted.is_empty()
    }

    /// Whether the key of this certificate, which is this one, has signed an event.
    async fn has_signed(&self, event: &Signed, certificate: &Certificate) -> bool {
        if self.key.get().is_none()
            && let Ok(key) = subtle::import_point(&certificate.key).await
        {
            // Another task may have been faster.
            let _ = self.key.set(key);
        }
        match self.key.get() {
            Some(key) => subtle::verify(key, &event.signature, &event.message).await,
            None => false,
        }
    }

    /// Reads a page of the key's topic, newest first. Of an older page only the certificates that are wanted count.
    fn learn(&self, events: &[(Position, Topic, Body)], is_newest: bool) {
        let (mut found, wanted) = (Vec::new(), self.wanted.borrow());
        let known = self.certificates.take();
        for (_, _, body) in events {
            match Record::parse(&body.data) {
                Some(Record::Certificate(jwt)) => {
                    let read = Candidate::read(&jwt, self.thumbprint, &known);
                    let counts = |one: &Rc<Candidate>| {
                        is_newest || wanted.iter().any(|(_, time)| one.covers(*time))
                    };
                    found.extend(read.filter(counts));
                }
                // Only the peer may write this.
                Some(Record::Revoked { since, .. }) => {
                    let since = since.map(|since| since * 1_000).or(body.time).unwrap_or_default();
                    let earlier = self.revoked.get();
                    self.revoked.set(Some(earlier.map_or(since, |earlier| earlier.min(since))));
                }
                None => {}
            }
        }
        // What was found before stays known: an event that it covers may wait.
        let is_new = |one: &Rc<Candidate>| !found.iter().any(|other| Rc::ptr_eq(one, other));
        let known: Vec<_> = known.into_iter().filter(is_new).collect();
        found.extend(known);
        found.truncate(MOST_CERTIFICATES);
        self.certificates.replace(found);
    }
}

impl Candidate {
    /// Reads a certificate of a key. What is known of it already is taken over.
    fn read(jwt: &str, key: Thumbprint, known: &[Rc<Self>]) -> Option<Rc<Self>> {
        let unverified = trust::parse_certificate(jwt).ok()?;
        if let Some(same) = known.iter().find(|one| one.unverified == unverified) {
            return Some(same.clone());
        }
        let is_of_key = unverified.certificate.thumbprint() == key;
        let (is_issued, is_reported) = (Cell::new(None), Cell::new(false));
        is_of_key.then(|| Rc::new(Self { unverified, is_issued, is_reported }))
    }

    /// Whether it is valid at a time, in seconds since 1970.
    fn covers(&self, time: u64) -> bool {
        let Certificate { issued_at, expires_at, .. } = self.unverified.certificate;
        (issued_at.saturating_sub(LEEWAY)..=expires_at.saturating_add(LEEWAY)).contains(&time)
    }
}

impl Endpoint {
    /// Verifies an event.
    ///
    /// # Errors
    /// The reason why it is withheld.
    pub(super) async fn verify(this: &Weak<Self>, event: &Signed) -> Result<Verified, Untrusted> {
        const CLOSED: Untrusted = Untrusted::UnknownCertificate;
        let (mut device, mut asking) = this.upgrade().ok_or(CLOSED)?.prepare(event);
        // The link may be down for long. Meanwhile the bridge may be dropped.
        while let Some(answer) = asking {
            let _ = subtle::wait(Ok(answer)).await;
            // The answer may be older than the event.
            (device, asking) = this.upgrade().ok_or(CLOSED)?.prepare(event);
        }
        // A device whose events have waited for a certificate sends it right after them.
        for pause in PAUSES {
            if device.covers(event) || !event.is_recent() {
                break;
            }
            sleep(pause).await;
            let asking = this.upgrade().ok_or(CLOSED)?.look_up(&device);
            let _ = subtle::wait(Ok(asking)).await;
        }
        let endpoint = this.upgrade().ok_or(CLOSED)?;
        let candidates = device.certificates.borrow().clone();
        // If none is valid at that time, any of them tells this apart from a key without certificates.
        let valid = candidates.iter().filter(|one| one.covers(event.seconds()));
        let valid: Vec<_> = valid.chain(candidates.first()).collect();
        let mut issued = Vec::new();
        for candidate in &valid {
            if candidate.is_issued.get().is_none() {
                let is_issued = endpoint.keyring.is_issued(&candidate.unverified).await;
                candidate.is_issued.set(Some(is_issued));
            }
            if candidate.is_issued.get() == Some(true) {
                issued.push(candidate.unverified.certificate.clone());
            }
        }
        let signature = match issued.first() {
            Some(certificate) => device.has_signed(event, certificate).await,
            None => false,
        };
        let judged = trust::check(&Evidence {
            source: &event.source,
            time: event.time,
            authid: event.account.as_deref(),
            signature: Some(signature),
            certificates: &issued,
            revoked: device.revoked.get(),
        })?;
        let trust::Trust::Verified(certificate) = judged else { return Err(CLOSED) };
        let used = valid.iter().find(|one| one.unverified.certificate == *certificate);
        if used.is_some_and(|used| !used.is_reported.replace(true)) {
            endpoint.tell_certificate(certificate);
        }
        Ok(Verified {
            subject: certificate.subject.clone(),
            name: certificate.name.clone(),
            key: event.thumbprint.to_string(),
        })
    }

    /// The key of an event, and the look-up to wait for if it is not known well enough.
    pub(super) fn prepare(&self, event: &Signed) -> (Rc<DeviceKey>, Option<Promise>) {
        let device = self.keyring.device(event.thumbprint);
        let asking = (!device.is_fresh_for(event)).then(|| {
            device.wanted.borrow_mut().push((event.arrived, event.seconds()));
            self.look_up(&device)
        });
        (device, asking)
    }

    /// Asks the peer for the newest certificates of a key, and for older ones while no certificate covers an event that is
    /// wanted. Events that wait for the same key share the answer.
    fn look_up(&self, device: &Rc<DeviceKey>) -> Promise {
        let mut asking = device.asking.borrow_mut();
        if let Some(asking) = &*asking {
            return asking.clone();
        }
        let (this, asked) = (self.this.clone(), device.clone());
        let promise = promise(async move {
            let asked_at = monotonic();
            if let Ok(pattern) = Pattern::parse(&asked.thumbprint.topic()) {
                let mut before = None;
                for number in 0..MOST_PAGES {
                    let is_newest = number == 0;
                    let page = Self::read_page(&this, pattern.clone(), before.take(), PAGE).await;
                    // If the peer refuses, what is known stays known.
                    let Ok(older) = page else { break };
                    asked.learn(&older.events, is_newest);
                    before = older.next;
                    if before.is_none() || !asked.is_wanting() {
                        break;
                    }
                }
                asked.asked_at.set(Some(asked_at));
            }
            // Those that have arrived since then ask again.
            asked.wanted.borrow_mut().retain(|(arrived, _)| *arrived > asked_at);
            asked.asking.take();
            Ok(JsValue::UNDEFINED)
        });
        asking.insert(promise).clone()
    }
}
