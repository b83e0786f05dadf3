//! What a client is subscribed to, over all its connections, and how far it has been told.

use bus::Pattern;

use super::credit::{Credit, Window};
use crate::frame::{self, FromClient, Head, Subscribe};
use crate::{Position, Start};

/// Names a subscription of a [`Client`](super::Client), over all its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(u64);

#[derive(Debug, Default)]
pub(super) struct Interests {
    /// Their ids ascend.
    by_id: Vec<(SubscriptionId, Interest)>,
    next_id: u64,
    /// Wire numbers are not used twice on a connection.
    next_number: u32,
}

#[derive(Debug)]
struct Interest {
    pattern: Pattern,
    /// Where it starts if it knows no position.
    start: Start,
    position: Option<Position>,
    /// Its number on this connection.
    number: Option<u32>,
    epoch: u64,
    credit: Credit,
}

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

impl Interests {
    pub(super) fn insert(
        &mut self,
        pattern: Pattern,
        start: Start,
        window: Window,
    ) -> SubscriptionId {
        self.next_id += 1;
        let id = SubscriptionId(self.next_id);
        let credit = Credit::new(window);
        let interest = Interest { pattern, start, position: None, number: None, epoch: 0, credit };
        self.by_id.push((id, interest));
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

    /// Whether it has read past a place, or reads another log.
    pub(super) fn has_passed(&self, id: SubscriptionId, place: &Position) -> bool {
        let position = self.at(id).and_then(|at| self.by_id[at].1.position.as_ref());
        position.is_some_and(|at| at.epoch != place.epoch || at.offset >= place.offset)
    }

    /// With what to ask the peer for `id`.
    pub(super) fn ask(&mut self, id: SubscriptionId) -> Option<Subscribe> {
        let at = self.at(id)?;
        let number = self.next_number();
        let (_, interest) = &mut self.by_id[at];
        interest.number = Some(number);
        let start = interest.position.clone().map_or_else(|| interest.start.clone(), Start::After);
        Some(Subscribe {
            subscription: number,
            pattern: interest.pattern.to_string(),
            start,
            credit: Some(interest.credit.begin()),
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
        let (_, interest) = self.of(subscription)?;
        interest.credit.spend(bytes, held);
        interest.grant()
    }

    /// The application has taken an event. What the peer is to be granted, if it has the subscription.
    pub(super) fn took(&mut self, id: SubscriptionId, bytes: usize) -> Option<FromClient> {
        let at = self.at(id)?;
        let (_, interest) = &mut self.by_id[at];
        interest.credit.take(bytes);
        interest.grant()
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
        for (_, interest) in &mut self.by_id {
            interest.number = None;
        }
    }

    /// The peer has made the subscription: what starts at the head knows where it is.
    pub(super) fn subscribed(&mut self, number: u32, head: &Position) {
        if let Some((_, interest)) = self.of(number) {
            interest.epoch = head.epoch;
            if interest.position.is_none() && interest.start == Start::Latest {
                interest.position = Some(head.clone());
            }
        }
    }

    /// The position is worth nothing any more; the subscription starts anew. One that was to start after
    /// a position starts with the oldest event that there is.
    pub(super) fn reset(&mut self, number: u32) -> Option<SubscriptionId> {
        let (id, interest) = self.of(number)?;
        (interest.position, interest.number) = (None, None);
        if let Start::After(_) = interest.start {
            interest.start = Start::Earliest;
        }
        Some(id)
    }

    pub(super) fn caught_up(&mut self, number: u32, head: Position) -> Option<SubscriptionId> {
        let (id, interest) = self.of(number)?;
        if interest.position.as_ref().is_none_or(|position| position.offset < head.offset) {
            interest.position = Some(head);
        }
        Some(id)
    }

    /// What follows a gap names its end as the offset before it.
    pub(super) fn gap(&mut self, number: u32, to: u64) -> Option<SubscriptionId> {
        let (id, interest) = self.of(number)?;
        let epoch = interest.epoch;
        interest.position = Some(Position { epoch, offset: to, id: None });
        Some(id)
    }

    pub(super) fn id(&mut self, number: u32) -> Option<SubscriptionId> {
        self.of(number).map(|(id, _)| id)
    }

    /// Takes a logged event's place in a subscription.
    pub(super) fn take(&mut self, head: Head, offset: u64, event_id: &str) -> (Turn, u64) {
        let Some((id, interest)) = self.of(head.subscription) else {
            return (Turn::Known, 0);
        };
        let last = interest.position.as_ref().map(|position| position.offset);
        if last.is_some_and(|last| offset <= last) {
            return (Turn::Known, interest.epoch);
        }
        if last.is_some() && last != head.previous {
            return (Turn::Hole(id), interest.epoch);
        }
        let epoch = interest.epoch;
        interest.position = Some(Position { epoch, offset, id: Some(event_id.to_owned()) });
        (Turn::Next(id), epoch)
    }

    fn at(&self, id: SubscriptionId) -> Option<usize> {
        self.by_id.binary_search_by_key(&id, |(id, _)| *id).ok()
    }

    fn of(&mut self, number: u32) -> Option<(SubscriptionId, &mut Interest)> {
        let mut all = self.by_id.iter_mut();
        all.find(|(_, interest)| interest.number == Some(number))
            .map(|(id, interest)| (*id, interest))
    }
}

impl Interest {
    fn grant(&mut self) -> Option<FromClient> {
        let subscription = self.number?;
        let (events, bytes) = self.credit.top_up()?;
        Some(FromClient::Credit(frame::Credit { subscription, events, bytes }))
    }
}
