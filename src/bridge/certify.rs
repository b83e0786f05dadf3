//! Sends the certificate of this device. JavaScript fetches it and checks it; here it is published.

use std::cell::RefCell;
use std::future::ready;
use std::pin::Pin;
use std::rc::{Rc, Weak};

use bus::Topic;
use js_sys::{Array, Function, Promise};
use session::RejectCode;
use session::client::PublishOptions;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{Bridge, Endpoint};
use crate::keys::{Certified, call};
use crate::trust::{CertifyError, SentCertificate};
use crate::{Bytes, Delivery, Event, JSON, Payload, Receipt, Rejection, Stage, Status};

/// The receipt of a certificate, once it is published.
type Sent = Rc<RefCell<Option<Receipt>>>;

#[wasm_bindgen]
extern "C" {
    /// Why JavaScript sends no certificate.
    type Failure;

    #[wasm_bindgen(method, getter)]
    fn code(this: &Failure) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    fn cause(this: &Failure) -> JsValue;
}

impl Bridge {
    /// Fetches a certificate of this device's key with [`BridgeOptions::certify`](crate::BridgeOptions::certify), and
    /// sends it to the peer. From then on the durable events of this bridge are signed, also those of the other tabs
    /// that share it. Events of a [signed](crate::Rule::signed) rule that wait for a certificate are sent.
    ///
    /// A certificate lasts a day at most: call this again before it ends. It waits while the link is down.
    ///
    /// # Errors
    /// A [`CertifyError`].
    pub fn send_certificate(
        &self,
    ) -> impl Future<Output = Result<SentCertificate, CertifyError>> + use<> {
        let this = self.endpoint.this.clone();
        // Boxed, so that the module contains it once.
        let sending: Pin<Box<dyn Future<Output = _>>> = Box::pin(send(this));
        sending
    }

    /// The same for JavaScript. Resolves to what its callers get, or to undefined if certificates are not available, as
    /// `None`. Rejects with an `Error` that has a code.
    #[cfg(feature = "npm")]
    pub(crate) fn certify(&self) -> Option<Promise> {
        self.endpoint.send_certificate(Sent::default())
    }
}

async fn send(this: Weak<Endpoint>) -> Result<SentCertificate, CertifyError> {
    let sent = Sent::default();
    let sending = this.upgrade().and_then(|this| this.send_certificate(sent.clone()));
    let sending = JsFuture::from(sending.ok_or(CertifyError::NotAvailable)?).await;
    let receipt = sent.take();
    let certified = sending.map_err(|failure| error(failure.unchecked_into(), receipt.as_ref()))?;
    let receipt = receipt.filter(|_| !certified.is_undefined());
    let receipt = receipt.ok_or(CertifyError::NotAvailable)?;
    let Status::Stored(position) = receipt.status() else { return Err(CertifyError::NotAvailable) };
    let certified: Certified = certified.unchecked_into();
    let (subject, key) = (certified.subject(), certified.key_of());
    let (id, expires) = (receipt.id().to_owned(), certified.expires() as u64);
    Ok(SentCertificate { id, position, subject, key, expires })
}

/// What a failure is in Rust.
fn error(failure: Failure, receipt: Option<&Receipt>) -> CertifyError {
    let text = || failure.cause().as_string().unwrap_or_default();
    match receipt.map(Receipt::status) {
        Some(Status::Rejected(Rejection { code: RejectCode::UnknownCertificate, .. })) => {
            return CertifyError::UnknownIssuer(text());
        }
        Some(Status::Rejected(rejection)) => return rejection.into(),
        _ => {}
    }
    match failure.code().as_deref() {
        Some("failed") => CertifyError::Fetch(match failure.cause().as_string() {
            Some(text) => text.into(),
            None => failure.cause().into(),
        }),
        Some("no_key") => CertifyError::NoKey,
        Some("not_this_key") => CertifyError::NotThisKey,
        Some("expired") => CertifyError::Expired,
        Some("unknown_issuer") => CertifyError::UnknownIssuer(text()),
        _ => CertifyError::Malformed(text()),
    }
}

impl Endpoint {
    /// Fetches a certificate, and sends it. `None` if that is not possible. Holds no endpoint while it waits: the link
    /// may be down for long.
    fn send_certificate(&self, sent: Sent) -> Option<Promise> {
        let (fetch, this) = (self.certify.as_ref()?, self.this.clone());
        let serve = call(move |given| {
            serve(&this, given, &sent);
            ready(Ok(JsValue::UNDEFINED))
        });
        // JavaScript owns it: the endpoint may end before.
        let serve = serve.into_js_value().unchecked_into();
        self.link.certify(self.keyring.in_use(), fetch, &serve)
    }

    fn publish_certificate(&self, key: &str, jwt: &str) -> Result<Receipt, String> {
        // A certificate as JSON. It contains no character that JSON escapes.
        let data = ["\"", jwt, "\""].concat();
        let topic = Topic::parse(&["certs.", key].concat()).map_err(|error| error.to_string())?;
        let bytes = Bytes { content_type: JSON.into(), data: data.as_bytes().into() };
        let payload = Payload::from_bytes(bytes.clone());
        let event = Event::new(topic.clone(), payload, Delivery::Pending(Stage::Queued));
        let published = self.publish(event, bytes, PublishOptions::default());
        self.link.noticed(&topic, data.as_bytes(), false);
        published.map_err(|error| error.to_string())
    }
}

/// Carries out what JavaScript asks for. An array has a certificate's key and text, and functions that get its outcome:
/// the id and the offset of its event, or undefined if the bridge is closed; or a code and a text. Anything else is
/// what applications learn of a certificate that is in use.
fn serve(this: &Weak<Endpoint>, given: JsValue, sent: &Sent) {
    let this = this.upgrade();
    match (given.dyn_into::<Array>(), this) {
        (Ok(given), this) => {
            let [resolve, reject] = [2, 3].map(|at| given.get(at).unchecked_into::<Function>());
            let text = |at| given.get(at).as_string().unwrap_or_default();
            match this.map(|this| this.publish_certificate(&text(0), &text(1))) {
                None => answer(&resolve, &JsValue::UNDEFINED),
                Some(Err(error)) => answer(&reject, &pair("illegal_argument", &error)),
                Some(Ok(receipt)) => {
                    let id = receipt.id().to_owned();
                    receipt.when(Status::is_final, move |status| match status {
                        Status::Stored(position) => {
                            answer(&resolve, &pair(&id, &position.offset.to_string()));
                        }
                        Status::Rejected(Rejection { code, message }) => {
                            answer(&reject, &pair(code.name(), message));
                        }
                        _ => answer(&resolve, &JsValue::UNDEFINED),
                    });
                    sent.replace(Some(receipt));
                }
            }
        }
        (Err(certified), Some(this)) => this.report_certificate(certified.unchecked_into()),
        (Err(_), None) => {}
    }
}

fn pair(one: &str, other: &str) -> JsValue {
    Array::of2(&one.into(), &other.into()).into()
}

/// Settles a promise, which does not throw.
fn answer(settle: &Function, value: &JsValue) {
    let _ = settle.call1(&JsValue::UNDEFINED, value);
}
