//! The timers of a connection.

use super::{Server, ServerState};
use crate::timers::timers;
use crate::wire::frame::{FromPeer, Ping};
use crate::{CloseCode, Millis};

timers! {
    /// The timers of a server.
    enum Timer of Server {
        /// The credential ends.
        CredentialEnd,
        /// The client is notified that its credential ends soon.
        CredentialNotice,
        /// The time limit for the hello.
        Hello,
        /// The client is silent: it is pinged, and after the same time again the connection is closed.
        Silence,
    }
}

impl Server {
    /// When to call [`Server::tick`] next.
    pub fn deadline(&self) -> Millis {
        self.next_due().unwrap_or(Millis::MAX)
    }

    /// Fires the timers that are due. Call it at [`Server::deadline`], or at any other time.
    pub fn tick(&mut self, now: Millis) {
        self.fire_due(now);
    }

    fn due(&self, timer: Timer) -> Option<Millis> {
        let is_closed = self.state == ServerState::Closed;
        match timer {
            Timer::CredentialEnd => self.credential.ends().filter(|_| !is_closed),
            Timer::CredentialNotice => self.credential.notice().filter(|_| self.is_open()),
            Timer::Hello => self.hello_until,
            // Counted from the ping, because the connection may have been busy with a long write.
            Timer::Silence => Some(self.pinged.unwrap_or(self.heard) + self.options.heartbeat),
        }
    }

    fn fire(&mut self, timer: Timer, now: Millis) {
        match timer {
            Timer::CredentialEnd => self.credential_refused("the credential has ended"),
            Timer::CredentialNotice => self.credential_ends_soon(now),
            Timer::Hello if self.is_unknown() && self.state != ServerState::Greeting => {
                self.credential_refused("no credential arrived in time");
            }
            Timer::Hello => {
                self.close(CloseCode::Silent, "no hello or subscription arrived in time");
            }
            // The owner does not read while the queue is full.
            Timer::Silence if self.state == ServerState::Closed || self.is_full() => {
                self.heard(now)
            }
            Timer::Silence if self.pinged.is_some() || self.state == ServerState::Greeting => {
                self.close(CloseCode::Silent, "the client was silent for too long");
                self.heard(now);
            }
            Timer::Silence => {
                self.pinged = Some(now);
                self.send(&FromPeer::Ping(Ping { number: 0 }));
            }
        }
    }
}
