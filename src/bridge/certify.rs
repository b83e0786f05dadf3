//! Sends the certificate of this device. JavaScript fetches it and checks it; here it is published.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::{Rc, Weak};

use bus::Topic;
use js_sys::{Array, Function, Promise};
use session::RejectCode;
use session::client::PublishOptions;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{Bridge, Endpoint};
use crate::keys::Certified;
use crate::trust::{CertifyError, SentCertificate};
use crate::{Delivery, Event, Payload, PublishError, Receipt, Rejection, Stage, Status};

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

/// The error in Rust for a failure in JavaScript.
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
        let serve: Box<dyn Fn(JsValue)> = Box::new(move |given| serve(&this, given, &sent));
        // JavaScript owns it: the endpoint may end before.
        let serve = Closure::wrap(serve).into_js_value().unchecked_into();
        self.link.certify(self.keyring.in_use(), fetch, &serve)
    }

    /// The peer has stored a durable event, or, for `None`, does not take it. It may carry a certificate of this
    /// device.
    pub(super) fn notice(&self, event: &Event, is_stored: Option<bool>) {
        if self.link.may_certify(event.topic())
            && let Ok(bytes) = event.payload().to_bytes()
        {
            self.link.noticed(event.topic(), &bytes.data, is_stored);
        }
    }

    /// Publishes a certificate on the topic of its key. `None` if that is no topic.
    fn publish_certificate(
        &self,
        topic: &str,
        jwt: JsValue,
    ) -> Option<Result<Receipt, PublishError>> {
        let topic = Topic::parse(topic).ok()?;
        let payload = Payload::from_js(jwt);
        let bytes = payload.to_bytes().ok()?;
        let event = Event::new(topic, payload, Delivery::Pending(Stage::Queued));
        let published = self.publish(event.clone(), bytes, PublishOptions::default());
        self.notice(&event, Some(false));
        Some(published)
    }
}

/// Carries out what JavaScript asks for. An array has a certificate's topic and text, and a function that gets its
/// outcome: `stored` with the offset and the id of its event; the code and the text of the reason why it is not stored;
/// or an empty code if the bridge is closed. Anything else is what applications learn of a certificate that is in use.
fn serve(this: &Weak<Endpoint>, given: JsValue, sent: &Sent) {
    let this = this.upgrade();
    let given = match given.dyn_into::<Array>() {
        Ok(given) => given,
        Err(certified) => {
            if let Some(this) = this {
                this.report_certificate(certified);
            }
            return;
        }
    };
    let settle: Function = given.get(2).unchecked_into();
    let topic = given.get(0).as_string().unwrap_or_default();
    match this.and_then(|this| this.publish_certificate(&topic, given.get(1))) {
        None => answer(&settle, "", "", ""),
        Some(Err(error)) => answer(&settle, "illegal_argument", &error.to_string(), ""),
        Some(Ok(receipt)) => {
            let id = receipt.id().to_owned();
            receipt.when(Status::is_final, move |status| match status {
                Status::Stored(position) => {
                    answer(&settle, "stored", &position.offset.to_string(), &id);
                }
                Status::Rejected(Rejection { code, message }) => {
                    answer(&settle, code.name(), message, "");
                }
                _ => answer(&settle, "", "", ""),
            });
            sent.replace(Some(receipt));
        }
    }
}

/// Tells JavaScript an outcome. Its function does not throw.
fn answer(settle: &Function, code: &str, text: &str, id: &str) {
    let _ = settle.call3(&JsValue::UNDEFINED, &code.into(), &text.into(), &id.into());
}
