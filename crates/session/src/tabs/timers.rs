//! The timers of a tab, apart from those of its clients.

use super::{BEAT, Effect, QUIET, Role, Tab};
use crate::Millis;
use crate::timers::timers;

timers! {
    /// The timers of a tab.
    enum Timer of Tab {
        /// A timer of the tab's client.
        Client,
        /// A timer of the fallback client.
        Fallback,
        /// The lock is requested again.
        Lock,
        /// A follower registers again.
        Join,
        /// A leader with followers announces itself.
        Beat,
        /// The leader does not answer, and its lock is stolen.
        Steal,
        /// The leader is silent, and is asked for a sign of life.
        Quiet,
    }
    other machines: Client, Fallback
}

impl Tab {
    /// When to call [`Tab::tick`] next. `None` if no timer runs.
    pub fn deadline(&self) -> Option<Millis> {
        self.next_due()
    }

    /// Fires the timers that are due. Call it at [`Tab::deadline`], or at any other time.
    pub fn tick(&mut self, now: Millis) {
        self.now = now;
        self.fire_due(now);
    }

    fn due(&self, timer: Timer) -> Option<Millis> {
        let follows = self.role == Role::Following;
        match timer {
            Timer::Client => self.client.deadline(),
            Timer::Fallback => self.fallback.as_ref()?.deadline(),
            Timer::Lock => self.lock_at,
            Timer::Join => self.join_at,
            Timer::Beat => (self.leads() && !self.followers.is_empty()).then_some(self.beat + BEAT),
            Timer::Steal => self.asked.filter(|_| follows).map(|asked| asked + self.patience()),
            Timer::Quiet => (follows && self.asked.is_none()).then_some(self.heard + QUIET),
        }
    }

    fn fire(&mut self, timer: Timer, now: Millis) {
        match timer {
            Timer::Client => self.client.tick(now),
            Timer::Fallback => {
                if let Some(fallback) = self.fallback() {
                    fallback.tick(now);
                }
            }
            Timer::Lock => {
                self.lock_at = None;
                self.effects.push_back(Effect::RequestLock);
            }
            Timer::Join => {
                self.join_at = None;
                self.visit_anew();
            }
            Timer::Beat => self.count_beats(),
            Timer::Steal => {
                (self.heard, self.asked, self.lock_at) = (now, None, None);
                self.effects.push_back(Effect::StealLock);
            }
            Timer::Quiet => self.ask(),
        }
    }
}
