//! Stored events of this page that its subscriptions deliver, or pass by.

use super::outbox::OutboxEntry;
use super::{Client, Effect, OutboxRow, Outcome};

/// The maximum number of expected events. The oldest beyond that are reported as passed.
const MAX_EXPECTED: usize = 1_024;

impl Client {
    /// Whether subscriptions of this page match a settled event that is in the log. If so, [`Effect::Passed`] follows
    /// once they have read past it.
    pub(crate) fn expect(&mut self, row: OutboxRow, outcome: &Outcome) -> bool {
        let Outcome::Stored(position, _) = outcome else { return false };
        let comes = self.subscriptions.match_topic(&row.topic);
        if comes {
            let mut entry = OutboxEntry::new(OutboxRow { body: Vec::new(), ..row });
            entry.seen = Some(position.clone());
            self.expected.push_back(entry);
        }
        comes
    }

    /// Reports the expected events that all subscriptions have read past.
    pub(super) fn pass(&mut self) {
        let mut at = 0;
        while let Some(OutboxEntry { row, seen: Some(position), .. }) = self.expected.get(at) {
            if self.expected.len() <= MAX_EXPECTED
                && !self.subscriptions.have_passed(&row.topic, position)
            {
                at += 1;
            } else if let Some(entry) = self.expected.remove(at) {
                self.effects.push_back(Effect::Passed { id: entry.row.id });
            }
        }
    }
}
