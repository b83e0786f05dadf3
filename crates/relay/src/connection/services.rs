//! Services that connections share, besides the log: the authority and presence.

use session::server::{Append, Decided, Effect, Granted, Joiner, News, Opened, Refusal};
use session::{CloseCode, Hello, RejectCode};
use trust::Thumbprint;

use super::Connection;
use crate::authority::Admitted;
use crate::border::audit::{self, Refused};
use crate::certificates::Sender;
use crate::limits::Kind;

impl Connection {
    /// Verifies the proof of a hello, and asks the authority about its credential. Returns false if one of them refuses
    /// and the connection ends.
    pub(super) fn admits(&mut self, hello: &Hello) -> bool {
        if !self.shared.proof_hosts.accept(hello) {
            self.server.opened(Opened::WrongProof);
            return false;
        }
        self.authorize(hello.token.as_deref(), hello.key.as_ref())
    }

    /// Asks the authority about a credential, for a client that has proven this key. Returns false if it refuses and
    /// the connection ends.
    fn authorize(&mut self, token: Option<&str>, key: Option<&[u8; 65]>) -> bool {
        let now = self.now();
        match self.shared.authority.as_deref().map(|authority| authority.check(token)) {
            None => {}
            Some(Ok(Admitted { granted: Granted { key: Some(bound), .. }, .. }))
                if key.map(|key| Thumbprint::of(key).0) != Some(bound) =>
            {
                let message =
                    "the token is bound to a device key, which this connection has not proven";
                self.server.credential_refused(message);
                return false;
            }
            Some(Ok(Admitted { granted, raised, key })) => {
                if let Some(account) = &granted.account {
                    let border = &self.shared.border;
                    let (from, name) = (&mut self.from, account.name());
                    if !border.sign_in_connection(&self.peer, from, name, raised) {
                        self.overloaded("too many connections are open with your account");
                        return false;
                    }
                }
                self.server.granted(granted, now);
                audit::connected(self.actor(), key.as_deref());
            }
            Some(Err(refused)) => {
                self.server.credential_refused(&refused.0);
                return false;
            }
        }
        true
    }

    /// Checks another credential. Each costs as much as that of a handshake.
    pub(super) fn refresh(&mut self, token: &str) {
        if self.from.allowance.try_take(Kind::Handshakes, 1) {
            let key = self.server.key().copied();
            self.authorize(Some(token), key.as_ref());
        } else {
            self.overloaded("too many credentials come from your address");
        }
    }

    /// Refuses an event on a topic of certificates unless it is a valid certificate of this client.
    pub(super) fn check_certificate(&self, append: &mut Append) {
        let Ok((topic, body)) = &append.event else { return };
        if !trust::is_for_certificates(topic.as_str()) {
            return;
        }
        let sender = Sender { subject: self.server.subject(), key: self.server.key() };
        let checked = match self.shared.certificates.as_deref() {
            Some(certificates) => certificates.check(topic, body, sender),
            None => Err("this relay has no accounts, and takes no certificates".to_owned()),
        };
        if let Err(message) = checked {
            audit::refused(&self.shared.metrics, Refused::Certificate, self.actor(), 0);
            let (code, id) = (RejectCode::UnknownCertificate, Some(body.id.clone()));
            append.event = Err(Refusal { code, message, id });
        }
    }

    /// Closes the connection if its key or its account was revoked.
    pub(super) fn end_if_revoked(&mut self) {
        let Some(certificates) = self.shared.certificates.as_deref() else { return };
        let revocations = &certificates.revocations;
        let key = self.server.key().map(Thumbprint::of);
        if key.is_some_and(|key| revocations.has_key(&key)) {
            self.server.close(CloseCode::Revoked, "the key was revoked");
        } else if self.server.subject().is_some_and(|subject| revocations.has_subject(subject)) {
            self.server.close(CloseCode::Revoked, "the account was revoked");
        }
    }

    /// Begins a connection of `cloudevents.json`, with the token of its upgrade. A client without one may send it in
    /// its hello; until then it is a guest, or may do nothing.
    pub(super) fn begin_json(&mut self, token: Option<&str>) {
        let mut guest = [0; 16];
        match getrandom::fill(&mut guest) {
            Ok(()) => self.server.set_guest(guest),
            Err(_) => {
                return self.server.close(CloseCode::Unavailable, "the system has no randomness");
            }
        }
        let admits_guests =
            self.shared.authority.as_deref().is_some_and(|it| it.check(None).is_ok());
        if token.is_some() || admits_guests {
            self.authorize(token, None);
        }
    }

    /// Logs the outcome of a delete that is decided for good.
    pub(super) fn audit_delete(&self, decided: &Decided) {
        match decided {
            Decided::Stored(position, _) => audit::deleted(self.actor(), Ok(position)),
            Decided::Rejected { code, retry: None, .. } => audit::deleted(self.actor(), Err(*code)),
            Decided::Rejected { .. } | Decided::Fenced => {}
        }
    }

    /// Carries out the effects of presence.
    pub(super) fn attend(&mut self, effect: Effect) {
        let presence = self.shared.hub.presence();
        match effect {
            Effect::Join { topic, key, data } => {
                // Only clients with a hello can be present.
                let Some((client, _)) = self.client else { return };
                let share = Some(self.from.key.number());
                let joiner = Joiner { connection: self.number, client, share };
                if let Err(code) =
                    presence.join(joiner, &topic, &key, &data, Some(&self.from.share))
                {
                    self.server.not_present(&topic, code, "the topic is full");
                }
            }
            Effect::Leave(topic) => presence.leave(self.number, &topic),
            Effect::Watch(topic) => presence.watch(self.number, &topic, &self.bell),
            Effect::Unwatch(topic) => presence.unwatch(self.number, &topic),
            _ => {}
        }
    }

    /// Feeds the changes of presence since the last call.
    pub(super) fn tell_presence(&mut self) {
        while let Some((topic, news)) = self.shared.hub.presence().news(self.number) {
            match news {
                News::State(all) => self.server.present(&topic, all),
                News::Changes(joined, left) => self.server.presence(&topic, joined, left),
            }
        }
    }
}
