//! The outcomes of a client in a row of the store.

use session::server::ledger::{Outcomes, Run};

use super::error::{Error, Result, corrupt};
use super::packed::{push, take};

/// For each run: the distance of its number from the end of the run before, its count, and the stream's number plus one
/// with the offset, or 0 if its numbers were rejected.
pub(super) fn encode(outcomes: &Outcomes) -> Vec<u8> {
    let (mut bytes, mut end) = (Vec::new(), 0);
    for run in outcomes.runs() {
        push(&mut bytes, run.number - end);
        push(&mut bytes, run.count);
        match run.position {
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

pub(super) fn decode(mut bytes: &[u8]) -> Result<Outcomes> {
    const CORRUPT: Error = corrupt("outcomes");
    let (mut outcomes, mut end) = (Outcomes::default(), 0_u64);
    while !bytes.is_empty() {
        let number = end.checked_add(take(&mut bytes)?).ok_or(CORRUPT)?;
        let count = take(&mut bytes)?;
        let position = match take(&mut bytes)?.checked_sub(1) {
            Some(stream) => Some((stream.try_into().map_err(|_| CORRUPT)?, take(&mut bytes)?)),
            None => None,
        };
        let run = Run { number, count, position };
        if !outcomes.push_run(run) {
            return Err(CORRUPT);
        }
        end = run.end();
    }
    Ok(outcomes)
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
            let read = decode(&encode(&outcomes)).unwrap();
            prop_assert_eq!(&read, &outcomes);
            prop_assert_eq!(read.kept(), map.len() as u64);
            for at in 0..=number + 1 {
                prop_assert_eq!(read.find(at), map.get(&at).copied());
            }
        }

        #[test]
        fn arbitrary_bytes_are_outcomes_or_an_error(bytes in any::<Vec<u8>>()) {
            if let Ok(outcomes) = decode(&bytes) {
                prop_assert_eq!(decode(&encode(&outcomes)).unwrap(), outcomes);
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
            prop_assert_eq!(decode(&encode(&outcomes)).unwrap(), outcomes);
        }
    }

    #[test]
    fn a_client_alone_costs_a_few_bytes_for_all_its_outcomes() {
        let mut outcomes = Outcomes::default();
        for number in 1..=1_024 {
            outcomes.push(number, Some((0, 1_000_000 + number)));
        }
        assert!(encode(&outcomes).len() < 10);
    }
}
