//! The places of events that wait for a connection: mostly runs, of which only the ends are kept.

use std::collections::VecDeque;
use std::ops::Range;

/// Room for more runs is given back when nothing waits.
const ROOM: usize = 16;

/// Ascending places.
#[derive(Debug, Default)]
pub(super) struct Places {
    runs: VecDeque<Range<u64>>,
    len: usize,
}

impl Places {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
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

    /// Takes the lowest place.
    pub(super) fn pop_front(&mut self) -> Option<u64> {
        let run = self.runs.front_mut()?;
        let place = run.start;
        run.start += 1;
        self.len -= 1;
        if run.is_empty() {
            self.runs.pop_front();
            if self.runs.is_empty() && self.runs.capacity() > ROOM {
                self.runs = VecDeque::new();
            }
        }
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_come_out_as_they_went_in(steps in proptest::collection::vec(1..3_u64, 0..100)) {
            let mut places = Places::default();
            let pushed: Vec<u64> = steps.iter().scan(0, |at, step| {
                *at += step;
                Some(*at)
            }).collect();
            pushed.iter().for_each(|place| places.push(*place));
            prop_assert_eq!(places.runs().flatten().collect::<Vec<_>>(), pushed.clone());
            prop_assert_eq!((places.len(), places.is_empty()), (pushed.len(), pushed.is_empty()));
            let holes = steps.iter().skip(1).filter(|step| **step > 1).count();
            prop_assert_eq!(places.runs().count(), (holes + 1).min(pushed.len()));
            let popped: Vec<u64> = std::iter::from_fn(|| places.pop_front()).collect();
            prop_assert_eq!(popped, pushed);
            prop_assert!(places.is_empty() && places.runs().count() == 0);
        }
    }
}
