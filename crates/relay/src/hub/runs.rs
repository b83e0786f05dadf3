//! Encoded runs of the newest ephemeral events, for other connections that send the same bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::range_set::RangeSet;

/// The most runs that are kept,
const RUNS: usize = 16;
/// and about the most bytes.
const BYTES: usize = 2 << 20;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Runs {
    kept: VecDeque<Run>,
    bytes: usize,
}

/// Events on one topic, encoded together.
#[derive(Debug)]
pub(super) struct Run {
    /// The positions of the events.
    pub(super) places: RangeSet,
    /// The first bytes of each event.
    pub(super) beginning: Box<[u8]>,
    pub(super) frames: Arc<Vec<u8>>,
}

impl Runs {
    pub(super) fn keep(&mut self, run: Run) {
        self.bytes += run.frames.len();
        self.kept.push_back(run);
        while self.kept.len() > RUNS || self.bytes > BYTES {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes -= oldest.frames.len();
        }
    }

    /// The run from a place on whose events begin like this. The topic is that of the event at the place: the same
    /// beginning means another topic to other connections.
    pub(super) fn find(&self, place: u64, beginning: &[u8]) -> Option<&Run> {
        let is_it = |run: &&Run| run.places.first() == Some(place) && *run.beginning == *beginning;
        self.kept.iter().rev().find(is_it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(place: u64, beginning: &[u8], bytes: usize) -> Run {
        let frames = Arc::new(vec![0; bytes]);
        let places = RangeSet::of([place, place + 1, place + 5].into_iter());
        Run { places, beginning: beginning.into(), frames }
    }

    #[test]
    fn a_run_is_found_by_its_first_place_and_its_beginning() {
        let mut runs = Runs::default();
        runs.keep(run(1, b"a", 1));
        runs.keep(run(1, b"b", 2));
        runs.keep(run(2, b"a", 3));
        let found = |place, beginning: &[u8]| Some(runs.find(place, beginning)?.frames.len());
        assert_eq!((found(1, b"a"), found(1, b"b"), found(2, b"a")), (Some(1), Some(2), Some(3)));
        assert_eq!((found(2, b"b"), found(6, b"a"), found(1, b"")), (None, None, None));
    }

    #[test]
    fn the_runs_that_are_kept_have_a_bound() {
        let mut runs = Runs::default();
        (0..100).for_each(|place| runs.keep(run(place, b"", 10)));
        assert_eq!((runs.kept.len(), runs.bytes), (RUNS, 10 * RUNS));
        (100..200).for_each(|place| runs.keep(run(place, b"", BYTES / 4)));
        assert_eq!((runs.kept.len(), runs.bytes), (4, BYTES));
    }
}
