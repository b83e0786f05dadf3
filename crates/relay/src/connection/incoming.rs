//! Incoming messages. All messages that have arrived are fed together.

use session::CloseCode;

use super::Connection;
use super::socket::Heard;
use crate::border::audit::{self, Actor, Refused};

/// The maximum size of messages that are fed before they are answered. Beyond this, the first ones have left the
/// processor's cache.
const TOGETHER: usize = 16 << 10;
/// The maximum number of effects for the same.
const EFFECTS: usize = 128;

impl Connection {
    fn heard(&mut self, heard: Heard) {
        let now = self.now();
        self.server.set_clock(now, store::now());
        match heard {
            Heard::Binary(bytes) => self.take_part(bytes, 0),
            Heard::Text(text) => {
                self.server.received_text(text.as_str(), now);
                self.finished();
            }
            Heard::Ping => self.server.heard(now),
            Heard::TooLarge => self.server.too_large(),
            Heard::Broken(message) => self.server.close(CloseCode::ProtocolError, &message),
            Heard::Gone => {
                // No client is left to notify, and the machine discards what it would have sent.
                self.socket.gone();
                self.server.close(CloseCode::Silent, "");
            }
        }
    }

    /// Together with what has arrived already, so that it is answered and forwarded together.
    pub(super) fn heard_all(&mut self, first: Heard) {
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(heard) = next.take() {
            bytes += match &heard {
                Heard::Binary(bytes) => bytes.len(),
                Heard::Text(text) => text.as_str().len(),
                // After a close, nothing more is read.
                _ => TOGETHER,
            };
            self.heard(heard);
            let is_enough = bytes >= TOGETHER
                || self.server.pending_effects() >= EFFECTS
                || self.server.awaits_authority();
            if !is_enough && self.rest.is_none() && !self.server.is_full() {
                next = self.socket.hear_now();
            }
        }
        self.is_shut = false;
        self.charge();
    }

    /// Logs a close that is a refusal.
    pub(super) fn audit_close(&self, code: CloseCode) {
        let refused = match code {
            CloseCode::Unauthorized | CloseCode::OtherKey => Refused::Secret,
            CloseCode::CredentialRefused => Refused::Credential,
            CloseCode::Revoked => Refused::Revoked,
            CloseCode::Overloaded => Refused::Limit,
            CloseCode::Silent | CloseCode::ProtocolError | CloseCode::UnexpectedHello
                if !self.is_known =>
            {
                Refused::Hello
            }
            _ => return,
        };
        audit::refused(&self.shared.metrics, refused, self.actor(), code.code());
    }

    /// The client, for the audit log.
    pub(super) fn actor(&self) -> Actor<'_> {
        Actor { subject: self.server.subject(), address: self.from.address }
    }

    /// Whether more may be read: all debts are paid, and the machine has room.
    pub(super) fn may_hear(&self) -> bool {
        self.debt.is_none() && !self.server.is_full()
    }
}
