//! The device: the key that proves the identity of a link's client and signs its events, and the certificate of the
//! key. Both are in the outbox's database, so that all tabs and all later pages have them.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Promise, Uint8Array};
use trust::{Certificate, LEEWAY, Thumbprint};
use wasm_bindgen::prelude::*;
use web_sys::IdbRequest;

use super::outbox::Connection;
use crate::subtle::{KeyPair, Point, Signature, wait};

/// The key and the certificate of a link's client. Functions that take the name of a database use memory without one:
/// then the key ends with the page.
#[derive(Default)]
pub(crate) struct Device {
    key: OnceCell<Rc<DeviceKey>>,
    /// The newest one that the peer has stored.
    certificate: RefCell<Option<Certificate>>,
    /// Those that wait in the outbox. The peer may refuse them, so that they sign only what waits for a certificate.
    offered: RefCell<Vec<Certificate>>,
    /// Events wait for a certificate.
    is_awaited: Cell<bool>,
}

/// A key that no script can read.
pub(crate) struct DeviceKey {
    pair: KeyPair,
    pub(crate) thumbprint: Thumbprint,
}

/// The key of the record in the object store. Rows have numbers.
const RECORD: &str = "device";

impl DeviceKey {
    fn new(pair: KeyPair) -> Self {
        Self { thumbprint: Thumbprint::of(&pair.public), pair }
    }

    pub(crate) fn public(&self) -> &Point {
        &self.pair.public
    }

    pub(crate) async fn sign(&self, message: &[u8]) -> Option<Signature> {
        self.pair.sign(message).await.ok()
    }
}

impl Device {
    /// The key. Generates one if the database has none. `None` if the browser has no cryptography.
    pub(super) async fn key(&self, database: Option<&str>) -> Option<Rc<DeviceKey>> {
        if self.key.get().is_none() {
            let pair = match self.load(database).await {
                Some(pair) => pair,
                None => {
                    let pair = KeyPair::generate().await.ok()?;
                    // Not every browser keeps such a key, in a private window for example.
                    self.keep(database, &pair).await.unwrap_or(pair)
                }
            };
            // Another task may have been faster.
            let _ = self.key.set(Rc::new(DeviceKey::new(pair)));
        }
        self.key.get().cloned()
    }

    /// Whether the peer has stored a certificate that covers this time, in seconds.
    pub(super) fn is_certified_at(&self, time: u64) -> bool {
        self.certificate.borrow().iter().any(|certificate| covers(certificate, time))
    }

    /// Whether an event of this time, in seconds, may be signed: its certificate is stored, or follows it.
    pub(super) fn may_sign(&self, time: u64) -> bool {
        self.is_certified_at(time)
            || self.offered.borrow().iter().any(|certificate| covers(certificate, time))
    }

    /// Whether an event of this time, in seconds, is too old for any certificate that is issued from now on.
    pub(super) fn is_too_late_for(&self, time: u64) -> bool {
        let (stored, offered) = (self.certificate.borrow(), self.offered.borrow());
        let mut known = stored.iter().chain(&*offered);
        !self.may_sign(time) && known.any(|it| time < it.issued_at.saturating_sub(LEEWAY))
    }

    /// An event could not be signed because no certificate covers it.
    pub(super) fn await_certificate(&self) {
        self.is_awaited.set(true);
    }

    /// Reads the certificate again: another tab may have sent one.
    pub(super) async fn reload(&self, database: Option<&str>) {
        let _same_key = self.load(database).await;
    }

    /// A certificate is in the outbox. Returns whether events wait for one.
    pub(super) fn offer(&self, certificate: Certificate) -> bool {
        let mut offered = self.offered.borrow_mut();
        if !offered.contains(&certificate) {
            offered.push(certificate);
        }
        self.is_awaited.replace(false)
    }

    /// A certificate has left the outbox.
    pub(super) fn withdraw(&self, certificate: &Certificate) {
        self.offered.borrow_mut().retain(|offered| offered != certificate);
    }

    /// Signs events under this certificate from now on: the peer has stored it.
    pub(super) async fn certify(
        &self,
        database: Option<&str>,
        jwt: &str,
        certificate: Certificate,
    ) {
        self.withdraw(&certificate);
        self.certificate.replace(Some(certificate));
        self.is_awaited.set(false);
        let Some(store) = open(database).await else { return };
        if let Some(record) = store.read().await {
            record.set(CERTIFICATE, jwt.into());
            let _is_written = store.write(Writing::Put, &record).await;
        }
    }

    async fn load(&self, database: Option<&str>) -> Option<KeyPair> {
        let record = open(database).await?.read().await?;
        if let Some(jwt) = record.get(CERTIFICATE).as_string()
            && let Ok(stored) = trust::parse_certificate(&jwt)
        {
            self.certificate.replace(Some(stored.certificate));
        }
        let private = record.get(PRIVATE);
        let public = record.get(PUBLIC).dyn_into::<Uint8Array>().ok()?.to_vec().try_into().ok()?;
        private.is_object().then_some(KeyPair { private, public })
    }

    /// Writes the key, unless another tab has written one meanwhile. Returns the key in the database.
    async fn keep(&self, database: Option<&str>, pair: &KeyPair) -> Option<KeyPair> {
        let record = Array::of2(&pair.private, &Uint8Array::from(&pair.public[..]));
        let _is_first = open(database).await?.write(Writing::Add, &record).await;
        self.load(database).await
    }
}

/// Whether a certificate is valid at a time, in seconds.
fn covers(certificate: &Certificate, time: u64) -> bool {
    let Certificate { issued_at, expires_at, .. } = certificate;
    (issued_at.saturating_sub(LEEWAY)..=expires_at.saturating_add(LEEWAY)).contains(&time)
}

/// The members of the record.
const PRIVATE: u32 = 0;
const PUBLIC: u32 = 1;
const CERTIFICATE: u32 = 2;

/// The outbox's database, opened for one operation: an open one would keep other pages from deleting it.
struct Database(Connection);

/// Whether a record that exists is overwritten.
#[derive(PartialEq, Eq)]
enum Writing {
    Add,
    Put,
}

async fn open(name: Option<&str>) -> Option<Database> {
    let (request, _listener) = Connection::request(name?, None)?;
    Some(Database(result_of(&request).await?.unchecked_into()))
}

impl Database {
    async fn read(&self) -> Option<Array> {
        let (_, store) = self.0.begin().ok()?;
        let request: IdbRequest = store.get(JsValue::from(RECORD)).ok()?.into();
        result_of(&request).await?.dyn_into().ok()
    }

    async fn write(&self, how: Writing, record: &Array) -> Option<JsValue> {
        let ((_, store), key) = (self.0.begin().ok()?, RECORD.into());
        let request: IdbRequest = match how {
            Writing::Add => store.add(record, Some(&key)).ok()?.into(),
            Writing::Put => store.put(record, Some(&key)).ok()?.into(),
        };
        result_of(&request).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.0.close();
    }
}

async fn result_of(request: &IdbRequest) -> Option<JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    wait(Ok(promise)).await.ok()?;
    request.result().ok()
}
