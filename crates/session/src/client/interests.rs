//! What a client is subscribed to, over all its connections, and how far it has been told.

use bus::Pattern;

use super::credit::{Credit, Window};
use crate::frame::{self, FromClient, Head, Subscribe};
use crate::{Position, Start, Stream};

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
    /// One of each stream that it has heard of.
    places: Vec<Place>,
    /// Its number on this connection.
    number: Option<u32>,
    /// In how many streams it has not caught up on this connection.
    behind: usize,
    credit: Credit,
}

/// How far it has been told in a stream.
#[derive(Debug)]
struct Place {
    at: Position,
    /// Whether it is known. Until something was told, of the position only the epoch is.
    is_known: bool,
}

impl Place {
    fn known(at: Position) -> Self {
        Self { at, is_known: true }
    }
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
        // If these are worth nothing, what stands for them is the oldest event that there is.
        let (start, places) = match start {
            Start::After(places) => {
                (Start::Earliest, places.into_iter().map(Place::known).collect())
            }
            start => (start, Vec::new()),
        };
        let credit = Credit::new(window);
        let interest = Interest { pattern, start, places, number: None, behind: 0, credit };
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
        let mut places = self.at(id).into_iter().flat_map(|at| &self.by_id[at].1.places);
        places.any(|Place { at, is_known }| {
            *is_known
                && at.stream == place.stream
                && (at.epoch != place.epoch || at.offset >= place.offset)
        })
    }

    /// With what to ask the peer for `id`.
    pub(super) fn ask(&mut self, id: SubscriptionId) -> Option<Subscribe> {
        let at = self.at(id)?;
        let number = self.next_number();
        let (_, interest) = &mut self.by_id[at];
        interest.number = Some(number);
        let positions = interest.positions();
        let start = match positions.is_empty() {
            true => interest.start.clone(),
            false => Start::After(positions),
        };
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

    /// The peer has made the subscription, and these are the heads of its streams: what starts there knows
    /// where it is.
    pub(super) fn subscribed(&mut self, number: u32, heads: Vec<Position>) {
        let Some((_, interest)) = self.of(number) else { return };
        interest.behind = heads.len();
        let is_known =
            interest.start == Start::Latest && !interest.places.iter().any(|place| place.is_known);
        for at in heads {
            match interest.place(&at.stream) {
                Some(place) if !is_known => place.at.epoch = at.epoch,
                Some(place) => *place = Place::known(at),
                None => interest.places.push(Place { at, is_known }),
            }
        }
    }

    /// The position in a stream is worth nothing any more; the subscription starts anew there.
    pub(super) fn reset(&mut self, number: u32, stream: &Stream) -> Option<SubscriptionId> {
        let (id, interest) = self.of(number)?;
        interest.places.retain(|place| place.at.stream != *stream);
        Some(id)
    }

    /// Everything that was there in a stream has been told. The subscription, if that was the last one.
    pub(super) fn caught_up(&mut self, number: u32, head: Position) -> Option<SubscriptionId> {
        let (id, interest) = self.of(number)?;
        let is_there = |place: &Place| place.is_known && place.at.offset >= head.offset;
        if !interest.place(&head.stream).is_some_and(|place| is_there(place)) {
            interest.go_to(head);
        }
        interest.behind = interest.behind.saturating_sub(1);
        (interest.behind == 0).then_some(id)
    }

    /// What follows a gap names its end as the offset before it.
    pub(super) fn gap(&mut self, number: u32, stream: &Stream, to: u64) -> Option<SubscriptionId> {
        let (id, interest) = self.of(number)?;
        let place = interest.place(stream)?;
        (place.at.offset, place.at.id, place.is_known) = (to, None, true);
        Some(id)
    }

    pub(super) fn id(&mut self, number: u32) -> Option<SubscriptionId> {
        self.of(number).map(|(id, _)| id)
    }

    /// Takes a logged event's place in a subscription, and says in which epoch that is.
    pub(super) fn take(
        &mut self,
        head: Head,
        stream: &Stream,
        offset: u64,
        event_id: &str,
    ) -> (Turn, u64) {
        let Some((id, interest)) = self.of(head.subscription) else {
            return (Turn::Known, 0);
        };
        // The peer names all streams before it tells anything of them.
        let Some(Place { at, is_known }) = interest.place(stream) else {
            return (Turn::Hole(id), 0);
        };
        if *is_known && offset <= at.offset {
            return (Turn::Known, at.epoch);
        }
        if *is_known && Some(at.offset) != head.previous {
            return (Turn::Hole(id), at.epoch);
        }
        (at.offset, at.id, *is_known) = (offset, Some(event_id.to_owned()), true);
        (Turn::Next(id), at.epoch)
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
    fn place(&mut self, stream: &Stream) -> Option<&mut Place> {
        self.places.iter_mut().find(|place| place.at.stream == *stream)
    }

    /// It has been told everything up to there.
    fn go_to(&mut self, at: Position) {
        match self.place(&at.stream) {
            Some(place) => *place = Place::known(at),
            None => self.places.push(Place::known(at)),
        }
    }

    fn positions(&self) -> Vec<Position> {
        let known = self.places.iter().filter(|place| place.is_known);
        known.map(|place| place.at.clone()).collect()
    }

    fn grant(&mut self) -> Option<FromClient> {
        let subscription = self.number?;
        let (events, bytes) = self.credit.top_up()?;
        Some(FromClient::Credit(frame::Credit { subscription, events, bytes }))
    }
}
