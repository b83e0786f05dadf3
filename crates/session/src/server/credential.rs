//! The lifetime of a credential. The client is notified before its credential ends, and the connection is closed if
//! it has not sent another one by then.

use super::{Effect, Server};
use crate::wire::frame::{Expiring, FromPeer};
use crate::{CloseCode, Millis};

/// How long before its credential's end a client is notified, but not before half of the lifetime.
const NOTICE: Millis = 60_000;

/// What an authority grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Granted {
    /// The client's identity, which other clients see: it is the key of its presence. `None` if the client may choose
    /// its key.
    pub subject: Option<String>,
    /// The lifetime of the grant in milliseconds. `None` for no end.
    pub expires_in: Option<Millis>,
}

#[derive(Debug, Default)]
pub(super) struct Credential {
    subject: Option<String>,
    was_granted: bool,
    ends: Option<Millis>,
    /// When to notify the client. `None` once it was notified.
    notice: Option<Millis>,
}

impl Credential {
    pub(super) fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    pub(super) fn ends(&self) -> Option<Millis> {
        self.ends
    }

    pub(super) fn notice(&self) -> Option<Millis> {
        self.notice
    }
}

impl Server {
    /// The authority grants the credential of a hello or a refresh. A refresh cannot change the identity.
    pub fn granted(&mut self, granted: Granted, now: Millis) {
        if self.credential.was_granted && self.credential.subject != granted.subject {
            return self.credential_refused("the credential belongs to another identity");
        }
        let Granted { subject, expires_in } = granted;
        let ends = expires_in.map(|expires_in| now.saturating_add(expires_in));
        let notice = expires_in
            .map(|expires_in| now.saturating_add(expires_in - NOTICE.min(expires_in.div_ceil(2))));
        self.credential = Credential { subject, was_granted: true, ends, notice };
    }

    /// The authority refuses the credential.
    pub fn credential_refused(&mut self, message: &str) {
        self.close(CloseCode::CredentialRefused, message);
    }

    pub(super) fn refresh(&mut self, token: String) {
        self.effects.push_back(Effect::Refresh(token));
    }

    pub(super) fn credential_ends_soon(&mut self, now: Millis) {
        self.credential.notice = None;
        let Some(ends) = self.credential.ends else { return };
        let milliseconds = u32::try_from(ends.saturating_sub(now)).unwrap_or(u32::MAX);
        self.send(&FromPeer::Expiring(Expiring { milliseconds }));
    }
}
