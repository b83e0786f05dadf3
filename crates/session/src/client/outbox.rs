//! The durable events of a client that have no answer yet, in the order of their numbers.

use std::collections::VecDeque;

use bus::Topic;

/// Bounded in rows and bytes; in memory, so that it does not survive a reload.
#[derive(Debug)]
pub(super) struct Outbox {
    /// Their numbers ascend.
    rows: VecDeque<(u64, Row)>,
    next: u64,
    bytes: usize,
    max_rows: usize,
    max_bytes: usize,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) topic: Topic,
    pub(super) id: String,
    pub(super) body: Vec<u8>,
    /// Its frame has left on this connection.
    pub(super) sent: bool,
    /// Its frame has left on some connection, so that it may be in the log.
    pub(super) maybe_stored: bool,
}

/// The outbox has no room.
#[derive(Debug)]
pub(super) struct Full;

impl Outbox {
    pub(super) fn new(max_rows: usize, max_bytes: usize) -> Self {
        Self { rows: VecDeque::new(), next: 1, bytes: 0, max_rows, max_bytes }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The next number to be given.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The lowest number without an answer.
    pub(super) fn lowest(&self) -> u64 {
        self.rows.front().map_or(self.next, |(number, _)| *number)
    }

    pub(super) fn push(&mut self, topic: Topic, id: String, body: Vec<u8>) -> Result<u64, Full> {
        if self.rows.len() >= self.max_rows || self.bytes + body.len() > self.max_bytes {
            return Err(Full);
        }
        let number = self.next;
        self.next += 1;
        self.bytes += body.len();
        let row = Row { topic, id, body, sent: false, maybe_stored: false };
        self.rows.push_back((number, row));
        Ok(number)
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Row> {
        let (_, row) = self.rows.remove(self.at(number)?)?;
        self.bytes -= row.body.len();
        Some(row)
    }

    /// The numbers of rows that may be sent, so that at most `window` have no answer.
    pub(super) fn sendable(&self, window: usize) -> Vec<u64> {
        let unsent = self.rows.iter().take(window).filter(|(_, row)| !row.sent);
        unsent.map(|(number, _)| *number).collect()
    }

    pub(super) fn sent(&mut self, number: u64) -> Option<&Row> {
        let at = self.at(number)?;
        let (_, row) = self.rows.get_mut(at)?;
        (row.sent, row.maybe_stored) = (true, true);
        Some(row)
    }

    /// Marks the rows from `number` on as not sent, and answers the ids of those that were.
    pub(super) fn unsend_from(&mut self, number: u64) -> Vec<String> {
        let from = self.rows.partition_point(|(other, _)| *other < number);
        let sent = self.rows.range_mut(from..).filter(|(_, row)| row.sent);
        sent.map(|(_, row)| {
            row.sent = false;
            row.id.clone()
        })
        .collect()
    }

    /// Takes out the rows that a peer may have logged under an identity that is gone.
    pub(super) fn take_uncertain(&mut self) -> Vec<Row> {
        let uncertain: Vec<u64> = self
            .rows
            .iter()
            .filter(|(_, row)| row.maybe_stored)
            .map(|(number, _)| *number)
            .collect();
        uncertain.into_iter().filter_map(|number| self.remove(number)).collect()
    }

    /// Numbers the rows anew, from 1, for a client with a new identity.
    pub(super) fn renumber(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        self.rows = (1..).zip(rows.into_iter().map(|(_, row)| row)).collect();
        self.next = self.rows.len() as u64 + 1;
    }

    fn at(&self, number: u64) -> Option<usize> {
        self.rows.binary_search_by_key(&number, |(number, _)| *number).ok()
    }
}
