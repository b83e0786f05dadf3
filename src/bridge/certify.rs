//! Sends the certificate of this device.

use std::pin::Pin;
use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding};
use bus::Topic;
use session::RejectCode;
use session::client::PublishOptions;
use trust::Thumbprint;

use super::{Bridge, Endpoint};
use crate::trust::{CertifyError, SentCertificate};
use crate::{Cause, Delivery, Event, Payload, Receipt, Rejection, Stage};

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
        let endpoint = self.endpoint.this.clone();
        async move {
            let endpoint = endpoint.upgrade().ok_or(CertifyError::NotAvailable)?;
            let certify = endpoint.certify.clone().ok_or(CertifyError::NotAvailable)?;
            let key = endpoint.link.device_key().await.ok_or(CertifyError::NotAvailable)?;
            let jwt = certify(jwk(key.public())).await.map_err(CertifyError::Fetch)?;
            let unverified = trust::parse_certificate(&jwt)
                .map_err(|error| CertifyError::Malformed(error.to_string()))?;
            let certificate = unverified.certificate.clone();
            if certificate.thumbprint() != key.thumbprint {
                return Err(CertifyError::NotThisKey);
            }
            if certificate.expires_at as f64 * 1_000.0 <= js_sys::Date::now() {
                return Err(CertifyError::Expired);
            }
            let keyring = &endpoint.keyring;
            if keyring.is_in_use() && !keyring.is_issued(&unverified).await {
                return Err(CertifyError::UnknownIssuer(certificate.issuer));
            }
            let receipt = endpoint.publish_certificate(key.thumbprint, &jwt)?;
            let settled = {
                // Not held while the link may be down for long.
                let this = Rc::downgrade(&endpoint);
                drop(endpoint);
                let settled = receipt.settled().await;
                (settled, this.upgrade().ok_or(CertifyError::NotAvailable)?)
            };
            let (position, endpoint) = match settled {
                (Ok(Some(position)), endpoint) => (position, endpoint),
                (Ok(None), _) => return Err(CertifyError::NotAvailable),
                (Err(Rejection { code: RejectCode::UnknownCertificate, .. }), _) => {
                    return Err(CertifyError::UnknownIssuer(certificate.issuer));
                }
                (Err(rejection), _) => return Err(rejection.into()),
            };
            endpoint.link.certify(&jwt).await;
            endpoint.tell_certificate(&certificate);
            Ok(SentCertificate {
                id: receipt.id().to_owned(),
                position,
                subject: certificate.subject,
                key: key.thumbprint.to_string(),
                expires: certificate.expires_at * 1_000,
            })
        }
    }
}

impl Endpoint {
    fn publish_certificate(&self, key: Thumbprint, jwt: &str) -> Result<Receipt, CertifyError> {
        let refused = |error: &dyn std::fmt::Display| CertifyError::Malformed(error.to_string());
        let topic = Topic::parse(&key.topic()).map_err(|error| refused(&error))?;
        let payload = Payload::from_js(jwt.into());
        let bytes = payload.to_bytes().map_err(|error| refused(&error))?;
        let (kept, data) = (topic.clone(), bytes.data.clone());
        let event = Event::new(topic, payload, Delivery::Pending(Stage::Queued));
        let published = self.publish(event, bytes, PublishOptions::default());
        self.link.noticed(&kept, &data, false);
        published.map_err(|error| refused(&error))
    }
}

/// A public key as a JSON Web Key (RFC 7517).
fn jwk(point: &[u8; 65]) -> String {
    let [x, y] = [&point[1..33], &point[33..]].map(Base64UrlUnpadded::encode_string);
    [r#"{"kty":"EC","crv":"P-256","x":""#, &x, r#"","y":""#, &y, r#""}"#].concat()
}
