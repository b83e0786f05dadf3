//! The subscriptions of one connection, and how far each has been told.

use std::collections::BTreeMap;

use bus::{Pattern, Topic};

use super::Ticket;
use crate::Position;
use crate::frame::Head;

#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    by_number: BTreeMap<u32, Subscription>,
    epoch: u64,
    /// One has come or gone since somebody asked.
    changed: bool,
}

#[derive(Debug)]
struct Subscription {
    pattern: Pattern,
    stage: Stage,
    /// The first offset that it has not been told of.
    next: u64,
    /// The offset up to which its receiver knows everything.
    previous: Option<u64>,
    /// How many events have been replayed.
    count: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Locating(Ticket),
    Located,
    Reading(Ticket),
    Live,
}

/// The number names a subscription already.
#[derive(Debug)]
pub(super) struct Taken;

/// How a subscription goes on.
pub(super) enum Next {
    Read { pattern: Pattern, from: u64 },
    Live { count: u64, head: Position },
    Gone,
}

impl Subscriptions {
    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    /// The life of the log that its positions are of.
    #[cfg(feature = "json")]
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn insert(
        &mut self,
        number: u32,
        pattern: Pattern,
        ticket: Ticket,
    ) -> Result<(), Taken> {
        if self.by_number.contains_key(&number) {
            return Err(Taken);
        }
        self.changed = true;
        let stage = Stage::Locating(ticket);
        self.by_number
            .insert(number, Subscription { pattern, stage, next: 0, previous: None, count: 0 });
        Ok(())
    }

    pub(super) fn remove(&mut self, number: u32) {
        self.by_number.remove(&number);
        self.changed = true;
    }

    pub(super) fn changed(&mut self) -> Option<impl Iterator<Item = &Pattern>> {
        std::mem::take(&mut self.changed).then(|| self.by_number.values().map(|it| &it.pattern))
    }

    #[cfg(feature = "json")]
    pub(super) fn find(&self, pattern: &str) -> Option<u32> {
        let mut all = self.by_number.iter();
        all.find(|(_, subscription)| subscription.pattern.as_str() == pattern)
            .map(|(number, _)| *number)
    }

    #[cfg(feature = "json")]
    pub(super) fn pattern(&self, number: u32) -> Option<&Pattern> {
        Some(&self.by_number.get(&number)?.pattern)
    }

    /// The subscription that waits for this answer of the store; it may have ended meanwhile.
    pub(super) fn locating(&self, ticket: Ticket) -> Option<u32> {
        self.at_stage(&Stage::Locating(ticket))
    }

    /// The subscription that waits for this page; it may have ended meanwhile.
    pub(super) fn reading(&self, ticket: Ticket) -> Option<u32> {
        self.at_stage(&Stage::Reading(ticket))
    }

    fn at_stage(&self, stage: &Stage) -> Option<u32> {
        self.by_number.iter().find(|(_, it)| it.stage == *stage).map(|(number, _)| *number)
    }

    pub(super) fn start(&mut self, number: u32, next: u64, previous: Option<u64>, head: &Position) {
        self.epoch = head.epoch;
        if let Some(it) = self.by_number.get_mut(&number) {
            (it.stage, it.next, it.previous) = (Stage::Located, next, previous);
        }
    }

    /// Notes that a replayed event goes out, unless it has been told already.
    pub(super) fn replay(&mut self, number: u32, offset: u64) -> Option<Head> {
        let it = self.by_number.get_mut(&number)?;
        if offset < it.next {
            return None;
        }
        it.next = offset + 1;
        it.count += 1;
        Some(Head { subscription: number, previous: it.previous.replace(offset) })
    }

    pub(super) fn looked_up_to(&mut self, number: u32, next: u64) {
        if let Some(it) = self.by_number.get_mut(&number) {
            it.next = it.next.max(next);
        }
    }

    /// Goes live once everything before `seen` has been told; what follows comes by itself.
    pub(super) fn advance(&mut self, number: u32, seen: u64, ticket: Ticket) -> Next {
        let epoch = self.epoch;
        let Some(it) = self.by_number.get_mut(&number) else { return Next::Gone };
        if it.next < seen {
            it.stage = Stage::Reading(ticket);
            return Next::Read { pattern: it.pattern.clone(), from: it.next };
        }
        it.stage = Stage::Live;
        let offset = it.next - 1;
        it.previous = Some(offset);
        Next::Live { count: it.count, head: Position { epoch, offset, id: None } }
    }

    /// The live subscriptions that are to be told of an event; one without an offset is ephemeral.
    pub(super) fn live(&mut self, topic: &Topic, offset: Option<u64>) -> Vec<Head> {
        let mut heads = Vec::new();
        for (&subscription, it) in &mut self.by_number {
            let told = offset.is_some_and(|offset| offset < it.next);
            if it.stage != Stage::Live || told || !it.pattern.matches(topic) {
                continue;
            }
            let previous = match offset {
                Some(offset) => {
                    it.next = offset + 1;
                    it.previous.replace(offset)
                }
                None => None,
            };
            heads.push(Head { subscription, previous });
        }
        heads
    }
}
