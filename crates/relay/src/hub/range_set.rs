//! The positions of events that wait for a connection. They are mostly runs, of which only the ends are kept.

use std::collections::VecDeque;
use std::ops::Range;

/// The capacity beyond this many runs is freed when nothing waits.
const ROOM: usize = 16;

/// Ascending places.
#[derive(Debug, Default)]
pub(super) struct RangeSet {
    runs: VecDeque<Range<u64>>,
    len: usize,
}

impl RangeSet {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a place above all others.
    pub(super) fn push(&mut self, place: u64) {
        self.len += 1;
        match self.runs.back_mut() {
            Some(last) if last.end == place => last.end += 1,
            _ => self.runs.push_back(place..place + 1),
        }
    }

    /// The runs of places without a hole.
    pub(super) fn runs(&self) -> impl DoubleEndedIterator<Item = Range<u64>> {
        self.runs.iter().cloned()
    }

    /// The lowest place.
    pub(super) fn first(&self) -> Option<u64> {
        self.runs.front().map(|run| run.start)
    }

    /// Takes the lowest place.
    pub(super) fn pop_front(&mut self) -> Option<u64> {
        let place = self.first()?;
        self.skip_to(place + 1);
        Some(place)
    }

    /// Takes all places below this one.
    pub(super) fn skip_to(&mut self, place: u64) {
        while let Some(run) = self.runs.front_mut() {
            let end = run.end.min(place);
            if end <= run.start {
                break;
            }
            self.len -= usize::try_from(end - run.start).unwrap_or(usize::MAX);
            run.start = end;
            if !run.is_empty() {
                break;
            }
            self.runs.pop_front();
        }
        if self.runs.is_empty() && self.runs.capacity() > ROOM {
            self.runs = VecDeque::new();
        }
    }

    /// The runs of ascending places.
    pub(super) fn of(places: impl Iterator<Item = u64>) -> Self {
        let mut all = Self::default();
        places.for_each(|place| all.push(place));
        all
    }

    /// Whether they begin with these.
    pub(super) fn begin_with(&self, others: &Self) -> bool {
        let Some((last, before)) = others.runs.back().zip(others.runs.len().checked_sub(1)) else {
            return true;
        };
        let own = self.runs.get(before);
        own.is_some_and(|own| own.start == last.start && own.end >= last.end)
            && self.runs.iter().zip(&others.runs).take(before).all(|(own, other)| own == other)
    }

    /// The place above all of them.
    pub(super) fn end(&self) -> u64 {
        self.runs.back().map_or(0, |run| run.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_come_out_as_they_went_in(steps in proptest::collection::vec(1..3_u64, 0..100)) {
            let mut places = RangeSet::default();
            let pushed: Vec<u64> = steps.iter().scan(0, |at, step| {
                *at += step;
                Some(*at)
            }).collect();
            pushed.iter().for_each(|place| places.push(*place));
            prop_assert_eq!(places.runs().flatten().collect::<Vec<_>>(), pushed.clone());
            prop_assert_eq!((places.len(), places.first()), (pushed.len(), pushed.first().copied()));
            let holes = steps.iter().skip(1).filter(|step| **step > 1).count();
            prop_assert_eq!(places.runs().count(), (holes + 1).min(pushed.len()));
            let popped: Vec<u64> = std::iter::from_fn(|| places.pop_front()).collect();
            prop_assert_eq!(popped, pushed);
            prop_assert!(places.len() == 0 && places.runs().count() == 0);
        }

        #[test]
        fn those_that_begin_with_others_go_on_after_them(
            steps in proptest::collection::vec(1..3_u64, 1..30),
            others in proptest::collection::vec(1..3_u64, 0..30),
            shared in 0..30_usize,
        ) {
            let sums = |steps: &[u64]| -> Vec<u64> {
                steps.iter().scan(0, |at, step| { *at += step; Some(*at) }).collect()
            };
            let all = sums(&steps);
            let same: Vec<u64> = steps.iter().copied().take(shared).chain(others).collect();
            for part in [sums(&same), all[..shared.min(all.len())].to_vec()] {
                let (mut places, part_of) =
                    (RangeSet::of(all.iter().copied()), RangeSet::of(part.iter().copied()));
                prop_assert_eq!(places.begin_with(&part_of), all.starts_with(&part));
                prop_assert_eq!(part_of.end(), part.last().map_or(0, |last| last + 1));
                places.skip_to(part_of.end());
                let left: Vec<u64> =
                    all.iter().copied().filter(|place| *place >= part_of.end()).collect();
                prop_assert_eq!((places.len(), places.first()), (left.len(), left.first().copied()));
                prop_assert_eq!(std::iter::from_fn(|| places.pop_front()).collect::<Vec<_>>(), left);
            }
        }
    }
}
