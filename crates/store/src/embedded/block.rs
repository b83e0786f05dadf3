//! Consecutive events in one row: a commit of many costs few rows, and fills the pages of the file.
//!
//! An event is encoded as the length of its topic in two bytes (0 for the topic of the event before it), the length of
//! its body in four, lowest byte first, its topic and its body.

use std::sync::Arc;

use session::server::Logged;

use super::error::{Result, corrupt};

/// The most bytes of a row with several events. With its key it fills one page of the engine.
const BYTES: usize = 4_076;
/// The same while enough events are left for it: four pages.
const MANY_BYTES: usize = 16_364;
/// The bytes of the two lengths.
const LENGTHS: usize = 6;

/// An event in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockEntry<'r> {
    pub(super) offset: u64,
    pub(super) topic: &'r str,
    pub(super) body: &'r [u8],
}

/// Packs consecutive events into rows. Calls `row` with the first offset and the bytes of each.
pub(super) fn pack(
    mut events: &[Arc<Logged>],
    mut row: impl FnMut(u64, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut left: usize = events.iter().map(|event| LENGTHS + event.body.len()).sum();
    let mut bytes = Vec::with_capacity(left.min(MANY_BYTES));
    while let Some(first) = events.first() {
        bytes.clear();
        let most = if left < MANY_BYTES { BYTES } else { MANY_BYTES };
        let (mut count, mut last) = (0, "");
        for event in events {
            let topic = event.topic.as_str();
            let named = if topic == last { "" } else { topic };
            if count > 0 && bytes.len() + LENGTHS + named.len() + event.body.len() > most {
                break;
            }
            push(&mut bytes, named, &event.body)?;
            left -= LENGTHS + event.body.len();
            last = topic;
            count += 1;
        }
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
    let (mut bytes, mut before) = (Vec::with_capacity(row.len() + body.len()), None);
    let mut last = "";
    for entry in entries(first, row) {
        let entry = entry?;
        let named = if entry.topic == last { "" } else { entry.topic };
        let is_replaced = entry.offset == offset;
        push(&mut bytes, named, if is_replaced { body } else { entry.body })?;
        before = before.or(is_replaced.then_some(entry.body.len()));
        last = entry.topic;
    }
    Ok((bytes, before.ok_or(corrupt("block"))?))
}

/// Appends an event, with its topic unless that is the one of the event before it.
fn push(bytes: &mut Vec<u8>, named: &str, body: &[u8]) -> Result<()> {
    let too_long = |_| corrupt("an event that is too long");
    bytes.extend(u16::try_from(named.len()).map_err(too_long)?.to_le_bytes());
    bytes.extend(u32::try_from(body.len()).map_err(too_long)?.to_le_bytes());
    bytes.extend_from_slice(named.as_bytes());
    bytes.extend_from_slice(body);
    Ok(())
}

/// The events of a row. Its key is the first offset.
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
        let (body, rest) = rest.split_first_chunk()?;
        let topic = usize::from(u16::from_le_bytes(*topic));
        let (topic, rest) = rest.split_at_checked(topic)?;
        let body = usize::try_from(u32::from_le_bytes(*body)).ok()?;
        let (body, rest) = rest.split_at_checked(body)?;
        if !topic.is_empty() {
            self.topic = std::str::from_utf8(topic).ok()?;
        }
        self.rest = rest;
        let offset = self.offset;
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

    proptest! {
        #[test]
        fn events_are_read_as_they_were_packed_and_small_ones_share_a_row(
            events in proptest::collection::vec(("[ab]{1,2}", 0..5_000_usize), 0..40),
            first in 1..u64::MAX / 2,
        ) {
            let events: Vec<_> = (first..)
                .zip(&events)
                .map(|(offset, (topic, size))| {
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
        let body = vec![1; 50].into();
        let event = Logged::new(0, 3, Topic::parse("t").unwrap(), body);
        pack(&[Arc::new(event)], |first, row| {
            for end in 1..row.len() {
                let mut entries = entries(first, &row[..end]);
                assert!(
                    matches!(entries.next(), Some(Err(Error(StoreError::Corrupt(_))))),
                    "{end}"
                );
                assert!(entries.next().is_none());
            }
            Ok(())
        })
        .unwrap();
    }
}
