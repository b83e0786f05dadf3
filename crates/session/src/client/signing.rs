//! The device's key, which the owner holds: it proves each connection, and signs the events that must be signed.

use super::state::ClientState;
use super::{Client, Effect, ProofRequest};
use crate::{Body, CloseCode, MAX_UNANSWERED, Millis};

/// How long after its publish an event must be signed, in milliseconds.
pub(super) const SIGN_WITHIN: Millis = 24 * 60 * 60 * 1_000;
/// The size of a signature in a body.
pub(super) const SIGNATURE_BYTES: usize = 67;

/// The proof of a connection.
#[derive(Debug, Default)]
pub(super) enum Proof {
    #[default]
    NotAsked,
    Asked,
    Made([u8; 65], [u8; 64]),
    Impossible,
}

impl Proof {
    /// The key and the proof for the hello.
    pub(super) fn take(&mut self) -> (Option<[u8; 65]>, Option<[u8; 64]>) {
        match std::mem::take(self) {
            Self::Made(key, proof) => (Some(key), Some(proof)),
            _ => (None, None),
        }
    }
}

impl Client {
    /// Sets the source of the events that the device's key signs. They then count as this client's [own](Self::is_own).
    pub fn signs_as(&mut self, source: &str) {
        self.key_source = Some(source.into());
    }

    /// The response to the [`Effect::Prove`] with this fencing token: the public key of the device, and its signature.
    /// Any other response is for a connection that is over.
    pub fn proved(&mut self, fence: u64, key: [u8; 65], proof: [u8; 64]) {
        self.answer_proof(fence, Proof::Made(key, proof));
    }

    /// Instead of [`Client::proved`], if the device has no key. The peer then admits the client only if it knows the
    /// client by its secret.
    pub fn cannot_prove(&mut self, fence: u64) {
        if self.answer_proof(fence, Proof::Impossible) {
            self.connection.unproven = Some(fence);
        }
    }

    /// The device has its key after all, which it did not have for the connection with this fencing token. Connects
    /// again, with a proof: without one the peer refuses signed events.
    pub fn prove_again(&mut self, fence: u64, now: Millis) {
        if self.connection.unproven == Some(fence) && self.has_socket() {
            self.effects.push_back(Effect::Close(CloseCode::GoingAway));
            self.disconnected();
            self.open(now);
        }
    }

    /// Returns false if the connection is over.
    fn answer_proof(&mut self, fence: u64, proof: Proof) -> bool {
        let is_asked = matches!(self.connection.proof, Proof::Asked);
        let is_current = is_asked && self.connection.fence == Some(fence);
        if is_current {
            self.connection.proof = proof;
            self.greet();
        }
        is_current
    }

    /// Whether the hello with this fencing token need not wait for its proof. Asks for the proof while the socket
    /// opens.
    pub(super) fn is_proven(&mut self, fence: u64) -> bool {
        let connects =
            matches!(self.state, ClientState::Opening { .. } | ClientState::Greeting { .. });
        if !self.options.proves || !connects {
            return !self.options.proves;
        }
        if matches!(self.connection.proof, Proof::NotAsked) {
            self.connection.proof = Proof::Asked;
            let (client, token) = (self.client_of_link(), self.connection.token.clone());
            self.effects.push_back(Effect::Prove(ProofRequest { client, fence, token }));
        }
        !matches!(self.connection.proof, Proof::Asked)
    }

    /// The response to an [`Effect::Sign`]: the signature for the event with this id.
    pub fn signed(&mut self, id: &str, signature: [u8; 64], now: Millis) {
        self.outbox.signed(id, signature);
        self.pump(now);
    }

    /// Instead of [`Client::signed`], if the event cannot be signed now: the device has no key, or no certificate that
    /// covers the time of the event. The event waits, and later ones wait behind it. [`Effect::Sign`] comes again on
    /// the next connection, and after [`Client::sign_again`]. Twenty-four hours after its publish the event is rejected
    /// as [not signed](crate::RejectCode::NotSigned).
    pub fn cannot_sign(&mut self, id: &str) {
        self.outbox.cannot_sign(id);
    }

    /// Instead of [`Client::signed`], if no certificate will ever cover the event. It is rejected at once, so that
    /// later ones need not wait.
    pub fn never_signs(&mut self, id: &str, now: Millis) {
        self.outbox.never_signs(id);
        self.expire(now);
    }

    /// Asks again for the signatures that could not be made. Call it when there is another certificate.
    pub fn sign_again(&mut self, now: Millis) {
        self.outbox.sign_again();
        self.pump(now);
    }

    /// Asks for the signatures of the events that may be sent next.
    pub(super) fn ask_to_sign(&mut self) {
        for row in self.outbox.next_to_sign(MAX_UNANSWERED) {
            match Body::decode(&row.body) {
                Ok(body) => {
                    self.effects.push_back(Effect::Sign { id: row.id, topic: row.topic, body });
                }
                // A broken store: its content is not an event.
                Err(_) => self.outbox.cannot_sign(&row.id),
            }
        }
    }
}
