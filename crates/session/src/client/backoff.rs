//! How long to stay away before the next try: exponential, with full jitter.

use crate::Millis;

/// Grows with each try in a row. Full jitter: any time between nothing and the current bound, so that
/// the clients of a peer that restarts do not come back all at once.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    const FIRST: Millis = 500;
    const LONGEST: Millis = 30_000;

    /// The next wait; `random` is evenly spread over all of `u64`.
    pub(super) fn next(&mut self, random: u64) -> Millis {
        let bound = (Self::FIRST << self.tries.min(16)).min(Self::LONGEST);
        self.tries += 1;
        random % (bound + 1)
    }

    /// The link has held.
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
