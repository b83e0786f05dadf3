//! What became of a client's numbers, in few bytes: numbers that follow each other, of events that do too,
//! are one run.

use std::collections::VecDeque;

use super::StoreError;
use super::packed::{push, take};

/// Where an event stands: the number of its stream, and its offset.
pub(super) type Place = (u32, u64);

/// The highest number that a client's event may have, and the highest fencing token: JavaScript's numbers are
/// exact up to here, and nothing that is added to one overflows.
pub(super) const MAX_NUMBER: u64 = (1 << 53) - 1;
/// The most outcomes of a row: several times what a client may leave unanswered.
const MOST: u64 = 65_536;

/// The outcomes that a client may still ask for, ascending by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    runs: VecDeque<Run>,
    kept: u64,
}

/// So many numbers from `number` on. Each of a run without a place was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    number: u64,
    count: u64,
    place: Option<Place>,
}

impl Run {
    fn end(&self) -> u64 {
        self.number + self.count
    }

    /// Without its first so many.
    fn after(&self, skipped: u64) -> Self {
        let place = self.place.map(|(stream, offset)| (stream, offset + skipped));
        Self { number: self.number + skipped, count: self.count - skipped, place }
    }
}

impl Outcomes {
    /// How many there are.
    pub(super) fn kept(&self) -> u64 {
        self.kept
    }

    /// Adds what became of `number`, which is higher than all others: where it stands, or none if it was
    /// rejected. What could not be read again is not added.
    pub(super) fn push(&mut self, number: u64, place: Option<Place>) {
        let ascends = self.runs.back().is_none_or(|last| last.end() <= number);
        let offset = place.map_or(0, |(_, offset)| offset);
        if !ascends || number > MAX_NUMBER || offset > MAX_NUMBER || self.kept == MOST {
            return;
        }
        self.kept += 1;
        if let Some(last) = self.runs.back_mut()
            && last.end() == number
            && last.after(last.count).place == place
        {
            last.count += 1;
        } else {
            self.runs.push_back(Run { number, count: 1, place });
        }
    }

    /// What became of `number`, if that is known.
    pub(super) fn find(&self, number: u64) -> Option<Option<Place>> {
        let after = self.runs.partition_point(|run| run.number <= number);
        let run = self.runs.get(after.checked_sub(1)?)?;
        (number < run.end()).then(|| run.after(number - run.number).place)
    }

    /// Drops those of the numbers below `lowest`; answers which of them were rejected.
    pub(super) fn forget(&mut self, lowest: u64) -> Vec<u64> {
        let mut rejected = Vec::new();
        while let Some(run) = self.runs.front_mut()
            && run.number < lowest
        {
            let gone = run.count.min(lowest - run.number);
            self.kept -= gone;
            if run.place.is_none() {
                rejected.extend(run.number..run.number + gone);
            }
            if gone < run.count {
                *run = run.after(gone);
                break;
            }
            self.runs.pop_front();
        }
        rejected
    }

    /// For each run how far its number is after the end of the one before, how many it has, and the
    /// stream's number and one more, or 0 if they were rejected; then the offset, if there is one.
    pub(super) fn encode(&self) -> Vec<u8> {
        let (mut bytes, mut end) = (Vec::new(), 0);
        for run in &self.runs {
            push(&mut bytes, run.number - end);
            push(&mut bytes, run.count);
            match run.place {
                Some((stream, offset)) => {
                    push(&mut bytes, u64::from(stream) + 1);
                    push(&mut bytes, offset);
                }
                None => push(&mut bytes, 0),
            }
            end = run.end();
        }
        bytes
    }

    pub(super) fn decode(mut bytes: &[u8]) -> Result<Self, StoreError> {
        const CORRUPT: StoreError = StoreError::Corrupt("outcomes");
        let (mut outcomes, mut end) = (Self::default(), 0_u64);
        while !bytes.is_empty() {
            let number = end.checked_add(take(&mut bytes)?).ok_or(CORRUPT)?;
            let count = take(&mut bytes)?;
            outcomes.kept = outcomes.kept.checked_add(count).ok_or(CORRUPT)?;
            let fits = (1..=MOST).contains(&outcomes.kept) && number <= MAX_NUMBER;
            if count == 0 || !fits || number + (count - 1) > MAX_NUMBER {
                return Err(CORRUPT);
            }
            end = number + count;
            let place = match take(&mut bytes)?.checked_sub(1) {
                Some(stream) => {
                    let offset = take(&mut bytes)?;
                    let last = offset.checked_add(count - 1);
                    last.filter(|last| *last <= MAX_NUMBER).ok_or(CORRUPT)?;
                    Some((stream.try_into().map_err(|_| CORRUPT)?, offset))
                }
                None => None,
            };
            outcomes.runs.push_back(Run { number, count, place });
        }
        Ok(outcomes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Any, and often one at a bound.
    fn number() -> impl Strategy<Value = u64> {
        let near = (prop_oneof![Just(0), Just(1 << 53), Just(u64::MAX)], 0..4_u64);
        let near = near.prop_map(|(bound, off): (u64, u64)| bound.saturating_sub(off));
        prop_oneof![near, any::<u64>()]
    }

    proptest! {
        #[test]
        fn outcomes_are_a_map_from_numbers(
            steps in proptest::collection::vec((1..4_u64, 0..6_u64, 0..3_u32, 0..2_u64), 0..80),
            forgotten in proptest::collection::vec(0..200_u64, 0..3),
        ) {
            let (mut outcomes, mut map) = (Outcomes::default(), BTreeMap::new());
            let (mut number, mut offset) = (0, 0);
            for (skip, kind, stream, gap) in steps {
                number += skip / 3 + 1;
                offset += gap + 1;
                let place = (kind > 0).then_some((stream / 2, offset));
                outcomes.push(number, place);
                map.insert(number, place);
            }
            for lowest in forgotten {
                let below: Vec<_> = map.range(..lowest).map(|(at, place)| (*at, *place)).collect();
                let rejected = below.iter().filter(|(_, place)| place.is_none());
                let expected: Vec<_> = rejected.map(|(at, _)| *at).collect();
                prop_assert_eq!(outcomes.forget(lowest), expected);
                map.retain(|at, _| *at >= lowest);
            }
            let read = Outcomes::decode(&outcomes.encode()).unwrap();
            prop_assert_eq!(&read, &outcomes);
            prop_assert_eq!(read.kept(), map.len() as u64);
            for at in 0..=number + 1 {
                prop_assert_eq!(read.find(at), map.get(&at).copied());
            }
        }

        #[test]
        fn arbitrary_bytes_are_outcomes_or_an_error(bytes in any::<Vec<u8>>()) {
            if let Ok(outcomes) = Outcomes::decode(&bytes) {
                prop_assert_eq!(Outcomes::decode(&outcomes.encode()).unwrap(), outcomes);
            }
        }

        #[test]
        fn what_is_written_is_read_whatever_the_numbers_are(
            pushed in proptest::collection::vec((number(), proptest::option::of((any::<u32>(), number()))), 0..12),
        ) {
            let mut outcomes = Outcomes::default();
            for (number, place) in pushed {
                outcomes.push(number, place);
            }
            prop_assert_eq!(Outcomes::decode(&outcomes.encode()).unwrap(), outcomes);
        }
    }

    #[test]
    fn a_client_alone_costs_a_few_bytes_for_all_its_outcomes() {
        let mut outcomes = Outcomes::default();
        for number in 1..=1_024 {
            outcomes.push(number, Some((0, 1_000_000 + number)));
        }
        assert!(outcomes.encode().len() < 10);
    }
}
