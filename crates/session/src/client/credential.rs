//! What the peer's authority asks for: fetched from the application before each connection and when the one
//! that was shown is about to end. It is kept nowhere.

use super::state::ClientState;
use super::{Client, Effect};
use crate::wire::frame::{FromClient, Refresh};
use crate::{CloseCode, Millis};

/// After so many milliseconds a fetch that has failed on a connection is tried again.
const RETRY: Millis = 5_000;

impl Client {
    /// The answer to [`Effect::FetchCredential`]: a credential, or none, as it cannot be had now. Then the
    /// link waits as if there had been no connection.
    pub fn credential(&mut self, credential: Option<String>, now: Millis) {
        match (self.state, credential) {
            (ClientState::Fetching, Some(token)) => {
                self.dial(now);
                self.connection.token = Some(token);
            }
            (ClientState::Fetching, None) => self.wait(now, 0),
            (ClientState::Online { .. }, Some(token)) if self.sends() => {
                self.connection.is_refreshed = true;
                self.send(&FromClient::Refresh(Refresh { token }));
            }
            (ClientState::Online { .. }, None) if self.sends() => {
                self.connection.fetch_at = Some(now + RETRY);
            }
            // Of a connection that is over.
            _ => {}
        }
    }

    /// The credential ends, and what was shown before it was taken.
    pub(super) fn expiring(&mut self) {
        self.connection.is_refreshed = false;
        self.fetch();
    }

    pub(super) fn fetch_again(&mut self) {
        self.connection.fetch_at = None;
        self.fetch();
    }

    fn fetch(&mut self) {
        if self.options.credentials {
            self.effects.push_back(Effect::FetchCredential);
        }
    }

    /// Whether a close with this code ends the link until the application acts. That a credential has ended,
    /// though it was good, does not: a page that slept through its end shows another one.
    pub(super) fn is_final(&self, code: u16) -> bool {
        let has_ended = code == CloseCode::CredentialRefused.code()
            && self.options.credentials
            && self.is_online()
            && !self.connection.is_refreshed;
        !CloseCode::is_reconnect(code) && !has_ended
    }
}
