//! The migration from older versions, in one transaction.
//!
//! Up to version 2 each event had a row in the log, one in the index of its topic, one for its id, and one for its
//! number. Version 1 had neither times nor extents: it kept everything. Up to version 3 no event was missing between
//! others, so an extent did not count its events. The blocks of version 3 are [those of today](crate::embedded::block).

use std::collections::BTreeMap;
use std::sync::Arc;

use redb::{ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use session::server::Logged;
use topic::Topic;

use super::{BLOCKS, EXTENTS, IDS, MAIN, TIMES, TOPICS};
use crate::digest::digest_of;
use crate::embedded::clients::Clients;
use crate::embedded::error::{Result, corrupt};
use crate::embedded::log::{self, Extent, cost};

const OLD_EVENTS: TableDefinition<'_, u64, (&str, &[u8])> = TableDefinition::new("events");
const OLD_BY_TOPIC: TableDefinition<'_, (&str, u64), ()> = TableDefinition::new("by_topic");
const OLD_IDS: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("ids");
const OLD_TIMES: TableDefinition<'_, u64, u64> = TableDefinition::new("times");
const OLD_STREAMS: TableDefinition<'_, &str, (u64, u64, u64, u64)> =
    TableDefinition::new("streams");
/// First, head, bytes, peak and indexed of a stream.
type OldExtentRow = (u64, u64, u64, u64, u64);
const OLD_EXTENTS: TableDefinition<'_, u32, OldExtentRow> = TableDefinition::new("extents");
const OLD_OUTCOMES: TableDefinition<'_, (&[u8; 16], u64), u64> = TableDefinition::new("outcomes");

/// How many events are moved at a time.
const TOGETHER: usize = 4_096;

/// Brings the tables of the version `found` up to date. The age of what version 1 holds counts from `now`.
pub(super) fn bring_up_to_date(transaction: &WriteTransaction, found: u64, now: u64) -> Result<()> {
    if found < 3 { from_rows(transaction, now) } else { count_events(transaction) }
}

/// From version 3: counts the events of each stream.
fn count_events(transaction: &WriteTransaction) -> Result<()> {
    let mut extents = transaction.open_table(EXTENTS)?;
    for row in transaction.open_table(OLD_EXTENTS)?.iter()? {
        let (stream, extent) = row?;
        let (first, head, bytes, peak, indexed) = extent.value();
        let count = (head + 1).checked_sub(first).ok_or(corrupt("offsets"))?;
        let extent = Extent { first, head, count, bytes, peak, indexed };
        extents.insert(stream.value(), extent.row())?;
    }
    transaction.delete_table(OLD_EXTENTS)?;
    Ok(())
}

/// From version 1 or 2.
fn from_rows(transaction: &WriteTransaction, now: u64) -> Result<()> {
    let extent = move_events(transaction)?;
    {
        let mut times = transaction.open_table(TIMES)?;
        for row in transaction.open_table(OLD_TIMES)?.iter()? {
            let (time, offset) = row?;
            times.insert((MAIN, time.value()), offset.value())?;
        }
        if times.is_empty()? && extent.count > 0 {
            times.insert((MAIN, now), extent.first)?;
        }
        transaction.open_table(EXTENTS)?.insert(MAIN, extent.row())?;
        let outcomes = transaction.open_table(OLD_OUTCOMES)?;
        Clients::open(transaction)?.take_outcomes(|client| {
            let rows = outcomes.range((client, 0)..=(client, u64::MAX))?;
            rows.map(|row| {
                let (key, offset) = row?;
                let place = (offset.value() > 0).then(|| (MAIN, offset.value()));
                Ok((key.value().1, place))
            })
            .collect()
        })?;
    }
    transaction.delete_table(OLD_EVENTS)?;
    transaction.delete_table(OLD_BY_TOPIC)?;
    transaction.delete_table(OLD_IDS)?;
    transaction.delete_table(OLD_TIMES)?;
    transaction.delete_table(OLD_STREAMS)?;
    transaction.delete_table(OLD_OUTCOMES)?;
    Ok(())
}

/// Moves the events into blocks, and rebuilds the indexes.
fn move_events(transaction: &WriteTransaction) -> Result<Extent> {
    let old = transaction.open_table(OLD_EVENTS)?;
    let mut blocks = transaction.open_table(BLOCKS)?;
    let mut topics = transaction.open_table(TOPICS)?;
    let mut ids = transaction.open_table(IDS)?;
    let mut bytes = 0;
    let mut rows = old.iter()?;
    loop {
        let (mut events, mut digests) = (Vec::with_capacity(TOGETHER), BTreeMap::new());
        for row in rows.by_ref().take(TOGETHER) {
            let (offset, event) = row?;
            let (offset, (topic, body)) = (offset.value(), event.value());
            bytes += cost(topic, body);
            let topic = Topic::parse(topic).map_err(|_| corrupt("topic"))?;
            digests.extend(digest_of(body).map(|digest| (digest, (MAIN, offset))));
            events.push(Arc::new(Logged::new(0, offset, topic, body.into())));
        }
        if events.is_empty() {
            break;
        }
        log::put(&mut blocks, &mut topics, MAIN, &events)?;
        for (digest, place) in digests {
            ids.insert(&digest, place)?;
        }
    }
    let known = transaction.open_table(OLD_STREAMS)?.get("main")?.map(|row| row.value());
    let (first, head, bytes, peak) = match known {
        Some(known) => known,
        None => {
            let head = old.last()?.map_or(0, |(offset, _)| offset.value());
            (old.first()?.map_or(1, |(offset, _)| offset.value()), head, bytes, bytes)
        }
    };
    let count = old.len()?;
    if head + 1 - first != count {
        return Err(corrupt("offsets"));
    }
    Ok(Extent { first, head, count, bytes, peak, indexed: head })
}
