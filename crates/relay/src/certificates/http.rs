//! The relay as an issuer of certificates: `POST /certificate` and `GET /.well-known/jwks.json`.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use tokio::time::timeout;
use trust::{PublicKey, Thumbprint};

use super::Certificates;
use crate::authority::Admitted;
use crate::border::audit::{self, Actor, Refused};
use crate::border::{Border, Client, Peer};
use crate::connection::Shared;
use crate::http::bearer;
use crate::limits::Kind;

/// The maximum size of a request.
const MAX_KEY: usize = 2 << 10;
/// The time limit for a request to arrive.
const KEY_TIME: Duration = Duration::from_secs(10);
/// The lifetime of a certificate, in seconds. What is published while no certificate is valid cannot be verified, and a
/// device may be offline for long; a key can be revoked.
const LIFE: u64 = trust::MAX_LIFE;

/// A public key of P-256 (RFC 7518, 6.2.1). Other members are ignored.
#[derive(Debug, Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    d: Option<String>,
}

impl Jwk {
    /// The key, if it is on the curve.
    fn key(&self) -> Option<PublicKey> {
        if self.kty != "EC" || self.crv != "P-256" || self.d.is_some() {
            return None;
        }
        let part = |text: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            (bytes.len() == 32).then_some(bytes)
        };
        let point = [vec![4], part(&self.x)?, part(&self.y)?].concat();
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).ok()?;
        point.try_into().ok()
    }
}

/// The public keys with which the relay's certificates are verified.
pub(crate) async fn keys(State(shared): State<Shared>) -> Response {
    let own = shared.certificates.as_deref().and_then(|certificates| certificates.own.as_ref());
    let Some((_, key)) = own else { return StatusCode::NOT_FOUND.into_response() };
    let headers = [
        (header::CONTENT_TYPE, "application/jwk-set+json"),
        (header::CACHE_CONTROL, "max-age=300"),
        // They are public.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, format!("{}\n", key.key_set())).into_response()
}

/// Makes a certificate for the account of a token and the key in the body, a JWK. The answer is the certificate itself.
pub(crate) async fn certify(
    State(shared): State<Shared>,
    State(border): State<Arc<Border>>,
    Extension(peer): Extension<Arc<Peer>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let client = border.client(&peer, &headers);
    let Some(certificates) = shared.certificates.clone().filter(|it| it.own.is_some()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if !border.is_origin(&peer, &headers) {
        let status = StatusCode::FORBIDDEN;
        audit::refused(&border.metrics, Refused::Origin, client.address, status.as_u16());
        let message = "pages of this origin get no certificates; see --allow-origin\n";
        return (status, message).into_response();
    }
    let mut response = match timeout(KEY_TIME, to_bytes(body, MAX_KEY)).await {
        Err(_) => {
            (StatusCode::REQUEST_TIMEOUT, "the key took too long to arrive\n").into_response()
        }
        Ok(Err(_)) => {
            (StatusCode::PAYLOAD_TOO_LARGE, "the key has more than 2 KiB\n").into_response()
        }
        Ok(Ok(body)) => match certified(&shared, &certificates, &client, &headers, &body) {
            Ok(jwt) => ([(header::CONTENT_TYPE, "application/jwt")], jwt).into_response(),
            Err(Denial { status, message, subject }) => {
                let kind = match status {
                    StatusCode::TOO_MANY_REQUESTS => Refused::Limit,
                    _ => Refused::Certificate,
                };
                let actor = Actor { subject: subject.as_deref(), address: client.address };
                audit::refused(&border.metrics, kind, actor, status.as_u16());
                (status, format!("{message}\n")).into_response()
            }
        },
    };
    allow_origin(&headers, &mut response);
    response
}

/// Answers the preflight request of a page of another origin (Fetch, "CORS-preflight fetch").
pub(crate) async fn may_certify(
    State(border): State<Arc<Border>>,
    Extension(peer): Extension<Arc<Peer>>,
    headers: HeaderMap,
) -> Response {
    if !border.is_origin(&peer, &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    let mut response = (StatusCode::NO_CONTENT, allowed).into_response();
    allow_origin(&headers, &mut response);
    response
}

/// Lets the page, whose origin was checked, read the answer.
fn allow_origin(headers: &HeaderMap, response: &mut Response) {
    if let Some(origin) = headers.get(header::ORIGIN) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("origin"));
    }
}

/// Why no certificate is made.
struct Denial {
    status: StatusCode,
    message: String,
    /// The account, once its token is checked.
    subject: Option<String>,
}

impl Denial {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), subject: None }
    }
}

fn certified(
    shared: &Shared,
    certificates: &Certificates,
    client: &Client,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<String, Denial> {
    // A certificate costs as much as a connection.
    if !client.allowance.try_take(Kind::Handshakes, 1) {
        let message = "too many requests come from your address";
        return Err(Denial::new(StatusCode::TOO_MANY_REQUESTS, message));
    }
    let token = bearer(headers);
    let authority = shared.authority.as_deref().filter(|_| token.is_some());
    let Some((authority, token)) = authority.zip(token) else {
        let message = "sign in: send a token in `authorization: Bearer`";
        return Err(Denial::new(StatusCode::UNAUTHORIZED, message));
    };
    let granted = authority.check(Some(&token));
    let Admitted { granted, .. } =
        granted.map_err(|refused| Denial::new(StatusCode::UNAUTHORIZED, refused.0))?;
    let Some(account) = granted.account else {
        return Err(Denial::new(StatusCode::FORBIDDEN, "only accounts have certificates"));
    };
    let account = account.name();
    let refused = |denial: Denial| Denial { subject: Some(account.to_owned()), ..denial };
    let name = || authority.name(&token);
    let (thumbprint, jwt) =
        certificate(certificates, account, granted.key, name, body).map_err(refused)?;
    let actor = Actor { subject: Some(account), address: client.address };
    audit::certified(actor, &thumbprint);
    Ok(jwt)
}

/// Makes a certificate for an account and the key in `body`. A token that is `bound` to a key is for no other.
fn certificate(
    certificates: &Certificates,
    account: &str,
    bound: Option<[u8; 32]>,
    name: impl FnOnce() -> Option<String>,
    body: &[u8],
) -> Result<(Thumbprint, String), Denial> {
    let key = serde_json::from_slice(body).ok().and_then(|jwk: Jwk| jwk.key());
    let Some(key) = key else {
        let message = "the body is not a public key of P-256 as a JWK (RFC 7517)";
        return Err(Denial::new(StatusCode::BAD_REQUEST, message));
    };
    let thumbprint = Thumbprint::of(&key);
    if certificates.revocations.has_key(&thumbprint) {
        let message = "the key was revoked: make a new one";
        return Err(Denial::new(StatusCode::FORBIDDEN, message));
    }
    // A stolen token of this kind is of no use without the key.
    if bound.is_some_and(|key| key != thumbprint.0) {
        return Err(Denial::new(StatusCode::FORBIDDEN, "the token is for another key"));
    }
    let Some((issuer, own)) = &certificates.own else {
        return Err(Denial::new(StatusCode::NOT_FOUND, "this relay makes no certificates"));
    };
    let jwt = own.certify(issuer, account, name().as_deref(), &key, LIFE);
    let jwt =
        jwt.map_err(|error| Denial::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok((thumbprint, jwt))
}
