//! A client's identity.

use super::clone_detector::CloneDetector;
use super::state::ClientState;
use super::{Client, Effect, SavedState, Secret};
use crate::{CloseCode, Millis};

/// Random, and constant across connections, so that a peer recognises the client.
pub(super) struct Identity {
    pub(super) client: [u8; 16],
    /// Proves that the client owns the id.
    pub(super) secret: Secret,
    /// Grows with each connection. The peer closes the older connections.
    pub(super) fence: u64,
}

impl Identity {
    pub(super) fn of(saved: &SavedState) -> Self {
        let SavedState { client, secret, fence, .. } = *saved;
        Self { client, secret, fence }
    }

    /// Whether the peer attests that this source is of this client's events: `/clients/<id>`, then what the client
    /// itself wrote.
    pub(super) fn is_own(&self, source: &str) -> bool {
        let mut digits = source.bytes().skip("/clients/".len());
        let is_id = self.client.iter().all(|byte| {
            [byte >> 4, byte & 15].map(|n| b"0123456789abcdef"[usize::from(n)])
                == [digits.next(), digits.next()].map(Option::unwrap_or_default)
        });
        source.starts_with("/clients/") && is_id && matches!(digits.next(), None | Some(b'/'))
    }
}

impl Client {
    /// The store has no identity for the client, or could not write one. Until it does, the client reads from the
    /// peer under a temporary identity, which publishes nothing and ends with the page.
    pub(super) fn read_as_stranger(&mut self, now: Millis) {
        if self.state == ClientState::Storing || self.connection.strange.is_some() {
            self.clone_detector = CloneDetector::default();
            let Self { stranger, entropy, .. } = self;
            stranger
                .get_or_insert_with(|| Identity::of(&SavedState::new(&mut entropy.borrow_mut())));
            self.effects.push_back(Effect::Close(CloseCode::GoingAway));
            self.disconnected();
            self.open(now);
        }
    }
}
