//! Events in one row: a commit of many costs few rows, and fills the pages of the file.
//!
//! An event is encoded as the length of its topic in two bytes (0 for the topic of the event before it), the length of
//! its body in four, lowest byte first, its topic and its body. Its offset is the one after the event before it, or the
//! row's key. Where events are missing, the highest bit of the topic's length is set, and the number of missing offsets
//! follows the two lengths. A row without missing events is the same in format 3.

use std::sync::Arc;

use session::server::Logged;

use super::error::{Result, corrupt};
use super::packed;

/// The most bytes of a row with several events. With its key it fills one page of the engine.
const BYTES: usize = 4_076;
/// The same while enough events are left for it: four pages.
const MANY_BYTES: usize = 16_364;
/// The bytes of the two lengths.
const LENGTHS: usize = 6;
/// Marks the length of a topic where events are missing.
const HOLE: u16 = 1 << 15;

/// An event in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockEntry<'r> {
    pub(super) offset: u64,
    pub(super) topic: &'r str,
    pub(super) body: &'r [u8],
}

/// A row while it is encoded.
struct Row<'e> {
    bytes: Vec<u8>,
    /// The offset after the last event.
    next: u64,
    /// The topic of the last event.
    topic: &'e str,
}

impl<'e> Row<'e> {
    /// Appends an event with a higher offset.
    fn push(&mut self, entry: BlockEntry<'e>) -> Result<()> {
        let BlockEntry { offset, topic, body } = entry;
        let named = if topic == self.topic { "" } else { topic };
        let length = u16::try_from(named.len()).ok().filter(|length| *length < HOLE);
        let (Some(length), Ok(size)) = (length, u32::try_from(body.len())) else {
            return Err(corrupt("an event that is too long"));
        };
        let missing = offset.checked_sub(self.next).ok_or(corrupt("offsets"))?;
        let hole = if missing > 0 { HOLE } else { 0 };
        self.bytes.extend((length | hole).to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        if missing > 0 {
            packed::push(&mut self.bytes, missing);
        }
        self.bytes.extend_from_slice(named.as_bytes());
        self.bytes.extend_from_slice(body);
        (self.next, self.topic) = (offset + 1, topic);
        Ok(())
    }
}

/// Encodes events as the row with the key `first`, in the order of their offsets, which are `first` or higher.
pub(super) fn encode<'e>(
    first: u64,
    entries: impl IntoIterator<Item = BlockEntry<'e>>,
) -> Result<Vec<u8>> {
    let mut row = Row { bytes: Vec::new(), next: first, topic: "" };
    entries.into_iter().try_for_each(|entry| row.push(entry))?;
    Ok(row.bytes)
}

/// Packs events into rows, in the order of their offsets. Calls `row` with the first offset and the bytes of each.
pub(super) fn pack(
    mut events: &[Arc<Logged>],
    mut row: impl FnMut(u64, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut left: usize = events.iter().map(|event| LENGTHS + event.body.len()).sum();
    let mut bytes = Vec::with_capacity(left.min(MANY_BYTES));
    while let Some(first) = events.first() {
        bytes.clear();
        let most = if left < MANY_BYTES { BYTES } else { MANY_BYTES };
        let mut block = Row { bytes, next: first.offset, topic: "" };
        let mut count = 0;
        for event in events {
            let before = block.bytes.len();
            let (offset, topic, body) = (event.offset, event.topic.as_str(), &*event.body);
            block.push(BlockEntry { offset, topic, body })?;
            if count > 0 && block.bytes.len() > most {
                block.bytes.truncate(before);
                break;
            }
            left -= LENGTHS + event.body.len();
            count += 1;
        }
        bytes = block.bytes;
        row(first.offset, &bytes)?;
        events = &events[count..];
    }
    Ok(())
}

/// The row with another body for the event at an offset, and the length of the body before.
pub(super) fn replace(
    first: u64,
    row: &[u8],
    offset: u64,
    body: &[u8],
) -> Result<(Vec<u8>, usize)> {
    let mut all = entries(first, row).collect::<Result<Vec<_>>>()?;
    let entry = all.iter_mut().find(|entry| entry.offset == offset).ok_or(corrupt("block"))?;
    let before = std::mem::replace(&mut entry.body, body).len();
    Ok((encode(first, all)?, before))
}

/// The events of a row with the key `first`.
pub(super) fn entries(first: u64, row: &[u8]) -> Entries<'_> {
    Entries { offset: first, topic: "", rest: row }
}

/// See [`entries`].
#[derive(Debug)]
pub(super) struct Entries<'r> {
    offset: u64,
    topic: &'r str,
    rest: &'r [u8],
}

impl<'r> Entries<'r> {
    fn entry(&mut self) -> Option<BlockEntry<'r>> {
        let (topic, rest) = self.rest.split_first_chunk()?;
        let (body, mut rest) = rest.split_first_chunk()?;
        let topic = u16::from_le_bytes(*topic);
        let missing = if topic & HOLE == 0 { 0 } else { packed::take(&mut rest).ok()? };
        let (topic, rest) = rest.split_at_checked(usize::from(topic & !HOLE))?;
        let body = usize::try_from(u32::from_le_bytes(*body)).ok()?;
        let (body, rest) = rest.split_at_checked(body)?;
        if !topic.is_empty() {
            self.topic = std::str::from_utf8(topic).ok()?;
        }
        self.rest = rest;
        let offset = self.offset.checked_add(missing)?;
        self.offset = offset.checked_add(1)?;
        Some(BlockEntry { offset, topic: self.topic, body })
    }
}

impl<'r> Iterator for Entries<'r> {
    type Item = Result<BlockEntry<'r>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.entry();
        if entry.is_none() {
            self.rest = &[];
        }
        Some(entry.ok_or(corrupt("block")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreError;
    use crate::embedded::error::Error;
    use proptest::prelude::*;
    use topic::Topic;

    fn missing() -> impl Strategy<Value = u64> {
        prop_oneof![8 => Just(0_u64), 1 => 1..3_u64, 1 => 100..1_u64 << 40]
    }

    proptest! {
        #[test]
        fn events_are_read_as_they_were_packed_and_small_ones_share_a_row(
            events in proptest::collection::vec(("[ab]{1,2}", 0..5_000_usize, missing()), 0..40),
            first in 1..u64::MAX / 2,
            stays in proptest::collection::vec(any::<bool>(), 40),
        ) {
            let mut next = first;
            let events: Vec<_> = events
                .iter()
                .map(|(topic, size, missing)| {
                    let offset = next + missing;
                    next = offset + 1;
                    let body = vec![offset as u8; *size].into();
                    Arc::new(Logged::new(0, offset, Topic::parse(topic).unwrap(), body))
                })
                .collect();
            let mut rows = Vec::new();
            pack(&events, |first, row| {
                rows.push((first, row.to_vec()));
                Ok(())
            })
            .unwrap();
            let mut read = Vec::new();
            for (first, row) in &rows {
                let entries: Result<Vec<_>, _> = entries(*first, row).collect();
                let entries = entries.unwrap();
                prop_assert!(entries.len() == 1 || row.len() <= MANY_BYTES);
                read.extend(entries.iter().map(|entry| {
                    (entry.offset, entry.topic.to_owned(), entry.body.to_vec())
                }));
            }
            let written: Vec<_> = events
                .iter()
                .map(|event| (event.offset, event.topic.to_string(), event.body.to_vec()))
                .collect();
            prop_assert_eq!(read, written);
            for pair in rows.windows(2) {
                prop_assert!(pair[0].1.len() + pair[1].1.len() > BYTES - LENGTHS);
            }
            // A row keeps its key when some of its events go.
            for (first, row) in &rows {
                let left: Vec<_> = entries(*first, row)
                    .map(Result::unwrap)
                    .zip(&stays)
                    .filter_map(|(entry, stays)| stays.then_some(entry))
                    .collect();
                let row = encode(*first, left.iter().copied()).unwrap();
                let read: Vec<_> = entries(*first, &row).map(Result::unwrap).collect();
                prop_assert_eq!(read, left);
            }
        }
    }

    #[test]
    fn a_body_is_replaced_in_its_place() {
        let event = |(offset, topic): (u64, &str)| {
            let body = vec![offset as u8; 20].into();
            Arc::new(Logged::new(0, offset, Topic::parse(topic).unwrap(), body))
        };
        let events: Vec<_> = [(5, "a"), (6, "a"), (7, "b")].map(event).into();
        pack(&events, |first, row| {
            for offset in 5..8 {
                let (replaced, before) = replace(first, row, offset, b"new").unwrap();
                assert_eq!(before, 20);
                for (was, is) in entries(first, row).zip(entries(first, &replaced)) {
                    let (was, is) = (was.unwrap(), is.unwrap());
                    let body: &[u8] = if is.offset == offset { b"new" } else { was.body };
                    assert_eq!(is, BlockEntry { body, ..was });
                }
                assert_eq!(entries(first, &replaced).count(), 3);
            }
            assert!(replace(first, row, 8, b"new").is_err());
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn a_row_that_is_cut_is_corrupt_and_ends() {
        for offset in [3, 300] {
            let entry = BlockEntry { offset, topic: "t", body: &[1; 50] };
            let row = encode(3, [entry]).unwrap();
            for end in 1..row.len() {
                let mut entries = entries(3, &row[..end]);
                assert!(
                    matches!(entries.next(), Some(Err(Error(StoreError::Corrupt(_))))),
                    "{end}"
                );
                assert!(entries.next().is_none());
            }
        }
    }
}
