//! The rule by which a reader believes an event.

use session::signed::Thumbprint;

use crate::Certificate;

/// How far the clocks of the signer and the issuer may differ, in seconds.
pub const LEEWAY: u64 = 300;

/// What is known about an event.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'e> {
    /// The event's source.
    pub source: &'e str,
    /// Its time, in milliseconds since 1970.
    pub time: Option<u64>,
    /// The account that the peer names as its author.
    pub authid: Option<&'e str>,
    /// Whether its signature is right for the key of the certificates. `None` if the event has no signature.
    pub signature: Option<bool>,
    /// The certificates of the source's key, each verified with a key of a trusted issuer.
    pub certificates: &'e [Certificate],
    /// From when on the key is revoked, in milliseconds since 1970.
    pub revoked: Option<u64>,
}

/// How far an event can be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust<'e> {
    /// The key of this certificate has signed it.
    Verified(&'e Certificate),
    /// The peer says that it is from this account.
    Attested(&'e str),
    /// It is from a guest.
    Anonymous,
}

/// Why an event must not be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Untrusted {
    /// Its source names a key, but it has no signature.
    #[error("the event has no signature")]
    NotSigned,
    /// The signature is not that of the key.
    #[error("the signature is wrong")]
    BadSignature,
    /// There is no certificate of the key that a trusted issuer has signed.
    #[error("the signature's key has no certificate of a trusted issuer")]
    UnknownCertificate,
    /// The peer says that it is from another account, or from a guest.
    #[error("the event is from another account than its certificate")]
    OtherAccount,
    /// No certificate was valid at the event's time.
    #[error("the certificate was not valid at the event's time")]
    NotValidThen,
    /// The key was revoked at the event's time, or before it.
    #[error("the key was revoked")]
    Revoked,
}

impl Untrusted {
    /// The name in JavaScript.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotSigned => "not_signed",
            Self::BadSignature => "bad_signature",
            Self::UnknownCertificate => "unknown_certificate",
            Self::OtherAccount => "other_account",
            Self::NotValidThen => "not_valid_then",
            Self::Revoked => "revoked",
        }
    }
}

/// Decides how far an event can be believed.
///
/// A signed event is believed if its source names the certificate's key, the signature is right, a certificate covers
/// the event's time, the peer names the certificate's account, and the key was not revoked by then. For an event
/// without a signature, what the peer says counts; if its source names a key, its signature was removed, and it is
/// refused.
///
/// # Errors
/// The first rule that it breaks.
pub fn check<'e>(evidence: &Evidence<'e>) -> Result<Trust<'e>, Untrusted> {
    let key = Thumbprint::from_source(evidence.source);
    let Some(is_right) = evidence.signature else {
        return match (key, evidence.authid) {
            (Some(_), _) => Err(Untrusted::NotSigned),
            (None, Some(account)) => Ok(Trust::Attested(account)),
            (None, None) => Ok(Trust::Anonymous),
        };
    };
    // A certificate of another key proves nothing, whatever the caller has verified with it.
    let of_key = |certificate: &&Certificate| Some(certificate.thumbprint()) == key;
    let mut certificates = evidence.certificates.iter().filter(of_key).peekable();
    if certificates.peek().is_none() {
        return Err(Untrusted::UnknownCertificate);
    }
    if !is_right {
        return Err(Untrusted::BadSignature);
    }
    let time = evidence.time.ok_or(Untrusted::NotValidThen)?;
    if evidence.revoked.is_some_and(|since| time >= since) {
        return Err(Untrusted::Revoked);
    }
    let seconds = time / 1_000;
    let covers = |it: &&Certificate| {
        let from = it.issued_at.saturating_sub(LEEWAY);
        (from..=it.expires_at.saturating_add(LEEWAY)).contains(&seconds)
    };
    let valid: Vec<_> = certificates.filter(covers).collect();
    if valid.is_empty() {
        return Err(Untrusted::NotValidThen);
    }
    let of_author = |it: &&&Certificate| evidence.authid == Some(it.subject.as_str());
    let certificate = valid.iter().find(of_author).ok_or(Untrusted::OtherAccount)?;
    Ok(Trust::Verified(certificate))
}
