//! The subscriptions of one connection: how far each has read, and what its receiver can take.
//!
//! Without credit a subscription is only a position in each stream. With credit it reads from the log, and goes live
//! once it has read everything. Subscriptions with the same pattern, which tabs on a shared connection often have,
//! are matched as one.

mod one;

use std::collections::BTreeMap;

use topic::{Pattern, Topic};

use super::access::Past;
use super::{ChangedPatterns, StartPoint, StreamNo, Ticket};
use crate::wire::frame::Recipient;
use one::{Stage, Subscription};

#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// Boxed, because a map allocates for eleven entries at once and most connections have one.
    by_number: BTreeMap<u32, Box<Subscription>>,
    /// Each pattern with the numbers of its subscriptions, in order: patterns without a wildcard,
    exact: Vec<(Pattern, Vec<u32>)>,
    /// and patterns with one.
    wild: Vec<(Pattern, Vec<u32>)>,
    /// The epochs of the streams.
    epochs: Vec<u64>,
    /// The patterns that were added (false) or removed (true) since the last query.
    changed: BTreeMap<Pattern, bool>,
    /// Counts changes that affect which connections receive ephemeral events.
    edition: u64,
    /// The bytes of the patterns, once for each subscription.
    bytes: usize,
}

/// Another subscription has this number.
#[derive(Debug)]
pub(super) struct Taken;

/// How a subscription continues in a stream.
pub(super) enum Next {
    Read {
        pattern: Pattern,
        from: u64,
        limit: usize,
    },
    /// It goes live for the first time.
    CaughtUp {
        count: u64,
        offset: u64,
    },
    /// It is live again.
    Live,
    Nothing,
}

/// What to do with a replayed event.
pub(super) enum Replay {
    Tell(Recipient),
    Known,
    NoCredit,
}

impl Subscriptions {
    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    /// The bytes of the patterns, once for each subscription.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The epoch of a stream.
    pub(super) fn epoch(&self, stream: StreamNo) -> u64 {
        self.epochs.get(stream).copied().unwrap_or_default()
    }

    pub(super) fn insert(
        &mut self,
        number: u32,
        pattern: Pattern,
        credit: Option<(u32, u32)>,
        past: Past,
        ticket: Ticket,
    ) -> Result<(), Taken> {
        if self.by_number.contains_key(&number) {
            return Err(Taken);
        }
        let patterns = self.patterns_like(&pattern);
        match place(patterns, pattern.as_str()) {
            Ok(at) => patterns[at].1.push(number),
            Err(at) => {
                patterns.insert(at, (pattern.clone(), vec![number]));
                self.note_change(&pattern, false);
            }
        }
        self.bytes += pattern.as_str().len();
        let subscription = Subscription::new(pattern, credit, past, ticket);
        self.by_number.insert(number, Box::new(subscription));
        self.edition += 1;
        Ok(())
    }

    /// Removes it, and returns its outstanding requests to the store.
    pub(super) fn remove(&mut self, number: u32) -> Vec<Ticket> {
        let Some(removed) = self.by_number.remove(&number) else { return Vec::new() };
        self.bytes -= removed.pattern.as_str().len();
        self.edition += 1;
        let patterns = self.patterns_like(&removed.pattern);
        if let Ok(at) = place(patterns, removed.pattern.as_str()) {
            patterns[at].1.retain(|other| *other != number);
            if patterns[at].1.is_empty() {
                patterns.remove(at);
                self.note_change(&removed.pattern, true);
            }
        }
        removed.asked().collect()
    }

    /// A pattern that was removed and added again since the last query has not changed.
    fn note_change(&mut self, pattern: &Pattern, gone: bool) {
        if self.changed.remove(pattern).is_none() {
            self.changed.insert(pattern.clone(), gone);
        }
    }

    pub(super) fn changed_patterns(&mut self) -> Option<ChangedPatterns> {
        if self.changed.is_empty() {
            return None;
        }
        let mut patterns = ChangedPatterns::default();
        for (pattern, gone) in std::mem::take(&mut self.changed) {
            if gone { &mut patterns.ended } else { &mut patterns.begun }.push(pattern);
        }
        Some(patterns)
    }

    /// What `select` makes of the subscriptions: of their patterns, and of whether they still read the past.
    pub(super) fn select<T>(&self, select: impl Fn(&Pattern, Past) -> Option<T>) -> Vec<(u32, T)> {
        let selected = self.by_number.iter().filter_map(|(number, it)| {
            let past = if it.has_caught_up { Past::NotWanted } else { it.past };
            Some((*number, select(&it.pattern, past)?))
        });
        selected.collect()
    }

    /// Whether a subscription reads the past.
    pub(super) fn past(&self, number: u32) -> Option<Past> {
        Some(self.by_number.get(&number)?.past)
    }

    #[cfg(feature = "json")]
    pub(super) fn find(&self, pattern: &str) -> Option<u32> {
        [&self.exact, &self.wild].into_iter().find_map(|patterns| {
            let at = place(patterns, pattern).ok()?;
            patterns[at].1.first().copied()
        })
    }

    #[cfg(feature = "json")]
    pub(super) fn pattern(&self, number: u32) -> Option<&Pattern> {
        Some(&self.by_number.get(&number)?.pattern)
    }

    /// The subscription that waits for this response. It may have ended.
    pub(super) fn locating(&self, ticket: Ticket) -> Option<u32> {
        let mut all = self.by_number.iter();
        all.find(|(_, it)| it.locating == Some(ticket)).map(|(number, _)| *number)
    }

    /// The subscription that waits for this page, and the stream. It may have ended.
    pub(super) fn reading(&self, ticket: Ticket) -> Option<(u32, StreamNo)> {
        let stage = Stage::Reading(ticket);
        self.by_number.iter().find_map(|(number, it)| {
            let stream = it.reads.iter().position(|read| read.stage == stage)?;
            Some((*number, stream))
        })
    }

    pub(super) fn start(&mut self, number: u32, places: &[StartPoint]) {
        self.epochs = places.iter().map(|place| place.head.epoch).collect();
        if let Some(it) = self.by_number.get_mut(&number) {
            it.start(places);
        }
    }

    /// The lowest offset of a stream that a subscription has not read, of those that are not live.
    pub(super) fn unread(&self, stream: StreamNo) -> Option<u64> {
        let reads = self.by_number.values().filter_map(|it| it.reads.get(stream));
        reads.filter(|read| read.stage != Stage::Live).map(|read| read.next).min()
    }

    /// Adds credit.
    pub(super) fn grant(&mut self, number: u32, events: u32, bytes: u32) {
        if let Some(it) = self.by_number.get_mut(&number) {
            it.grant(events, bytes);
        }
    }

    /// The streams in which it waits for credit, in the order in which they may use it.
    pub(super) fn waiting(&mut self, number: u32) -> Vec<StreamNo> {
        self.by_number.get_mut(&number).map(|it| it.waiting()).unwrap_or_default()
    }

    /// Records that a replayed event is sent, unless the receiver knows it or has no credit.
    pub(super) fn replay(
        &mut self,
        number: u32,
        stream: StreamNo,
        offset: u64,
        bytes: usize,
    ) -> Replay {
        match self.by_number.get_mut(&number) {
            Some(it) => it.replay(number, stream, offset, bytes),
            None => Replay::Known,
        }
    }

    pub(super) fn looked_up_to(&mut self, number: u32, stream: StreamNo, next: u64) {
        let it = self.by_number.get_mut(&number);
        if let Some(read) = it.and_then(|it| it.reads.get_mut(stream)) {
            read.next = read.next.max(next);
        }
    }

    /// Records that these offsets are gone from a stream. Returns the range to report, if any: the next event names
    /// the end of the range as its predecessor.
    pub(super) fn gap(
        &mut self,
        number: u32,
        stream: StreamNo,
        (from, to): (u64, u64),
    ) -> Option<(u64, u64)> {
        let read = self.by_number.get_mut(&number)?.reads.get_mut(stream)?;
        if to < read.next {
            return None;
        }
        let from = from.max(read.next);
        (read.next, read.previous) = (to + 1, Some(to));
        Some((from, to))
    }

    /// Makes the live subscriptions in a stream fall back to reading from the log, and returns their numbers. They
    /// know everything before `seen`.
    pub(super) fn fall_back(&mut self, stream: StreamNo, seen: u64) -> Vec<u32> {
        let mut fallen = Vec::new();
        for (number, it) in &mut self.by_number {
            if let Some(read) = it.reads.get_mut(stream)
                && read.stage == Stage::Live
            {
                (read.next, read.stage) = (read.next.max(seen), Stage::Waiting);
                fallen.push(*number);
            }
        }
        fallen
    }

    /// Continues after a start, a page, or new credit. The subscription goes live once it has read everything before
    /// `seen`.
    pub(super) fn advance(
        &mut self,
        number: u32,
        stream: StreamNo,
        seen: u64,
        ticket: Ticket,
        limit: usize,
    ) -> Next {
        let Some(it) = self.by_number.get_mut(&number) else { return Next::Nothing };
        let next = it.advance(stream, seen, ticket, limit);
        if matches!(next, Next::CaughtUp { .. } | Next::Live) {
            self.edition += 1;
        }
        next
    }

    /// While this stays the same, ephemeral events on a topic have the same recipients.
    pub(super) fn edition(&self) -> u64 {
        self.edition
    }

    /// Whether none of these has a limit. The result holds while the edition stays the same.
    pub(super) fn are_unlimited(&self, recipients: &[Recipient]) -> bool {
        recipients.iter().all(|recipient| {
            self.by_number.get(&recipient.subscription).is_some_and(|it| it.is_unlimited())
        })
    }

    /// Whether all of these have credit for an ephemeral event. If so, counts it.
    pub(super) fn all_take(&mut self, recipients: &[Recipient], bytes: usize) -> bool {
        let can =
            |it: &Recipient| self.by_number.get(&it.subscription).is_some_and(|it| it.has_credit());
        recipients.iter().all(can) && recipients.iter().all(|it| self.takes(it.subscription, bytes))
    }

    /// Whether it has credit for an ephemeral event. If so, counts it.
    pub(super) fn takes(&mut self, number: u32, bytes: usize) -> bool {
        self.by_number.get_mut(&number).is_some_and(|it| it.takes(bytes))
    }

    /// Adds the live subscriptions that match a logged event to `recipients`. A subscription without credit falls
    /// back to reading from the log.
    pub(super) fn live(
        &mut self,
        topic: &Topic,
        (stream, offset): (StreamNo, u64),
        bytes: usize,
        recipients: &mut Vec<Recipient>,
    ) {
        self.each_of(topic, |number, it| recipients.extend(it.live(number, stream, offset, bytes)));
    }

    /// Adds the subscriptions that match an ephemeral event to `recipients`, and calls `without_credit` for those
    /// without credit.
    pub(super) fn ephemeral(
        &mut self,
        topic: &Topic,
        bytes: usize,
        recipients: &mut Vec<Recipient>,
        mut without_credit: impl FnMut(u32),
    ) {
        self.each_of(topic, |subscription, it| {
            if !it.has_caught_up {
            } else if it.takes(bytes) {
                recipients.push(Recipient { subscription, previous: None });
            } else {
                without_credit(subscription);
            }
        });
    }

    /// Calls `each` for each subscription that matches a topic.
    fn each_of(&mut self, topic: &Topic, mut reported: impl FnMut(u32, &mut Subscription)) {
        let exact = place(&self.exact, topic.as_str()).ok().map(|at| &self.exact[at]);
        let wild = self.wild.iter().filter(|(pattern, _)| pattern.matches(topic));
        for number in exact.into_iter().chain(wild).flat_map(|(_, numbers)| numbers) {
            if let Some(it) = self.by_number.get_mut(number) {
                reported(*number, it);
            }
        }
    }

    /// The list of patterns that this one belongs to.
    fn patterns_like(&mut self, pattern: &Pattern) -> &mut Vec<(Pattern, Vec<u32>)> {
        if pattern.as_topic().is_some() { &mut self.exact } else { &mut self.wild }
    }
}

/// The index of a pattern, or where to insert it.
fn place(patterns: &[(Pattern, Vec<u32>)], pattern: &str) -> Result<usize, usize> {
    patterns.binary_search_by(|(other, _)| other.as_str().cmp(pattern))
}
