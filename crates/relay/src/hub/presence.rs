//! The presence of all connections: wakes the watchers of a topic, and removes members whose time is up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use session::RejectCode;
use session::server::{Joiner, News, PresenceRegistry};
use tokio::sync::Notify;
use tokio::time::Instant;
use topic::Topic;

use crate::budget::{Permit, Share};

/// The cost of a member beside its texts.
const SEAT: usize = 512;

/// See the [module](self).
#[derive(Debug)]
pub struct Presence {
    state: Mutex<HubPresence>,
    began: Instant,
}

#[derive(Debug, Default)]
struct HubPresence {
    registry: PresenceRegistry<Option<Permit>>,
    /// Wakes the watching connections.
    bells: HashMap<u64, Arc<Notify>>,
    /// Whether a task waits for the next member to expire.
    is_swept: bool,
}

impl Default for Presence {
    fn default() -> Self {
        Self { state: Mutex::default(), began: Instant::now() }
    }
}

impl Presence {
    /// As [`PresenceRegistry::join`]; what is kept is taken from `memory`.
    ///
    /// # Errors
    /// As there, and [`RejectCode::TooMany`] if there is no memory for it.
    pub fn join(
        &self,
        joiner: Joiner,
        topic: &Topic,
        key: &str,
        data: &[u8],
        memory: Option<&Share>,
    ) -> Result<(), RejectCode> {
        let bytes = SEAT + topic.as_str().len() + key.len() + data.len();
        let permit = match memory {
            Some(memory) => Some(memory.try_take(bytes).ok_or(RejectCode::TooMany)?),
            None => None,
        };
        self.with(|state| state.registry.join(joiner, topic, key, data, permit))
    }

    /// As [`PresenceRegistry::leave`].
    pub fn leave(&self, connection: u64, topic: &Topic) {
        self.with(|state| state.registry.leave(connection, topic));
    }

    /// As [`PresenceRegistry::watch`]; `bell` rings when there is news.
    pub fn watch(&self, connection: u64, topic: &Topic, bell: &Arc<Notify>) {
        self.with(|state| {
            state.bells.insert(connection, Arc::clone(bell));
            state.registry.watch(connection, topic);
        });
    }

    /// As [`PresenceRegistry::unwatch`].
    pub fn unwatch(&self, connection: u64, topic: &Topic) {
        self.with(|state| state.registry.unwatch(connection, topic));
    }

    /// As [`PresenceRegistry::news`].
    pub fn news(&self, connection: u64) -> Option<(Topic, News)> {
        self.lock().registry.news(connection)
    }

    /// As [`PresenceRegistry::counts`].
    pub fn counts(&self) -> (usize, usize) {
        self.lock().registry.counts()
    }

    /// Reports the end of a connection. Must be called within a runtime.
    pub fn gone(self: &Arc<Self>, connection: u64) {
        let now = self.now();
        let begins = self.with(|state| {
            state.bells.remove(&connection);
            state.registry.gone(connection, now);
            let has_to = state.registry.deadline().is_some();
            has_to && !std::mem::replace(&mut state.is_swept, true)
        });
        if begins {
            tokio::spawn(Arc::clone(self).sweep());
        }
    }

    /// Removes expired members one by one, and ends when no member is about to expire.
    async fn sweep(self: Arc<Self>) {
        loop {
            let now = self.now();
            let next = self.with(|state| {
                state.registry.tick(now);
                let next = state.registry.deadline();
                state.is_swept = next.is_some();
                next
            });
            let Some(next) = next else { return };
            tokio::time::sleep_until(self.began + Duration::from_millis(next)).await;
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Applies a change, and wakes the watchers that it concerns.
    fn with<T>(&self, change: impl FnOnce(&mut HubPresence) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state);
        while let Some(connection) = state.registry.wake() {
            if let Some(bell) = state.bells.get(&connection) {
                bell.notify_one();
            }
        }
        changed
    }

    /// A panic while the lock is held leaves no partial change.
    fn lock(&self) -> MutexGuard<'_, HubPresence> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use session::PRESENCE_GRACE as GRACE;

    use crate::budget::Budget;
    use crate::limits::Key;

    fn lobby() -> Topic {
        Topic::parse("lobby").unwrap()
    }

    fn joiner(connection: u64, client: u8) -> Joiner {
        Joiner { connection, client: [client; 16], share: None }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_taken_from_the_budget_until_its_owner_has_left() {
        let budget = Budget::new(4 * 2_200);
        let memory = budget.share(&Key::of([192, 0, 2, 1].into()));
        let presence = Arc::new(Presence::default());
        let join = |client: u8, size: usize| {
            let data = vec![0; size];
            presence.join(joiner(client.into(), client), &lobby(), "ann", &data, Some(&memory))
        };
        join(1, 1_000).unwrap();
        assert_eq!(join(2, 1_000), Err(RejectCode::TooMany));
        // The same one again, with less to say.
        join(1, 100).unwrap();
        let (one, both) = (budget.used(), 2 * budget.used());
        join(2, 100).unwrap();
        assert_eq!(budget.used(), both);
        presence.leave(2, &lobby());
        assert_eq!(budget.used(), one);
        presence.gone(1);
        assert_eq!(budget.used(), one, "it may come again");
        tokio::time::sleep(Duration::from_millis(GRACE + 1)).await;
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_member_that_does_not_return_leaves_after_the_grace_and_the_watchers_are_woken() {
        let (presence, bell) = (Arc::new(Presence::default()), Arc::new(Notify::new()));
        presence.join(joiner(1, 1), &lobby(), "ann", b"", None).unwrap();
        presence.join(joiner(2, 2), &lobby(), "bob", b"", None).unwrap();
        presence.watch(9, &lobby(), &bell);
        bell.notified().await;
        assert!(matches!(presence.news(9), Some((_, News::State(all))) if all.len() == 2));
        let began = Instant::now();
        presence.gone(1);
        tokio::time::sleep(Duration::from_millis(GRACE / 2)).await;
        presence.gone(2);
        for seconds in [GRACE, GRACE + GRACE / 2] {
            bell.notified().await;
            assert!(began.elapsed().as_millis() >= u128::from(seconds));
            let Some((_, News::Changes(joined, left))) = presence.news(9) else { panic!() };
            assert_eq!((joined.len(), left.len()), (0, 1));
        }
        assert!(presence.news(9).is_none());
        assert!(!presence.lock().is_swept);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_wakes_no_watcher() {
        let (presence, bell) = (Arc::new(Presence::default()), Arc::new(Notify::new()));
        presence.join(joiner(1, 1), &lobby(), "ann", b"", None).unwrap();
        presence.watch(9, &lobby(), &bell);
        bell.notified().await;
        presence.news(9);
        presence.gone(1);
        tokio::time::sleep(Duration::from_millis(GRACE - 1)).await;
        presence.join(joiner(2, 1), &lobby(), "ann", b"", None).unwrap();
        let woken = tokio::time::timeout(Duration::from_secs(60), bell.notified()).await;
        assert!(woken.is_err());
    }
}
