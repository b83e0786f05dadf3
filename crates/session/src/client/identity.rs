//! Who a client is to its peers.

use super::Entropy;

/// Made of randomness, and kept over all connections, so that a peer knows the client again.
pub(super) struct Identity {
    pub(super) client: [u8; 16],
    /// Proves that the client is who it says.
    pub(super) secret: [u8; 32],
    /// Grows with each connection: the peer closes the older ones.
    pub(super) fence: u64,
    /// A peer has welcomed it.
    pub(super) known: bool,
}

impl Identity {
    pub(super) fn new(entropy: &mut Entropy) -> Self {
        let (mut client, mut secret) = ([0; 16], [0; 32]);
        entropy(&mut client);
        entropy(&mut secret);
        Self { client, secret, fence: 0, known: false }
    }
}
