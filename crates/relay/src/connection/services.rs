//! Services that connections share, besides the log: the authority and presence.

use session::CloseCode;
use session::server::{Decided, Effect, Joiner, News};

use super::Connection;
use crate::border::audit;
use crate::limits::{Key, Kind};

impl Connection {
    /// Asks the authority about a credential. Returns false if it refuses and the connection ends.
    pub(super) fn authorize(&mut self, token: Option<&str>) -> bool {
        let now = self.now();
        match self.shared.authority.as_deref().map(|authority| authority.check(token)) {
            None => {}
            Some(Ok(granted)) => {
                if let Some(account) = &granted.account {
                    audit::signed_in(account.name(), self.from.address);
                }
                self.server.granted(granted, now);
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
            self.authorize(Some(token));
        } else {
            self.overloaded("too many credentials come from your address");
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
            self.authorize(token);
        }
    }

    /// Logs the outcome of a delete that is decided for good.
    pub(super) fn audit_delete(&self, decided: &Decided) {
        let (subject, address) = (self.server.subject(), self.from.address);
        match decided {
            Decided::Stored(position, _) => audit::deleted(subject, address, Ok(position)),
            Decided::Rejected { code, retry: None, .. } => {
                audit::deleted(subject, address, Err(*code));
            }
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
                let share = Some(Key::of(self.from.address).number());
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
