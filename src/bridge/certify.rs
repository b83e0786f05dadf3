//! Sends the certificate of this device.

use std::pin::Pin;
use std::rc::{Rc, Weak};

use bus::Topic;
use js_sys::Array;
use session::RejectCode;
use session::client::PublishOptions;
use wasm_bindgen::prelude::*;

use super::{Bridge, Endpoint};
use crate::keys::{Certified, Key, result_of};
use crate::trust::{CertifyError, SentCertificate};
use crate::{Bytes, Cause, Delivery, Event, JSON, Payload, Receipt, Rejection, Stage};

/// Asks the application for a certificate of a key.
pub(super) type Certify =
    Rc<dyn Fn(String) -> Pin<Box<dyn Future<Output = Result<String, Cause>>>>>;

impl Bridge {
    /// Fetches a certificate of this device's key with [`BridgeOptions::certify`](crate::BridgeOptions::certify), and
    /// sends it to the peer. From then on the durable events of this bridge are signed, also those of the other tabs that
    /// share it. Events of a [signed](crate::Rule::signed) rule that wait for a certificate are sent.
    ///
    /// A certificate lasts a day at most: call this again before it ends. It waits while the link is down.
    ///
    /// # Errors
    /// A [`CertifyError`].
    pub fn send_certificate(
        &self,
    ) -> impl Future<Output = Result<SentCertificate, CertifyError>> + use<> {
        // Boxed, so that the module contains it once.
        let sending: Pin<Box<dyn Future<Output = _>>> = Box::pin(send(self.endpoint.this.clone()));
        sending
    }
}

/// Holds no endpoint while it waits: the link may be down for long.
async fn send(this: Weak<Endpoint>) -> Result<SentCertificate, CertifyError> {
    let open = || this.upgrade().ok_or(CertifyError::NotAvailable);
    let key = open()?.link.key_soon().ok_or(CertifyError::NotAvailable)?;
    let certify = open()?.certify.clone().ok_or(CertifyError::NotAvailable)?;
    let key = result_of(key).await;
    if key.is_undefined() {
        return Err(CertifyError::NoKey);
    }
    let key: Key = key.unchecked_into();
    let jwt = certify(key.jwk()).await.map_err(CertifyError::Fetch)?;
    let examining = {
        let endpoint = open()?;
        endpoint.link.examine(&jwt, endpoint.keyring.in_use())
    };
    let (certified, issuer) = sendable(result_of(examining).await)?;
    let thumbprint = key.thumbprint();
    let receipt = open()?.publish_certificate(&thumbprint, &jwt)?;
    let position = match receipt.settled().await {
        Ok(position) => position.ok_or(CertifyError::NotAvailable)?,
        Err(Rejection { code: RejectCode::UnknownCertificate, .. }) => {
            return Err(CertifyError::UnknownIssuer(issuer));
        }
        Err(rejection) => return Err(rejection.into()),
    };
    // From here on events are signed.
    let noticing = open()?.link.notice(&thumbprint, &quoted(&jwt), true);
    let is_certified = result_of(noticing).await;
    let endpoint = open()?;
    endpoint.link.sign_again_if(is_certified);
    let (subject, expires) = (certified.subject(), certified.expires() as u64);
    endpoint.report_certificate(certified);
    Ok(SentCertificate { id: receipt.id().to_owned(), position, subject, key: thumbprint, expires })
}

/// The certificate and its issuer, or why the certificate must not be sent.
fn sendable(examined: JsValue) -> Result<(Certified, String), CertifyError> {
    let examined: Array = examined.dyn_into().map_err(|_| CertifyError::NoKey)?;
    let text = examined.get(1).as_string().unwrap_or_default();
    Err(match examined.get(2).as_string().as_deref() {
        None => return Ok((examined.get(0).unchecked_into(), text)),
        Some("not_this_key") => CertifyError::NotThisKey,
        Some("expired") => CertifyError::Expired,
        Some("unknown_issuer") => CertifyError::UnknownIssuer(text),
        Some(_) => CertifyError::Malformed(text),
    })
}

impl Endpoint {
    fn publish_certificate(&self, key: &str, jwt: &str) -> Result<Receipt, CertifyError> {
        let topic = Topic::parse(&["certs.", key].concat());
        let topic = topic.map_err(|_| CertifyError::NotAvailable)?;
        let data = quoted(jwt);
        let bytes = Bytes { content_type: JSON.into(), data: data.as_bytes().into() };
        let payload = Payload::from_bytes(bytes.clone());
        let event = Event::new(topic.clone(), payload, Delivery::Pending(Stage::Queued));
        let published = self.publish(event, bytes, PublishOptions::default());
        self.link.noticed(&topic, data.as_bytes(), false);
        published.map_err(|error| CertifyError::Malformed(error.to_string()))
    }
}

/// A certificate as JSON. It contains no character that JSON escapes.
fn quoted(jwt: &str) -> String {
    ["\"", jwt, "\""].concat()
}
