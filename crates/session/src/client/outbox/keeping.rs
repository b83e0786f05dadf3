//! From a publish into the store, which numbers each row.

use super::{Outbox, OutboxEntry};
use crate::client::store::{OutboxRow, StoreRequest};

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) row: OutboxRow,
    cancelled: bool,
}

/// The outbox is full.
#[derive(Debug)]
pub(in crate::client) struct Full;

/// The maximum number of rows that are written in one transaction.
const MAX_KEEP: usize = 256;

impl Outbox {
    pub(in crate::client) fn push(&mut self, row: OutboxRow) -> Result<(), Full> {
        if self.len() >= self.max_rows || self.bytes + row.body.len() > self.max_bytes {
            return Err(Full);
        }
        self.timed |= row.is_timed();
        self.bytes += row.body.len();
        self.waiting.push_back(Waiting { row, cancelled: false });
        Ok(())
    }

    /// Requests to store the events that wait. One transaction at a time, so that numbers follow the order of
    /// publishes whatever fails.
    pub(in crate::client) fn keep(
        &mut self,
        client: [u8; 16],
        leaving: bool,
    ) -> Option<StoreRequest> {
        if self.keeping > 0 || self.waiting.is_empty() {
            return None;
        }
        // A row that must be signed is marked after that. Those behind it wait for it, and can be cancelled meanwhile.
        let mut leaving = leaving && !self.rows.iter().any(OutboxEntry::is_unsigned);
        let rows = self.waiting.iter_mut().take(MAX_KEEP).map(|waiting| {
            leaving &= waiting.row.sign_by.is_none();
            waiting.row.leaving = leaving;
            waiting.row.clone()
        });
        let rows: Vec<OutboxRow> = rows.collect();
        self.keeping = rows.len();
        Some(StoreRequest::Keep { client, rows, at_least: self.top() })
    }

    /// The rows that were being written are numbered from `first` on. Returns their ids, and the numbers of those
    /// that were cancelled meanwhile.
    pub(in crate::client) fn kept(&mut self, first: u64) -> (Vec<String>, Vec<u64>) {
        let (mut ids, mut cancelled) = (Vec::new(), Vec::new());
        for (number, waiting) in (first..).zip(self.waiting.drain(..self.keeping)) {
            ids.push(waiting.row.id.clone());
            if waiting.cancelled && !waiting.row.leaving {
                cancelled.push(number);
            }
            let row = OutboxRow { number, ..waiting.row };
            let at = self.rows.partition_point(|entry| entry.row.number < number);
            self.rows.insert(at, OutboxEntry::new(row));
        }
        self.advance();
        self.keeping = 0;
        (ids, cancelled)
    }

    /// Takes back the rows that were being written: the write failed, or the store holds them under unknown numbers.
    pub(in crate::client) fn take_keeping(&mut self) -> Vec<OutboxRow> {
        let taken: Vec<OutboxRow> = self.waiting.drain(..self.keeping).map(|w| w.row).collect();
        self.keeping = 0;
        self.bytes -= taken.iter().map(|row| row.body.len()).sum::<usize>();
        taken
    }

    /// Takes the first event that the store has not taken. Also returns whether the application has cancelled it.
    pub(in crate::client) fn take_waiting(&mut self) -> Option<(OutboxRow, bool)> {
        self.keeping = 0;
        let Waiting { row, cancelled } = self.waiting.pop_front()?;
        self.bytes -= row.body.len();
        Some((row, cancelled))
    }

    /// Cancels an event that is not in the store yet. The error says whether the event is being written and will be
    /// dropped afterwards.
    pub(in crate::client) fn unpublish(&mut self, id: &str) -> Option<Result<(), bool>> {
        let at = self.waiting.iter().position(|waiting| waiting.row.id == id)?;
        if at < self.keeping {
            let waiting = &mut self.waiting[at];
            waiting.cancelled = !waiting.row.leaving;
            return Some(Err(waiting.cancelled));
        }
        let waiting = self.waiting.remove(at)?;
        self.bytes -= waiting.row.body.len();
        Some(Ok(()))
    }
}
