//! The delay before the next connection attempt: exponential backoff with full jitter.

use crate::Millis;

/// The upper bound of the delay grows with each attempt in a row. With full jitter the delay is anything from zero to
/// the bound, so that the clients of a restarted peer do not reconnect all at once.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    const FIRST: Millis = 500;
    const LONGEST: Millis = 30_000;

    /// Returns the next delay. `random` must be uniform over all of `u64`.
    pub(super) fn next(&mut self, random: u64) -> Millis {
        let bound = (Self::FIRST << self.tries.min(16)).min(Self::LONGEST);
        self.tries += 1;
        random % (bound + 1)
    }

    /// Resets the delay after a stable connection.
    pub(super) fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_bounded_by_a_bound_that_doubles_up_to_thirty_seconds() {
        let mut backoff = Backoff::default();
        let bounds = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
        for bound in bounds {
            let tries = backoff.tries;
            assert_eq!(backoff.next(bound), bound);
            backoff.tries = tries;
            assert!(backoff.next(u64::MAX) <= bound);
        }
        backoff.reset();
        assert_eq!(backoff.next(501), 0);
    }
}
