//! The bytes of a connection that wait for the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use store::Write;

use crate::budget::{Permit, Share};

/// These bytes of each connection are free of charge, so that clients that send little don't wait for those that send
/// much.
const FREE: usize = 64 << 10;
/// The cost of a write beside its bytes.
const EACH: usize = 256;

/// The writes of one connection that wait.
#[derive(Debug)]
pub struct Queued {
    share: Share,
    free: Arc<AtomicUsize>,
}

/// The memory of waiting writes, released on drop.
#[derive(Debug, Default)]
pub struct Charge {
    free: Option<(usize, Arc<AtomicUsize>)>,
    _permit: Option<Permit>,
}

impl Queued {
    /// For a client with this share of the budget.
    pub fn new(share: Share) -> Self {
        Self { share, free: Arc::default() }
    }

    /// Takes memory for writes, waiting for it.
    pub async fn charge(&self, writes: &[Write]) -> Charge {
        let cost = |write: &Write| usize::try_from(write.bytes()).unwrap_or(usize::MAX);
        let bytes =
            writes.iter().fold(0, |sum: usize, write| sum.saturating_add(cost(write) + EACH));
        // Only the connection itself adds to it.
        if self.free.load(Ordering::Relaxed).saturating_add(bytes) <= FREE {
            self.free.fetch_add(bytes, Ordering::Relaxed);
            return Charge { free: Some((bytes, Arc::clone(&self.free))), _permit: None };
        }
        Charge { free: None, _permit: Some(self.share.take(bytes).await) }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if let Some((bytes, free)) = &self.free {
            free.fetch_sub(*bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use crate::hub::tests::writes_of;
    use crate::limits::Key;

    #[tokio::test(start_paused = true)]
    async fn a_little_waits_for_free_and_more_takes_from_the_budget() {
        let budget = Budget::new(1 << 20);
        let queued = Queued::new(budget.share(&Key::of([192, 0, 2, 1].into())));
        let (_, writes) = writes_of([1; 16], &[1]);
        let one = queued.charge(&writes).await;
        let each = queued.free.load(Ordering::Relaxed);
        assert!((EACH..2 * EACH).contains(&each), "{each}");
        let others: Vec<_> = {
            let mut charges = Vec::new();
            while budget.used() == 0 {
                charges.push(queued.charge(&writes).await);
            }
            charges
        };
        assert_eq!((others.len(), budget.used()), (FREE / each, each));
        drop(one);
        let _again = queued.charge(&writes).await;
        assert_eq!(budget.used(), each);
        drop(others);
        assert_eq!((budget.used(), queued.free.load(Ordering::Relaxed)), (0, each));
    }

    #[tokio::test(start_paused = true)]
    async fn without_memory_it_waits() {
        let budget = Budget::new(4 * FREE as u64);
        let share = budget.share(&Key::of([192, 0, 2, 1].into()));
        let held = share.try_take(FREE).unwrap();
        let queued = Queued::new(share);
        let numbers: Vec<u64> = (1..=300).collect();
        let (_, writes) = writes_of([1; 16], &numbers);
        let mut waits = std::pin::pin!(queued.charge(&writes));
        let moment = std::time::Duration::from_secs(1);
        assert!(tokio::time::timeout(moment, &mut waits).await.is_err());
        drop(held);
        drop(waits.await);
        assert_eq!(budget.used(), 0);
    }
}
