//! From the store to the peer: a row is sent once the store has marked it as leaving.

use super::{Outbox, Stage};
use crate::Millis;
use crate::client::store::OutboxRow;

impl Outbox {
    /// The numbers of rows to mark before they may be sent, without expired ones and those behind an unsigned one.
    pub(in crate::client) fn mark(&mut self, window: usize, wall: Millis) -> Vec<u64> {
        let mut numbers = Vec::new();
        if self.marking {
            return numbers;
        }
        let window = window.min(self.rows.len());
        let from = self.rows.partition_point(|entry| entry.row.number < self.unsent).min(window);
        for entry in self.rows.range_mut(from..window) {
            if entry.is_unsigned() && !matches!(entry.stage, Stage::Lost { .. }) {
                break;
            }
            let expired = entry.expires().is_some_and(|at| at <= wall);
            if entry.stage != Stage::Idle || entry.row.leaving || expired {
                continue;
            }
            entry.stage = Stage::Marking;
            numbers.push(entry.row.number);
        }
        self.marking = !numbers.is_empty();
        numbers
    }

    /// The store has marked these rows; rows that were requested but not marked are gone. Returns whether all were
    /// marked.
    pub(in crate::client) fn marked(&mut self, marked: impl Fn(u64) -> bool, now: Millis) -> bool {
        let mut all = true;
        self.marking = false;
        for entry in self.rows.iter_mut().filter(|entry| entry.stage == Stage::Marking) {
            let there = marked(entry.row.number);
            self.timed |= !there;
            entry.row.leaving |= there;
            entry.stage = if there { Stage::Idle } else { Stage::lost(now) };
            all &= there;
        }
        all
    }

    /// The store could not mark them. They were not sent.
    pub(in crate::client) fn not_marked(&mut self) {
        self.marking = false;
        for entry in self.rows.iter_mut().filter(|entry| entry.stage == Stage::Marking) {
            entry.stage = Stage::Idle;
        }
    }

    /// The next row to send, if all rows before it were sent and at most `window` are unanswered.
    pub(in crate::client) fn next_to_send(&self, window: usize) -> Option<&OutboxRow> {
        let window = window.saturating_sub(self.erase.len()).min(self.rows.len());
        let from = self.rows.partition_point(|entry| entry.row.number < self.unsent);
        let mut unsent = self.rows.range(from.min(window)..window);
        let next = unsent.find(|entry| !matches!(entry.stage, Stage::Lost { .. }))?;
        let ready = next.stage == Stage::Idle && next.row.leaving && next.row.number < self.next;
        (ready && !next.is_unsigned()).then_some(&next.row)
    }

    /// Records that the [next row](Self::next_to_send) was sent.
    pub(in crate::client) fn sent(&mut self, number: u64) {
        self.unsent = number + 1;
        if let Some(entry) = self.get(number) {
            entry.sent = true;
        }
    }

    /// Marks the rows from `number` on as not sent, and returns the ids of those that were.
    pub(in crate::client) fn unsend_from(&mut self, number: u64) -> Vec<String> {
        self.unsent = self.unsent.min(number);
        let from = self.rows.partition_point(|entry| entry.row.number < number);
        let sent = self.rows.range_mut(from..).filter(|entry| entry.sent);
        sent.map(|entry| {
            entry.sent = false;
            entry.row.id.clone()
        })
        .collect()
    }

    /// Whether a row was sent on this connection and is not answered yet.
    pub(in crate::client) fn has_unanswered(&self) -> bool {
        self.rows.front().is_some_and(|entry| entry.row.number < self.unsent)
    }
}
