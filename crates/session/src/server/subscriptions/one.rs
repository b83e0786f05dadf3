//! One subscription: how far it has been told in each stream, and what its receiver can take.

use topic::Pattern;

use super::{Next, Replay};
use crate::server::{StartPoint, StreamNo, Ticket};
use crate::wire::frame::Recipient;

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) pattern: Pattern,
    /// The request that says where it starts, until it is answered.
    pub(super) locating: Option<Ticket>,
    /// By stream; empty until it is located.
    pub(super) reads: Vec<Read>,
    /// It has caught up in all streams, and its receiver knows.
    pub(super) has_caught_up: bool,
    /// None is without a limit.
    credit: Option<Credit>,
    /// The stream that goes on first when there is credit again, so that none waits for ever.
    turn: StreamNo,
}

/// How far a subscription has been told in a stream.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) stage: Stage,
    /// The first offset that it has not been told of.
    pub(super) next: u64,
    /// The offset up to which its receiver knows everything.
    pub(super) previous: Option<u64>,
    /// How many events have been replayed before it was live.
    count: u64,
    /// It was live once: its receiver knows that it has caught up.
    was_live: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Reading(Ticket),
    /// There is something to read and no credit for it.
    Waiting,
    Live,
}

/// What the receiver can still take.
#[derive(Debug, Clone, Copy)]
struct Credit {
    events: u64,
    /// Below zero after an event that was larger than what was left.
    bytes: i64,
}

impl Subscription {
    pub(super) fn new(pattern: Pattern, credit: Option<(u32, u32)>, ticket: Ticket) -> Self {
        let credit =
            credit.map(|(events, bytes)| Credit { events: events.into(), bytes: bytes.into() });
        Self {
            pattern,
            locating: Some(ticket),
            reads: Vec::new(),
            has_caught_up: false,
            credit,
            turn: 0,
        }
    }

    /// What it has asked of the store.
    pub(super) fn asked(&self) -> impl Iterator<Item = Ticket> {
        let reading = self.reads.iter().filter_map(|read| match read.stage {
            Stage::Reading(ticket) => Some(ticket),
            _ => None,
        });
        self.locating.into_iter().chain(reading)
    }

    pub(super) fn start(&mut self, places: &[StartPoint]) {
        self.locating = None;
        let reads = places.iter().map(|place| Read {
            stage: Stage::Waiting,
            next: place.gap.map_or(place.next, |(from, _)| from),
            previous: place.previous,
            count: 0,
            was_live: false,
        });
        self.reads = reads.collect();
    }

    pub(super) fn grant(&mut self, events: u32, bytes: u32) {
        if let Some(credit) = &mut self.credit {
            credit.events = credit.events.saturating_add(events.into());
            credit.bytes = credit.bytes.saturating_add(bytes.into());
        }
    }

    /// The streams that wait for credit, in the order in which they may use it.
    pub(super) fn waiting(&mut self) -> Vec<StreamNo> {
        let streams = self.reads.len();
        let turns = (self.turn..streams).chain(0..self.turn);
        let waiting = turns.filter(|&stream| self.reads[stream].stage == Stage::Waiting).collect();
        self.turn = (self.turn + 1) % streams.max(1);
        waiting
    }

    /// Notes that a replayed event goes out, unless it has been told already or has no room.
    pub(super) fn replay(
        &mut self,
        number: u32,
        stream: StreamNo,
        offset: u64,
        bytes: usize,
    ) -> Replay {
        let has_credit = self.has_credit();
        let Some(read) = self.reads.get_mut(stream) else { return Replay::Told };
        if offset < read.next {
            return Replay::Told;
        }
        if !has_credit {
            read.next = offset;
            return Replay::NoCredit;
        }
        read.count += 1;
        let recipient = read.tell(number, offset);
        self.takes(bytes);
        Replay::Tell(recipient)
    }

    /// Goes on in a stream after a start, a page, or new credit.
    pub(super) fn advance(
        &mut self,
        stream: StreamNo,
        seen: u64,
        ticket: Ticket,
        limit: usize,
    ) -> Next {
        let has_credit = self.has_credit();
        let Some(read) = self.reads.get_mut(stream) else { return Next::Nothing };
        if read.next < seen {
            if !has_credit {
                read.stage = Stage::Waiting;
                return Next::Nothing;
            }
            read.stage = Stage::Reading(ticket);
            let most = self.credit.map_or(u64::MAX, |credit| credit.events);
            let limit = usize::try_from(most).map_or(limit, |most| most.min(limit));
            return Next::Read { pattern: self.pattern.clone(), from: read.next, limit };
        }
        read.stage = Stage::Live;
        if std::mem::replace(&mut read.was_live, true) {
            return Next::Live;
        }
        let offset = read.next - 1;
        read.previous = Some(offset);
        let count = read.count;
        self.has_caught_up = self.reads.iter().all(|read| read.was_live);
        Next::CaughtUp { count, offset }
    }

    /// A logged event that it matches: what its receiver is to be told of it, if it is live. Without
    /// credit for it, it is live no more.
    pub(super) fn live(
        &mut self,
        number: u32,
        stream: StreamNo,
        offset: u64,
        bytes: usize,
    ) -> Option<Recipient> {
        let has_credit = self.has_credit();
        let read = self.reads.get_mut(stream)?;
        if read.stage != Stage::Live || offset < read.next {
            return None;
        }
        if !has_credit {
            // It has seen all before this one, matching or not.
            (read.next, read.stage) = (offset, Stage::Waiting);
            return None;
        }
        let recipient = read.tell(number, offset);
        self.takes(bytes);
        Some(recipient)
    }

    pub(super) fn is_unlimited(&self) -> bool {
        self.credit.is_none()
    }

    pub(super) fn has_credit(&self) -> bool {
        self.credit.is_none_or(|credit| credit.events > 0 && credit.bytes > 0)
    }

    /// Takes credit for an event if there is any.
    pub(super) fn takes(&mut self, bytes: usize) -> bool {
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

impl Read {
    fn tell(&mut self, subscription: u32, offset: u64) -> Recipient {
        self.next = offset + 1;
        Recipient { subscription, previous: self.previous.replace(offset) }
    }
}
