//! Ephemeral events that wait for credit: the newest of each key, up to a limit.

use std::collections::VecDeque;

use super::Ephemeral;

/// The maximum number of waiting events of a connection,
const EVENTS: usize = 64;
/// and the maximum size of their bodies.
const BYTES: usize = 16 << 10;

#[derive(Debug, Default)]
pub(super) struct Conflated {
    /// With the subscriptions that they wait for, oldest first.
    waiting: VecDeque<(u32, Ephemeral)>,
    bytes: usize,
    dropped: u64,
}

impl Conflated {
    pub(super) fn hold(&mut self, subscription: u32, event: &Ephemeral) {
        let is_older = |(other, older): &(u32, Ephemeral)| {
            *other == subscription && older.topic == event.topic && older.key == event.key
        };
        if let Some(at) = self.waiting.iter().position(is_older) {
            self.drop_at(at);
        }
        self.bytes += event.body.len();
        self.waiting.push_back((subscription, event.clone()));
        while self.waiting.len() > EVENTS || self.bytes > BYTES {
            self.drop_at(0);
        }
    }

    /// The oldest event that waits for a subscription.
    pub(super) fn next(&self, subscription: u32) -> Option<(usize, &Ephemeral)> {
        let mut all = self.waiting.iter().enumerate();
        all.find(|(_, (other, _))| *other == subscription).map(|(at, (_, event))| (at, event))
    }

    /// Removes the event that [`Conflated::next`] returned.
    pub(super) fn take(&mut self, at: usize) -> Option<Ephemeral> {
        let (_, event) = self.waiting.remove(at)?;
        self.bytes -= event.body.len();
        Some(event)
    }

    /// The subscription has ended.
    pub(super) fn forget(&mut self, subscription: u32) {
        self.waiting.retain(|(other, _)| *other != subscription);
        self.bytes = self.waiting.iter().map(|(_, event)| event.body.len()).sum();
    }

    /// The number of events that were dropped, for a newer one of the same key or for lack of room.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    fn drop_at(&mut self, at: usize) {
        if self.take(at).is_some() {
            self.dropped += 1;
        }
    }
}
