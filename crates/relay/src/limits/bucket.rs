//! One bucket: a rate limit of a key, shared by its connections.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Rate;

type Limiter = RateLimiter<NotKeyed, InMemoryState, Timer, NoOpMiddleware<Nanos>>;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Bucket {
    /// `None` for no limit.
    limiter: Option<Limiter>,
    rate: Rate,
    /// Held by the caller that waits for the bucket to fill. The others queue for this lock. If a thousand callers
    /// watched the bucket, each drop would wake all of them.
    turn: Mutex<()>,
}

impl Bucket {
    pub(crate) fn new(rate: Rate) -> Self {
        let limiter = NonZeroU32::new(rate.per_second).map(|per_second| {
            let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
            let quota = Quota::per_second(per_second).allow_burst(burst);
            RateLimiter::direct_with_clock(quota, Timer::default())
        });
        Self { limiter, rate, turn: Mutex::new(()) }
    }

    /// How long one unit takes to refill.
    pub(crate) fn each(&self) -> Duration {
        Duration::from_secs(1) / self.rate.per_second.max(1)
    }

    /// The most that it can hold.
    pub(crate) fn burst(&self) -> usize {
        self.limiter.as_ref().map_or(usize::MAX, |_| self.rate.burst.max(1) as usize)
    }

    pub(crate) fn try_take(&self, count: u32) -> bool {
        let Some(limiter) = &self.limiter else { return true };
        let Some(count) = NonZeroU32::new(count) else { return true };
        let Ok(_turn) = self.turn.try_lock() else { return false };
        matches!(limiter.check_n(count), Ok(Ok(())))
    }

    pub(crate) async fn take(&self, mut count: u32) {
        let Some(limiter) = &self.limiter else { return };
        let _turn = self.turn.lock().await;
        // More than the bucket holds is taken in portions.
        while let Some(portion) = NonZeroU32::new(count.min(self.rate.burst.max(1))) {
            match limiter.check_n(portion) {
                Ok(Ok(())) => count -= portion.get(),
                Ok(Err(until)) => {
                    let wait = until.wait_time_from(limiter.clock().now());
                    tokio::time::sleep(wait).await;
                }
                // Unreachable: a portion fits.
                Err(_) => return,
            }
        }
    }
}

/// The clock of tokio's timers, which is virtual in tests, starting when this was created.
#[derive(Debug, Clone)]
pub(crate) struct Timer(Instant);

impl Default for Timer {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Timer {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Raised;
    use std::sync::Arc;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_the_rest_at_the_rate() {
        let bucket = Bucket::new(Rate::new(200, 2_000));
        let began = Instant::now();
        bucket.take(2_000).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(!bucket.try_take(1));
        bucket.take(100).await;
        assert_eq!(began.elapsed().as_millis() / 10, 50);
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_the_bucket_holds_takes_as_long_as_it_takes() {
        let bucket = Bucket::new(Rate::new(10, 20));
        let began = Instant::now();
        bucket.take(50).await;
        assert_eq!(began.elapsed().as_millis() / 100, 30);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_callers_take_turns_and_are_not_overtaken() {
        let bucket = Arc::new(Bucket::new(Rate::new(10, 10)));
        bucket.take(10).await;
        let began = Instant::now();
        let waiting: Vec<_> = (0..5)
            .map(|_| {
                let bucket = Arc::clone(&bucket);
                tokio::spawn(async move {
                    bucket.take(1).await;
                    began.elapsed().as_millis() / 10
                })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(!bucket.try_take(1));
        let mut took = Vec::new();
        for one in waiting {
            took.push(one.await.unwrap());
        }
        assert_eq!(took, [10, 20, 30, 40, 50]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_of_0_is_no_limit() {
        let bucket = Bucket::new(Rate::new(0, 0));
        bucket.take(u32::MAX).await;
        assert!(bucket.try_take(u32::MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_times_the_rates_still_is_a_rate() {
        let limits = crate::limits::Limits::default().times(1_000);
        for (_, rate) in limits.rates(Raised::default()) {
            let bucket = Bucket::new(rate);
            bucket.take(rate.burst).await;
            assert!(!bucket.try_take(rate.per_second), "{rate:?}");
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            assert!(bucket.try_take(rate.per_second), "{rate:?}");
        }
    }
}
