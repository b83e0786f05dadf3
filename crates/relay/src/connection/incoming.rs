//! Incoming messages: as many as have already arrived go to the machine together.

use session::CloseCode;

use super::Connection;
use super::socket::Heard;
use crate::border::audit::{self, Refused};

/// The most bytes that a connection reads before it answers. Beyond this, what it read first has left the processor's
/// cache.
const TOGETHER: usize = 16 << 10;
/// The same, in what is to be done for them.
const EFFECTS: usize = 128;

impl Connection {
    fn heard(&mut self, heard: Heard) {
        let now = self.now();
        self.server.set_clock(now, store::now());
        match heard {
            Heard::Binary(bytes) => self.take_part(bytes, 0),
            Heard::Text(text) => {
                self.server.received_text(text.as_str(), now);
                self.peer.gate.finished();
            }
            Heard::Ping => self.server.heard(now),
            Heard::TooLarge => self.server.too_large(),
            Heard::Broken(message) => self.server.close(CloseCode::ProtocolError, &message),
            Heard::Gone => {
                // Nobody is there to be told; the machine forgets what it would have sent.
                self.socket.gone();
                self.server.close(CloseCode::Silent, "");
            }
        }
    }

    /// With what has come already, so that it is answered and handed on together.
    pub(super) fn heard_all(&mut self, first: Heard) {
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(heard) = next.take() {
            bytes += match &heard {
                Heard::Binary(bytes) => bytes.len(),
                Heard::Text(text) => text.as_str().len(),
                // What follows an end is not asked for.
                _ => TOGETHER,
            };
            self.heard(heard);
            let is_enough = bytes >= TOGETHER || self.server.pending_effects() >= EFFECTS;
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
            CloseCode::Unauthorized => Refused::Secret,
            CloseCode::CredentialRefused => Refused::Credential,
            CloseCode::Overloaded => Refused::Limit,
            CloseCode::Silent | CloseCode::ProtocolError | CloseCode::UnexpectedHello
                if !self.is_known =>
            {
                Refused::Hello
            }
            _ => return,
        };
        audit::refused(refused, self.from.address, code.code());
    }

    /// Whether more may be read: what was heard is paid for, and the machine has room for more.
    pub(super) fn may_hear(&self) -> bool {
        self.debt.is_none() && !self.server.is_full()
    }
}
