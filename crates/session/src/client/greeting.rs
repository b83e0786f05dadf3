//! The hello. The first one of a connection introduces the client; another one asks the peer to record it.

use super::state::ClientState;
use super::{Client, Identity, Secret};
use crate::Millis;
use crate::wire::frame::{FromClient, Hello};

impl Client {
    /// Sends the hello, once the socket is open and the fencing token and the proof are known.
    pub(super) fn greet(&mut self) {
        let Some(fence) = self.connection.fence else { return };
        if !self.is_proven(fence) || !matches!(self.state, ClientState::Greeting { .. }) {
            return;
        }
        self.connection.fence = None;
        let token = self.connection.token.take();
        let proof = self.connection.proof.take();
        self.hello(fence, token, proof, self.stranger.is_some() || self.outbox.has_no_history());
    }

    fn hello(
        &mut self,
        fence: u64,
        token: Option<String>,
        (key, proof): (Option<[u8; 65]>, Option<[u8; 64]>),
        reading: bool,
    ) {
        let is_known = self.stranger.is_none();
        let identity = self.stranger.as_ref().unwrap_or(&self.identity);
        let Identity { client, secret: Secret(secret), .. } = *identity;
        let (lowest, returning) = (self.outbox.lowest(), is_known && self.outbox.may_have_left());
        // The secret goes along with the proof: the peer may know this client by its secret, or know no keys.
        let secret = Some(secret);
        self.send(&FromClient::Hello(Hello {
            client,
            secret,
            fence,
            lowest,
            returning,
            token,
            key,
            proof,
            reading,
        }));
    }

    /// Asks the peer to record this client, which it answers with another welcome.
    pub(super) fn ask_to_be_recorded(&mut self, now: Millis) {
        if !self.connection.is_asked {
            self.connection.is_asked = true;
            self.connection.owing.get_or_insert(now);
            // The peer has checked the proof already.
            self.hello(self.identity.fence, None, (None, None), false);
        }
    }
}
