//! The author of a signed event.
//!
//! A device signs its events with a key of its own. A [certificate](Certificate), which an issuer has signed, says
//! whose key it is, and for how long. Certificates are events too: on the topic of the key's [`Thumbprint`], as a
//! [`Record`]. A reader that trusts the issuer need trust neither the peer nor the network: [`check`] decides.
//!
//! All of this is pure: no clock, no randomness and no cryptography but SHA-256. The caller verifies signatures with a
//! native library. In a page, JavaScript follows the same rules (`src/keys` of `event-driven-kit`): there it needs a
//! third of the bytes. Tests hold both against each other.
//!
//! 1. [`parse_certificate`] gives what the issuer has signed; the caller verifies that with the issuer's key of this
//!    [`kid`](Unverified::kid), and drops certificates of other issuers.
//! 2. [`signed_bytes`] gives what an event's key has signed; the caller verifies that with the certificate's key.
//! 3. [`check`] decides.
//!
//! A client proves that it holds a key by a signature of [`proof_bytes`] in its hello.

mod certificate;
mod check;
mod json;
mod record;

pub use certificate::{
    Certificate, CertificateError, MAX_CERTIFICATE, MAX_LIFE, TYPE, Unverified, parse_certificate,
};
pub use check::{Evidence, LEEWAY, Trust, Untrusted, check};
pub use record::Record;
pub use session::signed::{
    PAYLOAD_TYPE, PublicKey, Signature, Thumbprint, is_for_certificates, signed_bytes,
};

use session::signed::pae;
use sha2::{Digest, Sha256};

/// The type of what a proof signs. It differs from that of events, so that neither can be taken for the other.
const PROOF_TYPE: &str = "application/vnd.event-driven-kit.proof.v1";

/// The bytes that a client's key signs by ES256 to prove in its hello that it holds the key.
///
/// They name the host that the client has connected to, in lower case and without a port; the client's id; its fencing
/// token, which ascends, so that a proof is good once; and its credential.
pub fn proof_bytes(host: &str, client: &[u8; 16], fence: u64, token: Option<&str>) -> Vec<u8> {
    let token: [u8; 32] = token.map_or([0; 32], |token| Sha256::digest(token).into());
    // The host is last, because only its length varies.
    let proof = [&client[..], &fence.to_be_bytes(), &token, host.as_bytes()].concat();
    pae(PROOF_TYPE, &proof)
}
