//! Who a client is to its peers.

use super::{Saved, Secret};

/// Made of randomness, and kept over all connections, so that a peer knows the client again.
pub(super) struct Identity {
    pub(super) client: [u8; 16],
    /// Proves that the client is who it says.
    pub(super) secret: Secret,
    /// Grows with each connection: the peer closes the older ones.
    pub(super) fence: u64,
}

impl Identity {
    pub(super) fn of(saved: &Saved) -> Self {
        let Saved { client, secret, fence, .. } = *saved;
        Self { client, secret, fence }
    }

    /// Whether a peer wrote this source for an event of this client: `/clients/<id>`, and what the
    /// client said itself.
    pub(super) fn signed(&self, source: &str) -> bool {
        let mut digits = source.bytes().skip("/clients/".len());
        let is_id = self.client.iter().all(|byte| {
            [byte >> 4, byte & 15].map(|n| b"0123456789abcdef"[usize::from(n)])
                == [digits.next(), digits.next()].map(Option::unwrap_or_default)
        });
        source.starts_with("/clients/") && is_id && matches!(digits.next(), None | Some(b'/'))
    }
}
