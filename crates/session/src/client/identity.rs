//! Who a client is to its peers.

use super::clone_detector::CloneDetector;
use super::state::ClientState;
use super::{Client, Effect, SavedState, Secret};
use crate::{CloseCode, Millis};

/// Made of randomness, and kept over all connections, so that a peer knows the client again.
pub(super) struct Identity {
    pub(super) client: [u8; 16],
    /// Proves that the client is who it says.
    pub(super) secret: Secret,
    /// Grows with each connection: the peer closes the older ones.
    pub(super) fence: u64,
}

impl Identity {
    pub(super) fn of(saved: &SavedState) -> Self {
        let SavedState { client, secret, fence, .. } = *saved;
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

impl Client {
    /// The store does not say who the client is, or does not take who it is to be. The peer is read all the same,
    /// under an identity that is gone with the page and publishes nothing, until the store answers.
    pub(super) fn read_as_stranger(&mut self, now: Millis) {
        if self.state == ClientState::Storing || self.connection.strange.is_some() {
            self.clone_detector = CloneDetector::default();
            let Self { stranger, entropy, .. } = self;
            stranger.get_or_insert_with(|| Identity::of(&SavedState::new(&mut entropy.borrow_mut())));
            self.effects.push_back(Effect::Close(CloseCode::GoingAway));
            self.disconnected();
            self.open(now);
        }
    }
}
