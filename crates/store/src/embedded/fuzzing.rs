//! Arbitrary bytes as rows: each is read or refused, and what is written is read again.
//!
//! An input begins with a byte that says what the rest is. See `fuzz/fuzz_targets/rows.rs`.

use std::path::Path;
use std::sync::Arc;

use redb::Database;
use session::server::Logged;
use session::server::ledger::{Identity, Outcomes};
use session::{Body, MAX_NUMBER};
use topic::Topic;

use super::block::{self, BlockEntry};
use super::client_row::{ClientRow, Stored};
use super::clients::CLIENTS;
use super::error::Result;
use super::host::Machine;
use super::{outcomes as kept, packed};
use crate::StoreError;
use crate::digest::{digest, digest_of};

const CLIENT: u8 = 0;
const OUTCOMES: u8 = 1;
const DECIDED: u8 = 2;
const BLOCK: u8 = 3;
const OFFSETS: u8 = 4;
const RECORD: u8 = 5;
const KINDS: u8 = 6;

/// Feeds an input to what reads it.
///
/// # Panics
/// If a row is written that is not read again as it was.
pub fn feed(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % KINDS {
        CLIENT => client(bytes),
        OUTCOMES => outcomes(bytes),
        DECIDED => decided(bytes),
        BLOCK => block(bytes),
        OFFSETS => offsets(bytes),
        _ => record(bytes),
    }
}

/// Puts another row in the place of a client's, while no store has the file open.
///
/// # Errors
/// A [`StoreError`] if it cannot.
pub fn put_client(directory: &Path, client: [u8; 16], row: &[u8]) -> Result<(), StoreError> {
    let put = || -> Result<()> {
        let file = Database::open(Machine::file(directory))?;
        let transaction = file.begin_write()?;
        transaction.open_table(CLIENTS)?.insert(&client, row)?;
        Ok(transaction.commit()?)
    };
    Ok(put()?)
}

/// Inputs to begin with. Among them is the number with which a client once made its row unreadable.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut kept = Outcomes::default();
    for (number, place) in [(1, Some((0, 1))), (2, Some((0, 2))), (5, None), (9, Some((1, 7)))] {
        kept.push(number, place);
    }
    let mut poisoned = Vec::new();
    for part in [u64::MAX, 1, 1, 5] {
        packed::push(&mut poisoned, part);
    }
    let row_of = |identity: Identity, highest: u64, outcomes: Vec<u8>| {
        let id = Some("e1".to_owned());
        let outcomes = Some(outcomes.into());
        let row = Stored { highest, highest_id: id, outcomes, ..Stored::new(identity, true) };
        row.encode().unwrap_or_default()
    };
    let row = |highest, outcomes| row_of(Identity::Secret([7; 32]), highest, outcomes);
    let numbers = |numbers: &[u64]| -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes().into_iter().chain([3])).collect()
    };
    let body = Body { id: "e1".to_owned(), source: "/s".to_owned(), ..Body::default() };
    let mut packed_row = Vec::new();
    packed::push_offset(&mut packed_row, 7, 9);
    packed::push_offset(&mut packed_row, 9, 1 << 40);
    let mut block = vec![1, 0, 3, 0, 0, 0, b'a'];
    block.extend(b"one\0\0\x03\0\0\0two");
    let mut hole = Vec::new();
    packed::push(&mut hole, u64::MAX - 3);
    let of = |kind: u8, rest: Vec<u8>| [vec![kind], rest].concat();
    vec![
        of(CLIENT, row(9, kept::encode(&kept))),
        of(CLIENT, row(u64::MAX, poisoned.clone())),
        of(CLIENT, row_of(Identity::Key([4; 65]), 9, kept::encode(&kept))),
        of(OUTCOMES, kept::encode(&kept)),
        of(OUTCOMES, poisoned),
        of(DECIDED, numbers(&[1, 2, 3, 7, 8])),
        of(DECIDED, numbers(&[1, u64::MAX])),
        of(DECIDED, numbers(&[1, 1 << 53, MAX_NUMBER])),
        of(BLOCK, block),
        // The second event has the highest offset but one.
        of(BLOCK, [b"\x01\0\x01\0\0\0a1\0\x80\x01\0\0\0".as_slice(), &hole, b"2"].concat()),
        of(OFFSETS, packed_row),
        of(RECORD, body.encode()),
    ]
}

fn client(bytes: &[u8]) {
    if let Some(row) = ClientRow::decode(bytes) {
        let before = (row.account.fence, row.account.highest, row.account.outcomes.clone());
        let identity = row.account.identity.clone();
        let written = row.encode().expect("a row is written");
        let again = ClientRow::decode(&written).expect("what was written is read");
        assert!(!again.is_damaged, "a row that is written is not damaged");
        assert_eq!((again.account.fence, again.account.highest, again.account.outcomes), before);
        assert_eq!(again.account.identity, identity);
    }
}

fn outcomes(bytes: &[u8]) {
    if let Ok(mut outcomes) = kept::decode(bytes) {
        read_again(&outcomes);
        let number = bytes.iter().fold(0_u64, |number, byte| number << 7 ^ u64::from(*byte));
        let _ = outcomes.find(number);
        let _ = outcomes.forget(number);
        read_again(&outcomes);
    }
}

/// Numbers, each with a byte that says where its event stands.
fn decided(bytes: &[u8]) {
    let mut outcomes = Outcomes::default();
    for chunk in bytes.chunks_exact(9) {
        let (number, place) = chunk.split_at(8);
        let number = u64::from_le_bytes(number.try_into().expect("eight bytes"));
        let place = (place[0] > 0).then_some((u32::from(place[0] & 1), number));
        outcomes.push(number, place);
        read_again(&outcomes);
    }
}

fn read_again(outcomes: &Outcomes) {
    let again = kept::decode(&kept::encode(outcomes)).expect("what was written is read");
    assert_eq!(&again, outcomes);
}

fn block(bytes: &[u8]) {
    let first = bytes.iter().fold(0_u64, |number, byte| number << 8 ^ u64::from(*byte));
    for from in [1, first, u64::MAX] {
        let entries: Vec<_> = block::entries(from, bytes).map_while(Result::ok).collect();
        assert!(entries.len() <= bytes.len());
        assert!(entries.is_sorted_by(|one, next| one.offset < next.offset));
    }
    let entries: Vec<_> = block::entries(1, bytes).map_while(Result::ok).collect();
    let logged = |entry: &BlockEntry<'_>| {
        let (offset, body) = (entry.offset, entry.body.into());
        Some(Arc::new(Logged::new(0, offset, Topic::parse(entry.topic).ok()?, body)))
    };
    // Topics have been checked before they are written.
    let Some(events) = entries.iter().map(logged).collect::<Option<Vec<_>>>() else { return };
    let mut read = 0;
    block::pack(&events, |first, row| {
        for entry in block::entries(first, row) {
            assert_eq!(entry?, entries[read]);
            read += 1;
        }
        Ok(())
    })
    .expect("what was written is read");
    assert_eq!(read, entries.len());
}

fn offsets(bytes: &[u8]) {
    let Ok(offsets) = packed::offsets(1, bytes) else { return };
    assert!(offsets.is_sorted());
    let row = packed::row(&offsets);
    assert_eq!(packed::offsets(1, &row).expect("what was written is read"), offsets);
}

fn record(bytes: &[u8]) {
    assert_eq!(digest_of(bytes), Body::decode(bytes).ok().map(|body| digest(&body)));
    if let Ok(body) = Body::decode(bytes)
        && body.check().is_ok()
    {
        assert_eq!(digest_of(&body.encode()), Some(digest(&body)), "a repeat is recognised");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_seeds_are_read_or_refused() {
        seeds().iter().for_each(|seed| feed(seed));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_read_or_refused(
            kind in 0..KINDS,
            bytes in any::<Vec<u8>>(),
            seed in any::<prop::sample::Index>(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            feed(&[vec![kind], bytes].concat());
            let mut seed = seeds().swap_remove(seed.index(seeds().len()));
            let at = at.index(seed.len());
            seed[at] = byte;
            feed(&seed);
        }
    }
}
