//! Who a client is to its peers.

use super::Saved;

/// Made of randomness, and kept over all connections, so that a peer knows the client again.
pub(super) struct Identity {
    pub(super) client: [u8; 16],
    /// Proves that the client is who it says.
    pub(super) secret: [u8; 32],
    /// Grows with each connection: the peer closes the older ones.
    pub(super) fence: u64,
}

impl Identity {
    pub(super) fn of(saved: &Saved) -> Self {
        let Saved { client, secret, fence, .. } = *saved;
        Self { client, secret, fence }
    }
}
