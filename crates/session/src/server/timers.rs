//! The timers of a connection.

use super::{Server, ServerState};
use crate::timers::timers;
use crate::wire::frame::{FromPeer, Ping};
use crate::{CloseCode, Millis};

timers! {
    /// What the server waits for.
    enum Timer {
        /// The credential ends.
        CredentialEnd,
        /// The client is told that its credential is about to end.
        CredentialNotice,
        /// The client must have said hello.
        Hello,
        /// The client is silent: it is pinged, and after another such time the connection is closed.
        Silence,
    }
}

impl Server {
    /// When to call [`Server::tick`] next.
    pub fn deadline(&self) -> Millis {
        let due = Timer::ALL.iter().filter_map(|timer| self.due(*timer)).min();
        due.unwrap_or(Millis::MAX)
    }

    /// Fires the timers that are due.
    pub fn tick(&mut self, now: Millis) {
        for timer in Timer::ALL {
            let due = self.due(*timer);
            if due.is_some_and(|due| due <= now) {
                self.fire(*timer, now);
                debug_assert_ne!(self.due(*timer), due, "{timer:?} stays due");
            }
        }
    }

    fn due(&self, timer: Timer) -> Option<Millis> {
        let is_closed = self.state == ServerState::Closed;
        match timer {
            Timer::CredentialEnd => self.credential.ends().filter(|_| !is_closed),
            Timer::CredentialNotice => self.credential.notice().filter(|_| self.is_open()),
            Timer::Hello => self.hello_until,
            // From the ping, not from what was heard: the connection may have been at a long send meanwhile.
            Timer::Silence => Some(self.pinged.unwrap_or(self.heard) + self.options.heartbeat),
        }
    }

    fn fire(&mut self, timer: Timer, now: Millis) {
        match timer {
            Timer::CredentialEnd => self.credential_refused("the credential has ended"),
            Timer::CredentialNotice => self.credential_ends_soon(now),
            Timer::Hello => {
                self.close(CloseCode::Silent, "you have not said who you are, or what you want");
            }
            // While it is full it does not read.
            Timer::Silence if self.state == ServerState::Closed || self.is_full() => self.heard(now),
            Timer::Silence if self.pinged.is_some() || self.state == ServerState::Greeting => {
                self.close(CloseCode::Silent, "nothing was heard from you");
                self.heard(now);
            }
            Timer::Silence => {
                self.pinged = Some(now);
                self.send(&FromPeer::Ping(Ping { number: 0 }));
            }
        }
    }
}
