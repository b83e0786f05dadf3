//! A budget in bytes for all memory that clients can fill: unfinished messages, queued writes, subscriptions with
//! their queries, and presence.
//!
//! Every byte is charged to a [`Key`]. One key can hold at most a quarter of the budget, so that others always find
//! room.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::Key;

/// The divisor for the part of the budget that one key can hold.
const SHARES: usize = 4;
/// The number of shares to remember before unused ones are dropped.
const FEW: usize = 64;

/// See the [module](self).
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    whole: Arc<Semaphore>,
    bytes: usize,
    shares: Mutex<Shares>,
}

#[derive(Debug, Default)]
struct Shares {
    of: HashMap<Key, Weak<Semaphore>>,
    /// The number of used shares after unused ones were last dropped.
    used: usize,
}

impl Budget {
    /// Creates a budget of `bytes`; 0 for no limit.
    pub fn new(bytes: u64) -> Self {
        let bytes = match usize::try_from(bytes) {
            Ok(0) | Err(_) => Semaphore::MAX_PERMITS,
            Ok(bytes) => bytes.clamp(SHARES, Semaphore::MAX_PERMITS),
        };
        let whole = Arc::new(Semaphore::new(bytes));
        Self(Arc::new(Inner { whole, bytes, shares: Mutex::default() }))
    }

    /// The part of the budget that `key` can hold.
    pub fn share(&self, key: &Key) -> Share {
        let Inner { whole, bytes, shares } = &*self.0;
        let most = bytes / SHARES;
        let mut shares = shares.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shares.of.get(key).and_then(Weak::upgrade);
        let own = known.unwrap_or_else(|| {
            let own = Arc::new(Semaphore::new(most));
            shares.of.insert(key.clone(), Arc::downgrade(&own));
            if shares.of.len() > FEW.max(2 * shares.used) {
                shares.of.retain(|_, share| share.strong_count() > 0);
                shares.used = shares.of.len();
            }
            own
        });
        Share { own, whole: Arc::clone(whole), most }
    }

    /// The number of bytes in use.
    pub fn used(&self) -> usize {
        self.0.bytes - self.0.whole.available_permits()
    }
}

/// The part of a [`Budget`] that one key can hold. Clones share it.
#[derive(Debug, Clone)]
pub struct Share {
    own: Arc<Semaphore>,
    whole: Arc<Semaphore>,
    most: usize,
}

impl Share {
    /// Takes `bytes`, or returns `None` if there is no room now. A request for more than a share counts as a whole
    /// share.
    pub fn try_take(&self, bytes: usize) -> Option<Permit> {
        let bytes = self.permits(bytes);
        let own = Arc::clone(&self.own).try_acquire_many_owned(bytes).ok()?;
        let whole = Arc::clone(&self.whole).try_acquire_many_owned(bytes).ok()?;
        Some(Permit { own, whole })
    }

    /// Takes `bytes` as soon as there is room, in the order of the calls. A request for more than a share counts as a
    /// whole share.
    pub async fn take(&self, bytes: usize) -> Permit {
        let bytes = self.permits(bytes);
        // The key's own share comes first, so that a waiting key holds nothing of the others'.
        let own = Arc::clone(&self.own).acquire_many_owned(bytes).await;
        let whole = Arc::clone(&self.whole).acquire_many_owned(bytes).await;
        match (own, whole) {
            (Ok(own), Ok(whole)) => Permit { own, whole },
            // The semaphores are never closed.
            _ => std::future::pending().await,
        }
    }

    fn permits(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.min(self.most)).unwrap_or(u32::MAX)
    }
}

/// Bytes taken from a [`Budget`], returned when this is dropped.
#[derive(Debug)]
#[must_use = "the bytes are given back when this is dropped"]
pub struct Permit {
    own: OwnedSemaphorePermit,
    whole: OwnedSemaphorePermit,
}

impl Permit {
    /// The number of bytes.
    pub fn bytes(&self) -> usize {
        self.own.num_permits()
    }

    /// Merges another permit of the same share.
    ///
    /// # Panics
    /// If `other` belongs to another share.
    pub fn merge(&mut self, other: Self) {
        self.own.merge(other.own);
        self.whole.merge(other.whole);
    }

    /// Returns all but `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes().saturating_sub(bytes);
        drop((self.own.split(surplus), self.whole.split(surplus)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(last: u8) -> Key {
        Key::of(std::net::IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn a_key_holds_a_quarter_and_all_keys_the_whole() {
        let budget = Budget::new(100);
        let one = budget.share(&key(1)).try_take(25).unwrap();
        assert!(budget.share(&key(1)).try_take(1).is_none());
        let others: Vec<_> =
            (2..=4).map(|last| budget.share(&key(last)).try_take(25).unwrap()).collect();
        assert!(budget.share(&key(5)).try_take(1).is_none());
        assert_eq!(budget.used(), 100);
        drop(one);
        assert_eq!(budget.share(&key(5)).try_take(25).unwrap().bytes(), 25);
        drop(others);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_take_that_fails_takes_nothing() {
        let budget = Budget::new(100);
        let _held: Vec<_> =
            (1..=4).map(|last| budget.share(&key(last)).try_take(24).unwrap()).collect();
        let fifth = budget.share(&key(5));
        assert!(fifth.try_take(5).is_none());
        assert_eq!(budget.used(), 96);
        assert!(fifth.try_take(4).is_some());
    }

    #[test]
    fn a_permit_grows_and_shrinks() {
        let budget = Budget::new(100);
        let share = budget.share(&key(1));
        let mut permit = share.try_take(5).unwrap();
        permit.merge(share.try_take(20).unwrap());
        assert_eq!((permit.bytes(), budget.used()), (25, 25));
        permit.shrink_to(10);
        permit.shrink_to(30);
        assert_eq!((permit.bytes(), budget.used()), (10, 10));
    }

    #[test]
    fn more_than_a_share_counts_as_a_share_and_0_as_no_bound() {
        assert_eq!(Budget::new(100).share(&key(1)).try_take(1 << 40).unwrap().bytes(), 25);
        let unbounded = Budget::new(0).share(&key(1));
        let permits: Vec<_> = (0..9).map(|_| unbounded.try_take(1 << 30)).collect();
        assert!(permits.iter().all(Option::is_some));
    }

    #[tokio::test(start_paused = true)]
    async fn a_take_waits_for_room_and_holds_nothing_of_the_others_meanwhile() {
        let budget = Budget::new(100);
        let share = budget.share(&key(1));
        let held = share.try_take(20).unwrap();
        let mut waiting = std::pin::pin!(share.take(10));
        let moment = std::time::Duration::from_secs(1);
        assert!(tokio::time::timeout(moment, &mut waiting).await.is_err());
        assert_eq!(budget.used(), 20);
        drop(held);
        assert_eq!(waiting.await.bytes(), 10);
    }

    #[test]
    fn unused_shares_are_dropped() {
        let budget = Budget::new(0);
        for last in 0..100_000_u32 {
            let _ = budget.share(&Key::of(std::net::Ipv4Addr::from_bits(last).into()));
        }
        assert!(budget.0.shares.lock().unwrap().of.len() <= FEW + 1);
    }
}
