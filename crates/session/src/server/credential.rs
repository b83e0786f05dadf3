//! How long the peer's authority lets a connection be: it is told before its credential ends, and closed
//! when that happens without another one.

use super::{Effect, Server};
use crate::wire::frame::{Expiring, FromPeer};
use crate::{CloseCode, Millis};

/// A connection is told so long before its credential ends, and after half of it at the latest.
const NOTICE: Millis = 60_000;

/// What an authority grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Granted {
    /// Who the client is, to the others too: its key where it is present. None if anybody may say so.
    pub subject: Option<String>,
    /// In so many milliseconds the grant ends; none is without an end.
    pub expires_in: Option<Millis>,
}

#[derive(Debug, Default)]
pub(super) struct Credential {
    subject: Option<String>,
    was_granted: bool,
    ends: Option<Millis>,
    /// When the client is to be told; none if it was.
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
    /// The authority grants what the client has said in its hello or a refresh. A refresh may not make
    /// somebody else of it.
    pub fn granted(&mut self, granted: Granted, now: Millis) {
        if self.credential.was_granted && self.credential.subject != granted.subject {
            return self.credential_refused("the credential is somebody else's");
        }
        let Granted { subject, expires_in } = granted;
        let ends = expires_in.map(|expires_in| now.saturating_add(expires_in));
        let notice = expires_in
            .map(|expires_in| now.saturating_add(expires_in - NOTICE.min(expires_in.div_ceil(2))));
        self.credential = Credential { subject, was_granted: true, ends, notice };
    }

    /// The authority refuses it.
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
