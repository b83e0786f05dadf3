//! What a client is subscribed to, over all its connections, and how far it has been told.

use topic::Pattern;

use super::credit::{Credit, Window};
use crate::wire::frame::{self, FromClient, Recipient, Subscribe};
use crate::{Position, Start, Stream};

/// Names a subscription of a [`Client`](super::Client), over all its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(u64);

#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// Their ids ascend.
    by_id: Vec<(SubscriptionId, Subscription)>,
    next_id: u64,
    /// Wire numbers are not used twice on a connection.
    next_number: u32,
}

#[derive(Debug)]
struct Subscription {
    pattern: Pattern,
    /// Where it starts if it knows no position.
    start: Start,
    /// Where it is in each stream that it has heard of; at [`UNKNOWN`] until it was told something.
    positions: Vec<Position>,
    /// Its number on this connection.
    number: Option<u32>,
    /// In how many streams it has not caught up on this connection.
    behind: usize,
    credit: Credit,
}

/// No event has this offset.
const UNKNOWN: u64 = u64::MAX;

/// What an event is to a subscription.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The one after the last.
    Next(SubscriptionId),
    /// Known already, or the subscription has ended.
    Known,
    /// Something before it is missing.
    Hole(SubscriptionId),
}

impl Subscriptions {
    pub(super) fn insert(
        &mut self,
        pattern: Pattern,
        start: Start,
        window: Window,
    ) -> SubscriptionId {
        self.next_id += 1;
        let id = SubscriptionId(self.next_id);
        // If these are worth nothing, what stands for them is the oldest event that there is.
        let (start, positions) = match start {
            Start::After(positions) => (Start::Earliest, positions),
            start => (start, Vec::new()),
        };
        let credit = Credit::new(window);
        let subscription = Subscription { pattern, start, positions, number: None, behind: 0, credit };
        self.by_id.push((id, subscription));
        id
    }

    /// Ends it, and answers its number on this connection.
    pub(super) fn remove(&mut self, id: SubscriptionId) -> Option<u32> {
        let at = self.at(id)?;
        self.by_id.remove(at).1.number
    }

    pub(super) fn ids(&self) -> Vec<SubscriptionId> {
        self.by_id.iter().map(|(id, _)| *id).collect()
    }

    /// Whether it has read past a position, or reads another log.
    pub(super) fn has_passed(&self, id: SubscriptionId, position: &Position) -> bool {
        let Some(at) = self.at(id) else { return false };
        self.by_id[at].1.positions.iter().any(|at| {
            at.stream == position.stream
                && at.offset != UNKNOWN
                && (at.epoch != position.epoch || at.offset >= position.offset)
        })
    }

    /// With what to ask the peer for `id`.
    pub(super) fn ask(&mut self, id: SubscriptionId) -> Option<Subscribe> {
        let at = self.at(id)?;
        let number = self.next_number();
        let (_, subscription) = &mut self.by_id[at];
        subscription.number = Some(number);
        let positions = subscription.positions();
        let start = match positions.is_empty() {
            true => subscription.start.clone(),
            false => Start::After(positions),
        };
        Some(Subscribe {
            subscription: number,
            pattern: subscription.pattern.to_string(),
            start,
            credit: Some(subscription.credit.begin()),
        })
    }

    /// An event came for a subscription, whose application is to take it if it is `held`. What the peer is
    /// to be granted.
    pub(super) fn spend(
        &mut self,
        subscription: u32,
        bytes: usize,
        held: bool,
    ) -> Option<FromClient> {
        let (_, subscription) = self.of(subscription)?;
        subscription.credit.spend(bytes, held);
        subscription.grant()
    }

    /// The application has taken an event. What the peer is to be granted, if it has the subscription.
    pub(super) fn took(&mut self, id: SubscriptionId, bytes: usize) -> Option<FromClient> {
        let at = self.at(id)?;
        let (_, subscription) = &mut self.by_id[at];
        subscription.credit.take(bytes);
        subscription.grant()
    }

    /// A number that was not used on this connection.
    pub(super) fn next_number(&mut self) -> u32 {
        self.next_number += 1;
        self.next_number
    }

    /// The numbers of this connection follow this one.
    pub(super) fn start_at(&mut self, number: u32) {
        self.next_number = number;
    }

    pub(super) fn disconnected(&mut self) {
        self.next_number = 0;
        for (_, subscription) in &mut self.by_id {
            subscription.number = None;
        }
    }

    /// The peer has made the subscription, and these are the heads of its streams: what starts there knows
    /// where it is.
    pub(super) fn subscribed(&mut self, number: u32, head: Position, others: Vec<Position>) {
        let Some((_, subscription)) = self.of(number) else { return };
        subscription.behind = 1 + others.len();
        let is_new = subscription.positions.iter().all(|position| position.offset == UNKNOWN);
        let starts = is_new && matches!(subscription.start, Start::Latest);
        subscription.hear_of(head, starts);
        for head in others {
            subscription.hear_of(head, starts);
        }
    }

    /// The position in a stream is worth nothing any more; the subscription starts anew there. One that wants
    /// what is new goes on at the head, if there is an event: the peer would tell a stream without a position
    /// from its first event on.
    pub(super) fn reset(&mut self, number: u32, head: Position) -> Option<SubscriptionId> {
        let (id, subscription) = self.of(number)?;
        let goes_on = matches!(subscription.start, Start::Latest) && head.offset > 0;
        let position = subscription.position(&head.stream)?;
        *position = head;
        if !goes_on {
            (position.offset, position.id) = (UNKNOWN, None);
        }
        Some(id)
    }

    /// Everything that was there in a stream has been told. The subscription, if that was the last one.
    pub(super) fn caught_up(&mut self, number: u32, head: Position) -> Option<SubscriptionId> {
        let (id, subscription) = self.of(number)?;
        match subscription.position(&head.stream) {
            Some(position) if position.offset != UNKNOWN && position.offset >= head.offset => {}
            Some(position) => *position = head,
            None => subscription.positions.push(head),
        }
        subscription.behind = subscription.behind.saturating_sub(1);
        (subscription.behind == 0).then_some(id)
    }

    /// What follows a gap names its end as the offset before it.
    pub(super) fn gap(&mut self, number: u32, stream: &Stream, to: u64) -> Option<SubscriptionId> {
        let (id, subscription) = self.of(number)?;
        let position = subscription.position(stream)?;
        (position.offset, position.id) = (to, None);
        Some(id)
    }

    pub(super) fn id(&mut self, number: u32) -> Option<SubscriptionId> {
        self.of(number).map(|(id, _)| id)
    }

    /// Takes a logged event's position in a subscription, and says in which epoch that is.
    pub(super) fn take(
        &mut self,
        recipient: Recipient,
        stream: &Stream,
        offset: u64,
        event_id: &str,
    ) -> (Turn, u64) {
        let Some((id, subscription)) = self.of(recipient.subscription) else {
            return (Turn::Known, 0);
        };
        // The peer names all streams before it tells anything of them.
        let Some(position) = subscription.position(stream) else {
            return (Turn::Hole(id), 0);
        };
        if position.offset != UNKNOWN {
            if offset <= position.offset {
                return (Turn::Known, position.epoch);
            }
            if Some(position.offset) != recipient.previous {
                return (Turn::Hole(id), position.epoch);
            }
        }
        (position.offset, position.id) = (offset, Some(event_id.to_owned()));
        (Turn::Next(id), position.epoch)
    }

    fn at(&self, id: SubscriptionId) -> Option<usize> {
        self.by_id.binary_search_by_key(&id, |(id, _)| *id).ok()
    }

    fn of(&mut self, number: u32) -> Option<(SubscriptionId, &mut Subscription)> {
        let mut all = self.by_id.iter_mut();
        all.find(|(_, subscription)| subscription.number == Some(number))
            .map(|(id, subscription)| (*id, subscription))
    }
}

impl Subscription {
    fn position(&mut self, stream: &Stream) -> Option<&mut Position> {
        self.positions.iter_mut().find(|position| position.stream == *stream)
    }

    /// There is a stream, and this is its head. If it `starts` there, that is where it is.
    fn hear_of(&mut self, head: Position, starts: bool) {
        match self.position(&head.stream) {
            Some(position) if !starts => position.epoch = head.epoch,
            Some(position) => *position = head,
            None => {
                let offset = if starts { head.offset } else { UNKNOWN };
                self.positions.push(Position { offset, ..head });
            }
        }
    }

    fn positions(&self) -> Vec<Position> {
        self.positions.iter().filter(|position| position.offset != UNKNOWN).cloned().collect()
    }

    fn grant(&mut self) -> Option<FromClient> {
        let subscription = self.number?;
        let (events, bytes) = self.credit.top_up()?;
        Some(FromClient::Credit(frame::Credit { subscription, events, bytes }))
    }
}
