//! Signed events: which issuers of certificates an application trusts, and what it learns about an event's author.
//!
//! A device signs its events with a key of its own that no script can read. A certificate says whose key it is. An
//! issuer that the application trusts signs the certificate, which the device then sends to the peer with
//! [`Bridge::send_certificate`](crate::Bridge::send_certificate). Receivers verify an event before the bus carries it.
//!
//! ```no_run
//! use event_driven_kit::trust::{CertifyError, Trust};
//! use event_driven_kit::{Bridge, BridgeOptions, Bus, Cause, Rule};
//!
//! async fn fetch_certificate(jwk: String) -> Result<String, Cause> {
//!     Ok(format!("a certificate of our issuer for {jwk}"))
//! }
//!
//! async fn start(jwks: &str) -> Result<Bridge, CertifyError> {
//!     let bus = Bus::singleton("app");
//!     let options = BridgeOptions::new("wss://events.example/ws")
//!         .trust(Trust::issuer("https://id.example", jwks))
//!         .certify(fetch_certificate);
//!     let bridge = Bridge::connect(&bus, options).expect("an address of a WebSocket");
//!     bridge.send_certificate().await?; // from here on events are signed
//!     Ok(bridge)
//! }
//! ```

use js_sys::Array;
use serde::Deserialize;

use crate::{Cause, Rejection};
use session::Position;

/// The topic that reports certificates as a [`Certified`]: that of this device when the peer has stored it, and that of
/// another device when it verifies an event for the first time.
pub const CERTIFICATE_TOPIC: &str = "$bus.certificate";
/// The topic that reports an event which was withheld, as an [`Untrusted`].
pub const UNTRUSTED_TOPIC: &str = "$bus.untrusted";

/// The issuers whose certificates an application trusts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Pairs of a name and a key set, which only JavaScript reads. No clone may be changed.
    pub(crate) issuers: Option<Array>,
}

/// The author of an event, and how the author is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustStatus {
    /// Its device has signed it, and a trusted issuer has certified the device.
    Verified(Verified),
    /// The peer says so: the name of an account.
    Attested(String),
    /// A guest, as the peer says.
    Anonymous,
    /// This page, or another tab.
    Unknown,
}

/// The author of a verified event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The account, by which the application knows the author.
    pub subject: String,
    /// The name to show, if the certificate has one.
    pub name: Option<String>,
    /// The thumbprint of the device's key (RFC 7638).
    pub key: String,
}

/// A certificate of a device: the payload of the events on [`CERTIFICATE_TOPIC`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Certified {
    /// The account.
    pub subject: String,
    /// The name to show, if the certificate has one.
    pub name: Option<String>,
    /// The thumbprint of the device's key (RFC 7638).
    pub key: String,
    /// When it ends, in milliseconds since 1970.
    pub expires: f64,
}

/// A certificate that the peer has stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentCertificate {
    /// The id of the event that carries it.
    pub id: String,
    /// Where the peer has stored that event.
    pub position: Position,
    /// The account that it certifies.
    pub subject: String,
    /// The thumbprint of this device's key (RFC 7638).
    pub key: String,
    /// When it ends, in milliseconds since 1970.
    pub expires: u64,
}

/// Why a certificate was not sent.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CertifyError {
    /// The page is not secure, so that the browser has no keys. Or the bridge was created without
    /// [`certify`](crate::BridgeOptions::certify), or is closed.
    #[error(
        "certificates are not available: they need a secure page (https), `certify`, and an open bridge"
    )]
    NotAvailable,
    /// The browser does not give this device's key: its database does not answer.
    #[error(
        "this device's key cannot be read, because the browser's database does not answer: try again, or reload the page"
    )]
    NoKey,
    /// The application's function has failed.
    #[error("the certificate could not be fetched: {0}")]
    Fetch(Cause),
    /// The text is not a certificate.
    #[error("this is not a certificate of a device: {0}")]
    Malformed(String),
    /// It is for another key.
    #[error("the certificate is for another key: issue one for the key that `certify` gets")]
    NotThisKey,
    /// It has ended.
    #[error("the certificate has expired: issue one that is valid for a day")]
    Expired,
    /// The application or the peer does not trust its issuer, or the issuer has not signed it.
    #[error("the issuer `{0}` is not trusted, or has not signed the certificate")]
    UnknownIssuer(String),
    /// The peer has rejected it, for example with [`NotAllowed`](crate::bridge::RejectCode::NotAllowed).
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

/// An event was withheld: the payload of the events on [`UNTRUSTED_TOPIC`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Untrusted {
    /// The event's id.
    pub id: String,
    /// Its topic.
    pub topic: String,
    /// Its source, which may be false.
    pub source: String,
    /// The reason for programs: `not_signed`, `bad_signature`, `unknown_certificate`, `other_account`, `not_valid_then`
    /// or `revoked`.
    pub code: String,
    /// The reason as a text.
    pub message: String,
}

impl Trust {
    /// Trusts the issuer that certificates name as `iss`, with its public keys: a JSON Web Key Set (RFC 7517) as a
    /// text. Keys that are not of P-256 are ignored.
    pub fn issuer(iss: impl Into<String>, jwks: impl Into<String>) -> Self {
        Self::default().and_issuer(iss, jwks)
    }

    /// Trusts another issuer, too.
    pub fn and_issuer(mut self, iss: impl Into<String>, jwks: impl Into<String>) -> Self {
        let issuer = Array::of1(&Array::of2(&iss.into().into(), &jwks.into().into()));
        self.issuers = Some(match self.issuers {
            Some(issuers) => issuers.concat(&issuer),
            None => issuer,
        });
        self
    }
}

impl CertifyError {
    /// The reason for programs, as in JavaScript.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAvailable => "not_available",
            Self::NoKey => "no_key",
            Self::Fetch(_) => "failed",
            Self::Malformed(_) => "illegal_argument",
            Self::NotThisKey => "not_this_key",
            Self::Expired => "expired",
            Self::UnknownIssuer(_) => "unknown_issuer",
            Self::Rejected(rejection) => rejection.code.name(),
        }
    }
}
