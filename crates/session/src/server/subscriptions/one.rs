//! One subscription: how far it has read in each stream, and what its receiver can take.

use topic::Pattern;

use super::{Next, Replay};
use crate::server::access::Past;
use crate::server::{StartPoint, StreamNo, Ticket};
use crate::wire::frame::Recipient;

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) pattern: Pattern,
    /// The outstanding request for its start.
    pub(super) locating: Option<Ticket>,
    /// By stream. Empty until it is located.
    pub(super) reads: Vec<Read>,
    /// Whether it reads what was logged before it.
    pub(super) past: Past,
    /// Whether the receiver knows that it has caught up in all streams.
    pub(super) has_caught_up: bool,
    /// `None` for no limit.
    credit: Option<Credit>,
    /// The stream that continues first when credit comes, so that each gets its turn.
    turn: StreamNo,
}

/// How far a subscription has read in a stream.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) stage: Stage,
    /// The first offset that it has not read.
    pub(super) next: u64,
    /// The offset up to which the receiver knows everything.
    pub(super) previous: Option<u64>,
    /// The number of events replayed before it went live.
    count: u64,
    /// Whether it was live before. The receiver then knows that it has caught up.
    was_live: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Reading(Ticket),
    /// There is something to read, but no credit.
    Waiting,
    Live,
}

/// The remaining credit.
#[derive(Debug, Clone, Copy)]
struct Credit {
    events: u64,
    /// Below zero after an event larger than the rest.
    bytes: i64,
}

impl Subscription {
    pub(super) fn new(
        pattern: Pattern,
        credit: Option<(u32, u32)>,
        past: Past,
        ticket: Ticket,
    ) -> Self {
        let credit =
            credit.map(|(events, bytes)| Credit { events: events.into(), bytes: bytes.into() });
        Self {
            pattern,
            locating: Some(ticket),
            reads: Vec::new(),
            past,
            has_caught_up: false,
            credit,
            turn: 0,
        }
    }

    /// Its outstanding requests to the store.
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

    /// The streams in which it waits for credit, in the order in which they may use it.
    pub(super) fn waiting(&mut self) -> Vec<StreamNo> {
        let streams = self.reads.len();
        let turns = (self.turn..streams).chain(0..self.turn);
        let waiting = turns.filter(|&stream| self.reads[stream].stage == Stage::Waiting).collect();
        self.turn = (self.turn + 1) % streams.max(1);
        waiting
    }

    /// Records that a replayed event is sent, unless the receiver knows it or has no credit.
    pub(super) fn replay(
        &mut self,
        number: u32,
        stream: StreamNo,
        offset: u64,
        bytes: usize,
    ) -> Replay {
        let has_credit = self.has_credit();
        let Some(read) = self.reads.get_mut(stream) else { return Replay::Known };
        if offset < read.next {
            return Replay::Known;
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

    /// Continues in a stream after a start, a page, or new credit.
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

    /// Handles a logged event that it matches. Returns the recipient if it is live. Without credit it falls back to
    /// reading from the log.
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
            // It knows everything before this event.
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

    /// Uses credit for an event, if there is enough.
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
