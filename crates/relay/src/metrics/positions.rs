//! How far each connection has got in each stream. The lag of a stream is the distance of its slowest connection.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use slab::Slab;

type Offsets = Arc<[AtomicU64]>;

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Positions(Mutex<Slab<Offsets>>);

/// The position of one connection, which counts for as long as this lives.
#[derive(Debug)]
pub(crate) struct Position {
    all: Arc<Positions>,
    key: usize,
    offsets: Offsets,
}

impl Positions {
    /// The position of a connection that has got to these offsets.
    pub(crate) fn join(self: &Arc<Self>, offsets: &[u64]) -> Position {
        let offsets: Offsets = offsets.iter().map(|offset| AtomicU64::new(*offset)).collect();
        let key = self.lock().insert(Arc::clone(&offsets));
        Position { all: Arc::clone(self), key, offsets }
    }

    /// For each stream, how many offsets the slowest connection is behind its head.
    pub(super) fn lags(&self, heads: impl Iterator<Item = u64>) -> Vec<u64> {
        let all = self.lock();
        let slowest = |stream: usize| {
            let offsets = all.iter().filter_map(|(_, offsets)| offsets.get(stream));
            offsets.map(|offset| offset.load(Ordering::Relaxed)).min()
        };
        let lag = |(stream, head): (usize, u64)| {
            slowest(stream).map_or(0, |slowest| head.saturating_sub(slowest))
        };
        heads.enumerate().map(lag).collect()
    }

    /// No panic can leave this inconsistent.
    fn lock(&self) -> std::sync::MutexGuard<'_, Slab<Offsets>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Position {
    /// The connection has got to an offset.
    pub(crate) fn reach(&self, stream: usize, offset: u64) {
        if let Some(known) = self.offsets.get(stream) {
            known.store(offset, Ordering::Relaxed);
        }
    }
}

impl Drop for Position {
    fn drop(&mut self) {
        self.all.lock().try_remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_connection_that_is_still_there_decides_the_lag_of_each_stream() {
        let positions = Arc::new(Positions::default());
        let lags = |heads: [u64; 2]| positions.lags(heads.into_iter());
        assert_eq!(lags([9, 9]), [0, 0]);
        let (one, two) = (positions.join(&[5, 5]), positions.join(&[3, 9]));
        assert_eq!(lags([9, 9]), [6, 4]);
        two.reach(0, 8);
        one.reach(1, 9);
        assert_eq!(lags([9, 10]), [4, 1]);
        drop(one);
        assert_eq!(lags([9, 10]), [1, 1]);
    }
}
