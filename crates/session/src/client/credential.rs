//! Credentials for the peer's authority. The application provides one before each connection, and again before the
//! current one ends. They are stored nowhere.

use super::state::ClientState;
use super::{Client, Effect};
use crate::wire::frame::{FromClient, Refresh};
use crate::{CloseCode, Millis};

/// The delay before a failed fetch on a live connection is tried again, in milliseconds.
const RETRY: Millis = 5_000;

impl Client {
    /// The response to [`Effect::FetchCredential`]: a credential, or `None` without one. Then the
    /// link waits as after a failed connection.
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
            // For a connection that is over.
            _ => {}
        }
    }

    /// The credential ends soon, and every earlier refresh was answered.
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

    /// Whether a close with this code stops the link until the application acts. An ended credential does not: a page
    /// that slept past the end shows a new one.
    pub(super) fn is_final(&self, code: u16) -> bool {
        let has_ended = code == CloseCode::CredentialRefused.code()
            && self.options.credentials
            && self.is_online()
            && !self.connection.is_refreshed;
        !CloseCode::is_reconnect(code) && !has_ended
    }
}
