//! The timers of a client.

use super::Client;
use super::state::ClientState;
use crate::Millis;
use crate::timers::timers;

timers! {
    /// The timers of a client.
    enum Timer of Client {
        /// An event in the outbox expires, or is given up.
        Expiry,
        /// The store failed, and the requests are repeated.
        Store,
        /// The peer was too busy for a request, and is asked again.
        History,
        /// The next connection attempt.
        Reconnect,
        /// Connecting or the handshake takes too long.
        Connect,
        /// A probe stays unanswered.
        Probe,
        /// The peer is silent for longer than its heartbeat allows.
        Silence,
        /// The peer owes an answer, and is probed.
        Owing,
        /// The application is asked for a credential again.
        Credential,
        /// The grace period of a gone follower ends.
        Presence,
        /// The time ends for which the peer wants publishes to be held back.
        Hold,
    }
}

impl Client {
    /// When to call [`Client::tick`] next. `None` if no timer runs.
    pub fn deadline(&self) -> Option<Millis> {
        self.next_due()
    }

    /// Fires the timers that are due. Call it at [`Client::deadline`], or at any other time.
    pub fn tick(&mut self, now: Millis) {
        self.fire_due(now);
    }

    fn due(&self, timer: Timer) -> Option<Millis> {
        let link = &self.connection;
        let has_link = self.is_online() && !self.following;
        match (timer, self.state) {
            (Timer::Expiry, _) => self.next_expiry(),
            (Timer::Store, _) => self.store_requests.retry,
            (Timer::History, _) => self.requests.retry,
            (Timer::Reconnect, ClientState::Waiting { until }) => Some(until),
            (Timer::Connect, ClientState::Opening { until } | ClientState::Greeting { until }) => {
                Some(until)
            }
            (Timer::Reconnect | Timer::Connect, _) => None,
            _ if !has_link => None,
            (Timer::Probe, _) => link.probe,
            (Timer::Silence, _) => Some(self.silence_ends()),
            (Timer::Owing, _) => self.probe_at(),
            (Timer::Credential, _) => link.fetch_at,
            (Timer::Presence, _) => link.tab_presence.deadline(),
            (Timer::Hold, _) => link.hold_until,
        }
    }

    fn fire(&mut self, timer: Timer, now: Millis) {
        match timer {
            Timer::Expiry => self.expire(now),
            Timer::Store => self.retry_store(),
            Timer::History => self.retry_requests(),
            Timer::Reconnect => self.open(now),
            Timer::Connect | Timer::Probe | Timer::Silence => self.give_up(now),
            Timer::Owing => self.probe(now),
            Timer::Credential => self.fetch_again(),
            Timer::Presence => self.leave_for_those_gone(now),
            Timer::Hold => {
                self.connection.hold_until = None;
                self.pump(now);
            }
        }
    }
}
