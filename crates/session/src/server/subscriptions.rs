//! The subscriptions of one connection: how far each has been told, and what its receiver can take.
//!
//! A subscription without credit keeps its position and nothing else. With credit it reads on from the
//! log, and is live again once it has been told everything.

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
    /// Counts what changes who is told of an ephemeral event.
    edition: u64,
}

#[derive(Debug)]
struct Subscription {
    pattern: Pattern,
    stage: Stage,
    /// The first offset that it has not been told of.
    next: u64,
    /// The offset up to which its receiver knows everything.
    previous: Option<u64>,
    /// How many events have been replayed before it was live.
    count: u64,
    /// It was live once: its receiver knows that it has caught up.
    was_live: bool,
    /// None is without a limit.
    credit: Option<Credit>,
}

/// What the receiver can still take.
#[derive(Debug, Clone, Copy)]
struct Credit {
    events: u64,
    /// Below zero after an event that was larger than what was left.
    bytes: i64,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Locating(Ticket),
    Reading(Ticket),
    /// There is something to read and no credit for it.
    Waiting,
    Live,
}

/// The number names a subscription already.
#[derive(Debug)]
pub(super) struct Taken;

/// How a subscription goes on.
pub(super) enum Next {
    Read { pattern: Pattern, from: u64, limit: usize },
    CaughtUp { count: u64, head: Position },
    Nothing,
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
        credit: Option<(u32, u32)>,
        ticket: Ticket,
    ) -> Result<(), Taken> {
        if self.by_number.contains_key(&number) {
            return Err(Taken);
        }
        let subscription = Subscription {
            pattern,
            stage: Stage::Locating(ticket),
            next: 0,
            previous: None,
            count: 0,
            was_live: false,
            credit: credit
                .map(|(events, bytes)| Credit { events: events.into(), bytes: bytes.into() }),
        };
        self.by_number.insert(number, subscription);
        self.changed = true;
        self.edition += 1;
        Ok(())
    }

    pub(super) fn remove(&mut self, number: u32) {
        self.by_number.remove(&number);
        self.changed = true;
        self.edition += 1;
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
            (it.stage, it.next, it.previous) = (Stage::Waiting, next, previous);
        }
    }

    /// Adds to what the receiver can take.
    pub(super) fn grant(&mut self, number: u32, events: u32, bytes: u32) {
        let it = self.by_number.get_mut(&number);
        if let Some(credit) = it.and_then(|it| it.credit.as_mut()) {
            credit.events = credit.events.saturating_add(events.into());
            credit.bytes = credit.bytes.saturating_add(bytes.into());
        }
    }

    /// Notes that a replayed event goes out, unless it has been told already or has no room.
    pub(super) fn replay(&mut self, number: u32, offset: u64, bytes: usize) -> Replay {
        let Some(it) = self.by_number.get_mut(&number) else { return Replay::Told };
        if offset < it.next {
            return Replay::Told;
        }
        if !it.takes(bytes) {
            it.next = offset;
            return Replay::NoCredit;
        }
        it.next = offset + 1;
        it.count += 1;
        Replay::Tell(Head { subscription: number, previous: it.previous.replace(offset) })
    }

    pub(super) fn looked_up_to(&mut self, number: u32, next: u64) {
        if let Some(it) = self.by_number.get_mut(&number) {
            it.next = it.next.max(next);
        }
    }

    /// These offsets are gone from the log. What of them the receiver is to be told, unless it is nothing:
    /// what follows names the end of that as the offset before it.
    pub(super) fn gap(&mut self, number: u32, from: u64, to: u64) -> Option<(u64, u64)> {
        let it = self.by_number.get_mut(&number)?;
        if to < it.next {
            return None;
        }
        let from = from.max(it.next);
        (it.next, it.previous) = (to + 1, Some(to));
        Some((from, to))
    }

    /// Takes those that are live out of what comes by itself, and gives their numbers: they have seen all
    /// before `seen`.
    pub(super) fn fall_back(&mut self, seen: u64) -> Vec<u32> {
        let live = self.by_number.iter_mut().filter(|(_, it)| it.stage == Stage::Live);
        live.map(|(number, it)| {
            (it.next, it.stage) = (it.next.max(seen), Stage::Waiting);
            *number
        })
        .collect()
    }

    /// Goes on after a start, a page, or new credit: live once everything before `seen` has been told, and
    /// what follows then comes by itself.
    pub(super) fn advance(&mut self, number: u32, seen: u64, ticket: Ticket, limit: usize) -> Next {
        let epoch = self.epoch;
        let Some(it) = self.by_number.get_mut(&number) else { return Next::Nothing };
        if it.next < seen {
            if !it.has_credit() {
                it.stage = Stage::Waiting;
                return Next::Nothing;
            }
            it.stage = Stage::Reading(ticket);
            let most = it.credit.map_or(u64::MAX, |credit| credit.events);
            let limit = usize::try_from(most).map_or(limit, |most| most.min(limit));
            return Next::Read { pattern: it.pattern.clone(), from: it.next, limit };
        }
        it.stage = Stage::Live;
        self.edition += 1;
        if std::mem::replace(&mut it.was_live, true) {
            return Next::Nothing;
        }
        let offset = it.next - 1;
        it.previous = Some(offset);
        Next::CaughtUp { count: it.count, head: Position { epoch, offset, id: None } }
    }

    /// Whether it waits for credit to read on.
    pub(super) fn waits(&self, number: u32) -> bool {
        self.by_number.get(&number).is_some_and(|it| it.stage == Stage::Waiting)
    }

    /// While it stays the same, ephemeral events on a topic are for the same subscriptions.
    pub(super) fn edition(&self) -> u64 {
        self.edition
    }

    /// Whether all of these can take an ephemeral event, which is then counted.
    pub(super) fn all_take(&mut self, heads: &[Head], bytes: usize) -> bool {
        let can = |head: &Head| {
            self.by_number.get(&head.subscription).is_some_and(Subscription::has_credit)
        };
        heads.iter().all(can) && heads.iter().all(|head| self.takes(head.subscription, bytes))
    }

    /// Whether it can take an ephemeral event, which is then counted.
    pub(super) fn takes(&mut self, number: u32, bytes: usize) -> bool {
        self.by_number.get_mut(&number).is_some_and(|it| it.takes(bytes))
    }

    /// Puts the live subscriptions that are to be told of a logged event into `heads`. One that has no
    /// credit for it is live no more.
    pub(super) fn live(&mut self, topic: &Topic, offset: u64, bytes: usize, heads: &mut Vec<Head>) {
        for (&subscription, it) in &mut self.by_number {
            if it.stage != Stage::Live || offset < it.next || !it.pattern.matches(topic) {
                continue;
            }
            if it.takes(bytes) {
                it.next = offset + 1;
                heads.push(Head { subscription, previous: it.previous.replace(offset) });
            } else {
                // It has seen all before this one, matching or not.
                (it.next, it.stage) = (offset, Stage::Waiting);
            }
        }
    }

    /// Puts the subscriptions that are to be told of an ephemeral event into `heads`, and calls
    /// `without_credit` with those that cannot take it.
    pub(super) fn ephemeral(
        &mut self,
        topic: &Topic,
        bytes: usize,
        heads: &mut Vec<Head>,
        mut without_credit: impl FnMut(u32),
    ) {
        for (&subscription, it) in &mut self.by_number {
            if !it.was_live || !it.pattern.matches(topic) {
                continue;
            }
            if it.takes(bytes) {
                heads.push(Head { subscription, previous: None });
            } else {
                without_credit(subscription);
            }
        }
    }
}

/// What becomes of a replayed event.
pub(super) enum Replay {
    Tell(Head),
    Told,
    NoCredit,
}

impl Subscription {
    fn has_credit(&self) -> bool {
        self.credit.is_none_or(|credit| credit.events > 0 && credit.bytes > 0)
    }

    /// Takes credit for an event if there is any.
    fn takes(&mut self, bytes: usize) -> bool {
        if !self.has_credit() {
            return false;
        }
        if let Some(credit) = &mut self.credit {
            credit.events -= 1;
            credit.bytes = credit.bytes.saturating_sub(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        true
    }
}
