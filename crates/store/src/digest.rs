//! What an event is known by: a hash of its source and id.

use session::Body;
use sha2::{Digest as _, Sha256};

/// The beginning of the hash. Two events with the same digest count as one, and chance makes none.
pub(crate) type Digest = [u8; 16];

/// The digest of an event.
pub(crate) fn digest(body: &Body) -> Digest {
    let mut hash = Sha256::new();
    hash.update((body.source.len() as u64).to_le_bytes());
    hash.update(&body.source);
    hash.update(&body.id);
    let hash: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|at| hash[at])
}

/// The digest of an encoded body. `None` if it cannot be decoded, as a body that an older relay took may be: its event
/// is served like any other, but a repeat of it is not recognised.
pub(crate) fn digest_of(body: &[u8]) -> Option<Digest> {
    Body::decode(body).ok().map(|body| digest(&body))
}
