//! Which of the tabs that share a connection are where: the peer knows one client, so it is told when the
//! first of them comes and the last one goes.

use crate::wire::frame::FromClient;
use crate::{Millis, PRESENCE_GRACE};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlaceKind {
    Joined,
    Watched,
}

/// A tab comes to a topic, or goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move<'t> {
    pub(super) kind: PlaceKind,
    pub(super) comes: bool,
    pub(super) topic: &'t str,
}

impl<'t> Move<'t> {
    /// What a frame of presence says.
    pub(super) fn of(frame: &'t FromClient) -> Option<Self> {
        let (kind, comes, topic) = match frame {
            FromClient::Join(join) => (PlaceKind::Joined, true, &join.topic),
            FromClient::Leave(at) => (PlaceKind::Joined, false, &at.topic),
            FromClient::Watch(at) => (PlaceKind::Watched, true, &at.topic),
            FromClient::Unwatch(at) => (PlaceKind::Watched, false, &at.topic),
            _ => return None,
        };
        Some(Self { kind, comes, topic })
    }
}

#[derive(Debug, Default)]
pub(super) struct Places(Vec<Place>);

#[derive(Debug)]
struct Place {
    kind: PlaceKind,
    topic: String,
    /// The tab's; 0 is the leader's own.
    base: u32,
    /// The tab is gone, and this is when it counts as having left.
    until: Option<Millis>,
}

impl Places {
    /// Notes what a tab wants. Whether the peer is to hear it: not that one of several has gone.
    pub(super) fn pass(&mut self, base: u32, Move { kind, comes, topic }: Move<'_>) -> bool {
        let is_there = |place: &Place| place.kind == kind && place.topic == topic;
        let was_there = self.0.iter().any(is_there);
        // Those who are gone need no grace where somebody is.
        self.0.retain(|place| {
            !is_there(place) || (place.base != base && !(comes && place.until.is_some()))
        });
        if comes {
            self.0.push(Place { kind, topic: topic.to_owned(), base, until: None });
            return true;
        }
        was_there && !self.0.iter().any(is_there)
    }

    /// A tab is gone. The topics that nobody watches any more; where it was present it stays for a while.
    pub(super) fn abandon(&mut self, base: u32, now: Millis) -> Vec<String> {
        for place in self.0.iter_mut().filter(|place| place.base == base && place.until.is_none()) {
            place.until =
                Some(if place.kind == PlaceKind::Joined { now + PRESENCE_GRACE } else { now });
        }
        self.vacate(PlaceKind::Watched, now)
    }

    /// The topics that those have left whose time is up.
    pub(super) fn left(&mut self, now: Millis) -> Vec<String> {
        self.vacate(PlaceKind::Joined, now)
    }

    /// Whether a tab beside the leader is somewhere.
    pub(super) fn has_guests(&self) -> bool {
        self.0.iter().any(|place| place.base != 0)
    }

    /// When the next one leaves.
    pub(super) fn deadline(&self) -> Option<Millis> {
        self.0.iter().filter_map(|place| place.until).min()
    }

    fn vacate(&mut self, kind: PlaceKind, now: Millis) -> Vec<String> {
        let is_over = |place: &Place| place.kind == kind && place.until.is_some_and(|at| at <= now);
        let over = self.0.extract_if(.., |place| is_over(place));
        let mut topics: Vec<String> = over.map(|place| place.topic).collect();
        topics.retain(|topic| {
            !self.0.iter().any(|place| place.kind == kind && place.topic == *topic)
        });
        topics
    }
}
