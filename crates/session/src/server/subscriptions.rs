//! The subscriptions of one connection: how far each has been told, and what its receiver can take.
//!
//! A subscription without credit keeps a position in each stream and nothing else. With credit it reads on
//! from the log, and is live again once it has been told everything. Those with the same pattern, which
//! tabs that share a connection often have, are matched as one.

mod one;

use std::collections::BTreeMap;

use topic::{Pattern, Topic};

use super::{ChangedPatterns, StartPoint, StreamNo, Ticket};
use crate::wire::frame::Recipient;
use one::{Stage, Subscription};

#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// In boxes: a map makes room for eleven at once, and a connection has often one.
    by_number: BTreeMap<u32, Box<Subscription>>,
    /// Each pattern, with the numbers of its subscriptions, in order: the topics,
    exact: Vec<(Pattern, Vec<u32>)>,
    /// and those with a wildcard.
    wild: Vec<(Pattern, Vec<u32>)>,
    /// The lives of the streams that the positions are of.
    epochs: Vec<u64>,
    /// The patterns that have come (false) or gone (true) since somebody asked.
    changed: BTreeMap<Pattern, bool>,
    /// Counts what changes who is told of an ephemeral event.
    edition: u64,
    /// The bytes of the patterns, counted for each subscription.
    bytes: usize,
}

/// The number names a subscription already.
#[derive(Debug)]
pub(super) struct Taken;

/// How a subscription goes on in a stream.
pub(super) enum Next {
    Read {
        pattern: Pattern,
        from: u64,
        limit: usize,
    },
    /// It is live for the first time.
    CaughtUp {
        count: u64,
        offset: u64,
    },
    /// It is live again.
    Live,
    Nothing,
}

/// What becomes of a replayed event.
pub(super) enum Replay {
    Tell(Recipient),
    Told,
    NoCredit,
}

impl Subscriptions {
    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    /// The bytes of the patterns, counted for each subscription.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The life of a stream that positions are of.
    pub(super) fn epoch(&self, stream: StreamNo) -> u64 {
        self.epochs.get(stream).copied().unwrap_or_default()
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
        let patterns = self.patterns_like(&pattern);
        match place(patterns, pattern.as_str()) {
            Ok(at) => patterns[at].1.push(number),
            Err(at) => {
                patterns.insert(at, (pattern.clone(), vec![number]));
                self.note_change(&pattern, false);
            }
        }
        self.bytes += pattern.as_str().len();
        self.by_number.insert(number, Box::new(Subscription::new(pattern, credit, ticket)));
        self.edition += 1;
        Ok(())
    }

    /// Ends it, and answers what it has asked of the store.
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

    /// A pattern that goes and comes again before somebody asks has not changed.
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

    /// The subscription that waits for this answer of the store; it may have ended meanwhile.
    pub(super) fn locating(&self, ticket: Ticket) -> Option<u32> {
        let mut all = self.by_number.iter();
        all.find(|(_, it)| it.locating == Some(ticket)).map(|(number, _)| *number)
    }

    /// The subscription that waits for this page, and of which stream; it may have ended meanwhile.
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

    /// Adds to what the receiver can take.
    pub(super) fn grant(&mut self, number: u32, events: u32, bytes: u32) {
        if let Some(it) = self.by_number.get_mut(&number) {
            it.grant(events, bytes);
        }
    }

    /// The streams in which it waits for credit, in the order in which they may use it.
    pub(super) fn waiting(&mut self, number: u32) -> Vec<StreamNo> {
        self.by_number.get_mut(&number).map(|it| it.waiting()).unwrap_or_default()
    }

    /// Notes that a replayed event goes out, unless it has been told already or has no room.
    pub(super) fn replay(
        &mut self,
        number: u32,
        stream: StreamNo,
        offset: u64,
        bytes: usize,
    ) -> Replay {
        match self.by_number.get_mut(&number) {
            Some(it) => it.replay(number, stream, offset, bytes),
            None => Replay::Told,
        }
    }

    pub(super) fn looked_up_to(&mut self, number: u32, stream: StreamNo, next: u64) {
        let it = self.by_number.get_mut(&number);
        if let Some(read) = it.and_then(|it| it.reads.get_mut(stream)) {
            read.next = read.next.max(next);
        }
    }

    /// These offsets are gone from a stream. What of them the receiver is to be told, unless it is
    /// nothing: what follows names the end of that as the offset before it.
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

    /// Takes those that are live out of what comes by itself in a stream, and gives their numbers: they
    /// have seen all before `seen`.
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

    /// Goes on after a start, a page, or new credit: live once everything before `seen` has been told, and
    /// what follows then comes by itself.
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

    /// While it stays the same, ephemeral events on a topic are for the same subscriptions.
    pub(super) fn edition(&self) -> u64 {
        self.edition
    }

    /// Whether none of these has a limit to what it can take, which stays so while the edition is the same.
    pub(super) fn are_unlimited(&self, recipients: &[Recipient]) -> bool {
        recipients
            .iter()
            .all(|recipient| self.by_number.get(&recipient.subscription).is_some_and(|it| it.is_unlimited()))
    }

    /// Whether all of these can take an ephemeral event, which is then counted.
    pub(super) fn all_take(&mut self, recipients: &[Recipient], bytes: usize) -> bool {
        let can =
            |it: &Recipient| self.by_number.get(&it.subscription).is_some_and(|it| it.has_credit());
        recipients.iter().all(can) && recipients.iter().all(|it| self.takes(it.subscription, bytes))
    }

    /// Whether it can take an ephemeral event, which is then counted.
    pub(super) fn takes(&mut self, number: u32, bytes: usize) -> bool {
        self.by_number.get_mut(&number).is_some_and(|it| it.takes(bytes))
    }

    /// Puts the live subscriptions that are to be told of a logged event into `recipients`. One that has no
    /// credit for it is live no more.
    pub(super) fn live(
        &mut self,
        topic: &Topic,
        (stream, offset): (StreamNo, u64),
        bytes: usize,
        recipients: &mut Vec<Recipient>,
    ) {
        self.each_of(topic, |number, it| recipients.extend(it.live(number, stream, offset, bytes)));
    }

    /// Puts the subscriptions that are to be told of an ephemeral event into `recipients`, and calls
    /// `without_credit` with those that cannot take it.
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

    /// Each subscription that a topic matches.
    fn each_of(&mut self, topic: &Topic, mut told: impl FnMut(u32, &mut Subscription)) {
        let exact = place(&self.exact, topic.as_str()).ok().map(|at| &self.exact[at]);
        let wild = self.wild.iter().filter(|(pattern, _)| pattern.matches(topic));
        for number in exact.into_iter().chain(wild).flat_map(|(_, numbers)| numbers) {
            if let Some(it) = self.by_number.get_mut(number) {
                told(*number, it);
            }
        }
    }

    /// The patterns among which this one has its place.
    fn patterns_like(&mut self, pattern: &Pattern) -> &mut Vec<(Pattern, Vec<u32>)> {
        if pattern.as_topic().is_some() { &mut self.exact } else { &mut self.wild }
    }
}

/// Where a pattern stands, or is to stand.
fn place(patterns: &[(Pattern, Vec<u32>)], pattern: &str) -> Result<usize, usize> {
    patterns.binary_search_by(|(other, _)| other.as_str().cmp(pattern))
}
