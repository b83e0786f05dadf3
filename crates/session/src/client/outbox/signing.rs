//! From a row that must be signed to one that can be sent.

use super::{Outbox, Signing, Stage};
use crate::Body;
use crate::client::store::OutboxRow;

/// The maximum number of rows that are being signed at a time.
const MAX_SIGNING: usize = 64;

impl Outbox {
    /// The next rows to sign, among those of the `window` that may be unanswered, up to one that cannot be signed.
    /// Marks them as asked.
    pub(in crate::client) fn next_to_sign(&mut self, window: usize) -> Vec<OutboxRow> {
        let window = window.min(self.rows.len());
        let from = self.rows.partition_point(|entry| entry.row.number < self.unsent).min(window);
        let mut rows = Vec::new();
        let unsigned = self.rows.range_mut(from..window).filter(|entry| entry.is_unsigned());
        for entry in unsigned.filter(|entry| entry.stage == Stage::Idle).take(MAX_SIGNING) {
            match entry.signing {
                Signing::Impossible => break,
                Signing::NotAsked => {
                    entry.signing = Signing::Asked;
                    rows.push(entry.row.clone());
                }
                Signing::Asked | Signing::Done => {}
            }
        }
        rows
    }

    /// Adds its signature to a row. The store keeps the row without it: a page that finds the row signs it itself.
    pub(in crate::client) fn signed(&mut self, id: &str, signature: [u8; 64]) {
        let Some(entry) = self.find(id).filter(|entry| entry.is_unsigned()) else { return };
        let Ok(body) = Body::decode(&entry.row.body) else { return };
        let body = Body { signature: Some(signature), ..body }.encode();
        let before = std::mem::replace(&mut entry.row.body, body).len();
        let after = entry.row.body.len();
        entry.signing = Signing::Done;
        self.bytes = self.bytes + after - before;
    }

    /// A row cannot be signed now.
    pub(in crate::client) fn cannot_sign(&mut self, id: &str) {
        if let Some(entry) = self.find(id).filter(|entry| entry.is_unsigned()) {
            entry.signing = Signing::Impossible;
        }
    }

    /// A row will never be signed.
    pub(in crate::client) fn never_signs(&mut self, id: &str) {
        if let Some(entry) = self.find(id).filter(|entry| entry.is_unsigned()) {
            (entry.signing, entry.row.sign_by) = (Signing::Impossible, Some(0));
        }
    }

    /// Asks again for signatures that are outstanding, or could not be made.
    pub(in crate::client) fn sign_again(&mut self) {
        for entry in self.rows.iter_mut().filter(|entry| entry.is_unsigned()) {
            entry.signing = Signing::NotAsked;
        }
    }
}
