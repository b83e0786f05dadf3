//! Limits an action to once per interval. The composer uses it for `typing` events.

/// Remembers the last time it has admitted an action.
#[derive(Debug, Clone, Copy)]
pub struct Throttle {
    interval_ms: f64,
    last_ms: Option<f64>,
}

impl Throttle {
    /// Creates a throttle that admits an action at once, and then at most one per `interval_ms`.
    pub fn every(interval_ms: f64) -> Self {
        Self { interval_ms, last_ms: None }
    }

    /// Whether an action is admitted at `now_ms` of a monotonic clock. If so, that time is remembered.
    pub fn admit(&mut self, now_ms: f64) -> bool {
        if self.last_ms.is_some_and(|last| now_ms < last + self.interval_ms) {
            return false;
        }
        self.last_ms = Some(now_ms);
        true
    }

    /// Resets the throttle: the next action is admitted.
    pub fn reset(&mut self) {
        self.last_ms = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admits_once_per_interval() {
        let mut throttle = Throttle::every(2_000.0);
        let admitted = [0.0, 1.0, 1_999.0, 2_000.0, 3_999.0, 4_001.0].map(|t| throttle.admit(t));
        assert_eq!(admitted, [true, false, false, true, false, true]);
    }

    #[test]
    fn admits_again_after_a_reset() {
        let mut throttle = Throttle::every(2_000.0);
        assert!(throttle.admit(10_000.0));
        throttle.reset();
        assert!(throttle.admit(10_001.0));
    }
}
