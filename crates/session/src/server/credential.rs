//! What the authority granted, and its lifetime. The client is notified before its credential ends, and the connection
//! is closed if it has not sent another one by then.

use super::{Effect, Options, Server};
use crate::rights::{Rights, Subject};
use crate::wire::frame::{Expiring, FromPeer};
use crate::{CloseCode, Millis};

/// How long before its credential's end a client is notified, but not before half of the lifetime.
const NOTICE: Millis = 60_000;

/// What an authority grants to a client.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Granted {
    /// The client's account. Other clients see its name: as the author of the client's events, and as the key of its
    /// presence. `None` for a guest, whose subject the server makes of its client id.
    pub account: Option<Subject>,
    /// What the client may do. The server replaces `{sub}` in the patterns.
    pub rights: Rights,
    /// The lifetime of the grant in milliseconds. `None` for no end.
    pub expires_in: Option<Millis>,
    /// The thumbprint (RFC 7638) of the device key that the credential is bound to. The owner refuses the credential on
    /// a connection that has not proven this key.
    pub key: Option<[u8; 32]>,
}

#[derive(Debug)]
pub(super) struct Credential {
    /// Whose connection this is. `None` before a grant, and without an authority.
    pub(super) subject: Option<Subject>,
    pub(super) rights: Rights,
    /// The rights as they were granted, with `{sub}` in the patterns.
    granted: Rights,
    /// Whose connection this is if it is a guest's.
    pub(super) guest: Subject,
    /// The id of a JSON client's hello that waits for the authority.
    pub(super) greeting: Option<String>,
    ends: Option<Millis>,
    /// When to notify the client. `None` once it was notified.
    notice: Option<Millis>,
}

impl Credential {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            subject: None,
            rights: if options.has_authority { Rights::none() } else { Rights::all() },
            granted: Rights::none(),
            guest: Subject::guest(&[0; 16]),
            greeting: None,
            ends: None,
            notice: None,
        }
    }

    /// The account that the client's events are from.
    pub(super) fn account(&self) -> Option<&str> {
        self.subject.as_ref().filter(|subject| !subject.is_guest()).map(Subject::name)
    }

    pub(super) fn ends(&self) -> Option<Millis> {
        self.ends
    }

    pub(super) fn notice(&self) -> Option<Millis> {
        self.notice
    }

    fn belongs_to(&mut self, subject: Subject) {
        self.rights = self.granted.for_subject(&subject);
        self.subject = Some(subject);
    }

    /// A guest has named itself.
    #[cfg(feature = "json")]
    pub(super) fn name_guest(&mut self) {
        if self.subject.is_some() {
            self.belongs_to(self.guest.clone());
        }
    }

    /// Whether a JSON client names its credential now: only then may a guest become an account.
    fn is_greeting(&self) -> bool {
        self.greeting.is_some()
    }
}

impl Server {
    /// The authority grants the credential of a hello or a refresh. A refresh cannot change the subject. What the
    /// client may no longer do ends: its subscriptions are refused, and it leaves topics.
    pub fn granted(&mut self, granted: Granted, now: Millis) {
        if self.is_closed() {
            return;
        }
        let Granted { account, rights, expires_in, key: _ } = granted;
        let subject = account.unwrap_or_else(|| self.credential.guest.clone());
        let may_become = |before: &Subject| before.is_guest() && self.credential.is_greeting();
        let before = self.credential.subject.as_ref();
        if before.is_some_and(|before| *before != subject && !may_become(before)) {
            return self.credential_refused(
                "the credential belongs to another subject: open a new connection for it",
            );
        }
        self.credential.ends = expires_in.map(|expires_in| now.saturating_add(expires_in));
        self.credential.notice = expires_in
            .map(|expires_in| now.saturating_add(expires_in - NOTICE.min(expires_in.div_ceil(2))));
        self.credential.granted = rights;
        // The welcome has the first ones.
        let are_first = self.credential.subject.is_none() || self.credential.is_greeting();
        let before = std::mem::replace(&mut self.credential.rights, Rights::none());
        self.credential.belongs_to(subject);
        if self.is_open() && !are_first && self.credential.rights != before {
            self.send(&FromPeer::ChangedRights(self.credential.rights.clone()));
        }
        self.rights_changed();
        #[cfg(feature = "json")]
        self.signed_in();
    }

    /// The authority refuses the credential.
    pub fn credential_refused(&mut self, message: &str) {
        self.close(CloseCode::CredentialRefused, message);
    }

    /// Whose connection this is, as text: an account's name, or `~` and the id of a guest. `None` before
    /// [`Server::granted`], and without an authority. The store remembers whom a client belongs to.
    pub fn subject(&self) -> Option<&str> {
        self.credential.subject.as_ref().map(Subject::name)
    }

    /// Whether the authority must answer before the owner feeds more: what follows a credential is covered by its
    /// rights.
    pub fn awaits_authority(&self) -> bool {
        matches!(self.effects.back(), Some(Effect::Refresh(_)))
    }

    pub(super) fn refresh(&mut self, token: String) {
        // What was sent before is covered by the rights until here.
        self.flush();
        self.effects.push_back(Effect::Refresh(token));
    }

    pub(super) fn credential_ends_soon(&mut self, now: Millis) {
        self.credential.notice = None;
        let Some(ends) = self.credential.ends else { return };
        let milliseconds = u32::try_from(ends.saturating_sub(now)).unwrap_or(u32::MAX);
        self.send(&FromPeer::Expiring(Expiring { milliseconds }));
    }
}
