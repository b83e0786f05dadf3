//! Devices of other users, and issuers of certificates.

use session::Body;
use trust::{Thumbprint, signed_bytes};
use wasm_bindgen::prelude::*;

use crate::peer::Peer;

#[wasm_bindgen(module = "/tests/trust/issuer.js")]
extern "C" {
    #[wasm_bindgen(js_name = newPair)]
    async fn new_pair() -> JsValue;
    #[wasm_bindgen(js_name = pointOf)]
    async fn point_of(pair: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = sign)]
    async fn sign_bytes(pair: &JsValue, bytes: &[u8]) -> JsValue;
    pub async fn verify(point: &[u8], signature: &[u8], bytes: &[u8]) -> JsValue;
    async fn jwks(pair: &JsValue, kid: &str) -> JsValue;
    #[wasm_bindgen(js_name = certificate)]
    async fn issue(issuer: &JsValue, kid: &str, key: &JsValue, claims: &str) -> JsValue;
    #[wasm_bindgen(js_name = stealKeys)]
    pub async fn steal_keys() -> JsValue;
    #[wasm_bindgen(js_name = hideCrypto)]
    pub fn hide_crypto() -> js_sys::Function;
    #[wasm_bindgen(js_name = hangDatabases)]
    pub fn hang_databases() -> js_sys::Function;
}

/// The `iss` of all certificates in these tests.
pub const ISSUER: &str = "https://id.test";
/// When the certificates of other devices are issued, in seconds since 1970: long ago, so that no clock matters.
pub const NOW: u64 = 1_700_000_000;

pub struct Issuer {
    pair: JsValue,
    pub jwks: String,
}

/// A device of another user.
pub struct Device {
    account: &'static str,
    pair: JsValue,
    point: [u8; 65],
}

/// An event of a guest.
pub fn body(id: &str) -> Body {
    let (data, time) = (format!("\"text {id}\"").into_bytes(), Some(NOW * 1_000));
    let (id, source) = (id.to_owned(), "/guests/0".to_owned());
    Body { id, source, data, time, ..Body::default() }
}

/// An event with a certificate.
pub fn record(jwt: &str) -> Body {
    Body { data: format!("{jwt:?}").into_bytes(), ..body(&format!("certificate {}", &jwt[..8])) }
}

impl Issuer {
    pub async fn new() -> Self {
        let pair = new_pair().await;
        let jwks = jwks(&pair, "key 1").await.as_string().unwrap();
        Self { pair, jwks }
    }

    /// A certificate of a device.
    pub async fn certificate(&self, device: &Device, subject: &str, from: u64, to: u64) -> String {
        self.certificate_of(&device.pair, ISSUER, subject, from, to).await
    }

    /// A certificate of a public key, which is a pair or the text of a JSON Web Key.
    pub async fn certificate_of(
        &self,
        key: &JsValue,
        issuer: &str,
        subject: &str,
        from: u64,
        to: u64,
    ) -> String {
        let claims = format!(
            r#"{{"iss":"{issuer}","sub":"{subject}","name":"Ann","iat":{from},"exp":{to}}}"#
        );
        issue(&self.pair, "key 1", key, &claims).await.as_string().unwrap()
    }
}

impl Device {
    pub async fn of(account: &'static str) -> Self {
        let pair = new_pair().await;
        let point = js_sys::Uint8Array::new(&point_of(&pair).await).to_vec();
        Self { account, pair, point: point.try_into().unwrap() }
    }

    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(&self.point)
    }

    /// The event as the peer logs it: signed, with the source and the account that the peer attests.
    pub async fn signed(&self, topic: &str, body: Body) -> Body {
        self.body_signed_by(self, topic, body).await
    }

    /// The same with a signature of another device.
    pub async fn body_signed_by(&self, signer: &Self, topic: &str, body: Body) -> Body {
        let source = self.thumbprint().source();
        let bytes = signed_bytes(topic, &source, &body);
        let signature = js_sys::Uint8Array::new(&sign_bytes(&signer.pair, &bytes).await).to_vec();
        let authid = body.authid.clone().or_else(|| Some(self.account.to_owned()));
        Body { source, authid, signature: Some(signature.try_into().unwrap()), ..body }
    }

    /// The peer stores a certificate, which is valid for an hour from [`NOW`] on.
    pub async fn certified_by(&self, issuer: &Issuer, peer: &mut Peer) {
        let jwt = issuer.certificate(self, self.account, NOW, NOW + 3_600).await;
        peer.append_body(&self.thumbprint().topic(), &record(&jwt));
    }
}
