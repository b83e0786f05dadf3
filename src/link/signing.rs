//! Signing: what the machine asks of this device's key, and the certificate of that key.

use std::rc::Rc;

use session::Body;
use session::client::ProofRequest;
use session::tabs::Lane;
use topic::Topic;
use trust::{Certificate, Record, Thumbprint};
use web_sys::Url;

use super::Link;
pub(crate) use super::device::DeviceKey;
use crate::js::{monotonic, spawn};

impl Link {
    /// The key of this device, or `None` if it has none.
    pub(crate) async fn device_key(&self) -> Option<Rc<DeviceKey>> {
        if !self.options.has_key {
            return None;
        }
        let key = self.device.key(self.store.database()).await?;
        self.tab.borrow_mut().signs_as(&key.thumbprint.source());
        Some(key)
    }

    /// Loads the key, by whose source this page knows its own events.
    pub(super) fn load_key(&self) {
        let link = self.this.clone();
        spawn(async move {
            if let Some(link) = link.upgrade() {
                link.device_key().await;
            }
        });
    }

    /// Whether events that are published now are signed.
    pub(crate) fn is_certified(&self) -> bool {
        self.device.is_certified_at(js_sys::Date::now() as u64 / 1_000)
    }

    /// A durable event that may carry a certificate is in the outbox, or `is_stored` by the peer.
    ///
    /// From a stored one on all events are signed. In the outbox it may wait behind events that wait for a certificate:
    /// they are signed under it, and leave right before it.
    pub(crate) fn noticed(&self, topic: &Topic, data: &[u8], is_stored: bool) {
        let Some(jwt) = self.certificate_in(topic, data) else { return };
        let link = self.this.clone();
        spawn(async move {
            let Some(link) = link.upgrade() else { return };
            match is_stored {
                true => link.certify(&jwt).await,
                false => link.offer(&jwt).await,
            }
        });
    }

    /// The peer does not take a durable event that may carry a certificate.
    pub(crate) fn refused(&self, topic: &Topic, data: &[u8]) {
        let jwt = self.certificate_in(topic, data);
        if let Some(Ok(refused)) = jwt.map(|jwt| trust::parse_certificate(&jwt)) {
            self.device.withdraw(&refused.certificate);
        }
    }

    /// The certificate that an event carries, of whichever device.
    fn certificate_in(&self, topic: &Topic, data: &[u8]) -> Option<String> {
        if !self.options.has_key {
            return None;
        }
        Thumbprint::from_topic(topic.as_str())?;
        match Record::parse(data)? {
            Record::Certificate(jwt) => Some(jwt),
            Record::Revoked { .. } => None,
        }
    }

    /// Reads a certificate, if it is of this device.
    async fn own(&self, jwt: &str) -> Option<Certificate> {
        let certificate = trust::parse_certificate(jwt).ok()?.certificate;
        let key = self.device_key().await?;
        (certificate.thumbprint() == key.thumbprint).then_some(certificate)
    }

    async fn offer(&self, jwt: &str) {
        if let Some(certificate) = self.own(jwt).await
            && self.device.offer(certificate)
        {
            self.sign_again();
        }
    }

    /// Signs events under this certificate, if it is of this device: the peer has stored it.
    pub(crate) async fn certify(&self, jwt: &str) {
        if let Some(certificate) = self.own(jwt).await {
            self.device.certify(self.store.database(), jwt, certificate).await;
            self.sign_again();
        }
    }

    fn sign_again(&self) {
        self.tab.borrow_mut().sign_again(monotonic());
        self.drive();
    }

    /// Signs what proves to the peer that this client has the key.
    pub(super) fn prove(&self, lane: Lane, request: ProofRequest) {
        let link = self.this.clone();
        spawn(async move {
            let Some(link) = link.upgrade() else { return };
            let made = link.proof(&request).await;
            if let Some(client) = link.tab.borrow_mut().client_on(lane, monotonic()) {
                match made {
                    Some((key, proof)) => client.proved(request.fence, key, proof),
                    None => client.cannot_prove(request.fence),
                }
            }
            link.drive();
        });
    }

    async fn proof(&self, request: &ProofRequest) -> Option<([u8; 65], [u8; 64])> {
        let ProofRequest { client, fence, token } = request;
        // Without the port, as the relay knows its hosts.
        let host = Url::new(&self.options.url).ok()?.hostname();
        let key = self.device_key().await?;
        let proof = key.sign(&trust::proof_bytes(&host, client, *fence, token.as_deref())).await?;
        Some((*key.public(), proof))
    }

    /// Signs an event of the outbox, or leaves it there until there is a certificate.
    pub(super) fn sign(&self, lane: Lane, id: String, topic: Topic, body: Body) {
        let link = self.this.clone();
        spawn(async move {
            let Some(link) = link.upgrade() else { return };
            let signature = link.signature(&topic, &body).await;
            if let Some(client) = link.tab.borrow_mut().client_on(lane, monotonic()) {
                match signature {
                    Some(signature) => client.signed(&id, signature, monotonic()),
                    None if link.device.is_too_late_for(seconds_of(&body)) => {
                        client.never_signs(&id, monotonic());
                    }
                    None => client.cannot_sign(&id),
                }
            }
            link.drive();
        });
    }

    async fn signature(&self, topic: &Topic, body: &Body) -> Option<[u8; 64]> {
        let key = self.device_key().await?;
        let time = seconds_of(body);
        if !self.device.may_sign(time) {
            // Another tab may have written one.
            self.device.reload(self.store.database()).await;
        }
        if !self.device.may_sign(time) {
            self.device.await_certificate();
            return None;
        }
        key.sign(&trust::signed_bytes(topic.as_str(), &key.thumbprint.source(), body)).await
    }
}

/// When an event was published, in seconds since 1970.
fn seconds_of(body: &Body) -> u64 {
    body.time.unwrap_or_default() / 1_000
}
