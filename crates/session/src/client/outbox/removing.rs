//! Out of the store: rows that are answered, and rows that are dropped unsent.

use super::{Outbox, Signing, Stage};
use crate::client::store::{OutboxRow, StoreRequest};
use crate::{Millis, RejectCode};

/// The maximum number of answered rows whose failed deletion is repeated.
const MAX_ERASE: usize = 512;

impl Outbox {
    /// Removes a row, and queues its deletion from the store.
    pub(in crate::client) fn settle(&mut self, number: u64, decided: bool) -> Option<OutboxRow> {
        let at = self.at(number)?;
        if decided && number > self.decided.0 {
            self.decided = (number, self.rows[at].row.id.clone());
        }
        self.erase.push((number, self.rows[at].row.id.clone()));
        self.remove(at)
    }

    /// Removes a row that the store no longer holds.
    pub(in crate::client) fn forget(&mut self, number: u64) -> Option<OutboxRow> {
        self.remove(self.at(number)?)
    }

    /// The same, by event id.
    pub(in crate::client) fn forget_id(&mut self, id: &str) -> Option<OutboxRow> {
        let at = self.rows.iter().position(|entry| entry.row.id == id)?;
        self.remove(at)
    }

    fn remove(&mut self, at: usize) -> Option<OutboxRow> {
        let row = self.rows.remove(at)?.row;
        self.bytes -= row.body.len();
        Some(row)
    }

    /// Queues the deletion of a row that is not in the mirror.
    pub(in crate::client) fn erase_dropped(&mut self, row: OutboxRow) {
        self.erase.push((row.number, row.id));
    }

    /// Requests the deletion of answered rows.
    pub(in crate::client) fn erase(&mut self, client: [u8; 16]) -> Option<StoreRequest> {
        if self.erasing > 0 || self.erase.is_empty() {
            return None;
        }
        self.erasing = self.erase.len();
        let numbers = self.erase.iter().map(|(number, _)| *number).collect();
        Some(StoreRequest::Erase { client, numbers, decided: self.decided.clone() })
    }

    /// The store has deleted them, or failed: then the request is repeated. Beyond a limit the oldest are given up. A
    /// later page then sends them again, and learns that their numbers are stale.
    pub(in crate::client) fn erased(&mut self, done: bool) {
        let gone = if done { self.erasing } else { self.erase.len().saturating_sub(MAX_ERASE) };
        self.erase.drain(..gone);
        self.erasing = 0;
    }

    /// Whether the row is answered, though the store may still hold it.
    pub(in crate::client) fn is_answered(&self, number: u64) -> bool {
        self.erase.iter().any(|(erased, _)| *erased == number)
    }

    /// The events whose rows are answered, and may still be in the store.
    pub(in crate::client) fn answered(&self) -> impl Iterator<Item = &str> {
        self.erase.iter().map(|(_, id)| &**id)
    }

    /// Requests to drop rows that were not sent.
    pub(in crate::client) fn drop_rows(
        &mut self,
        client: [u8; 16],
        numbers: Vec<u64>,
        why: RejectCode,
    ) -> StoreRequest {
        for number in &numbers {
            if let Some(entry) = self.get(*number) {
                entry.stage = Stage::Dropping(why);
            }
        }
        self.drops.push_back(numbers.clone());
        StoreRequest::Drop { client, numbers, why }
    }

    /// The store has dropped some of the rows; others may have been sent. Rows that it no longer holds were settled
    /// by another tab. Returns the dropped rows with the reason.
    pub(in crate::client) fn dropped(
        &mut self,
        dropped: &[u64],
        leaving: &[u64],
        now: Millis,
    ) -> Vec<(OutboxRow, RejectCode)> {
        let mut gone = Vec::new();
        for number in self.drops.pop_front().unwrap_or_default() {
            let Some(entry) = self.get(number) else { continue };
            let Stage::Dropping(why) = entry.stage else { continue };
            if dropped.contains(&number) {
                gone.extend(self.settle(number, false).map(|row| (row, why)));
            } else if leaving.contains(&number) {
                (entry.stage, entry.row.leaving) = (Stage::Idle, true);
            } else {
                entry.stage = Stage::lost(now);
                self.timed = true;
            }
        }
        gone
    }

    /// The store could not drop these rows. They no longer expire, and those that could not be signed wait until
    /// signatures are asked for again.
    pub(in crate::client) fn not_dropped(&mut self) {
        for number in self.drops.pop_front().unwrap_or_default() {
            if let Some(entry) = self.get(number) {
                (entry.stage, entry.row.expires) = (Stage::Idle, None);
                if entry.signing == Signing::Impossible {
                    entry.signing = Signing::Asked;
                }
            }
        }
    }
}
