//! Which of the tabs that share a connection are where: the peer knows one client, so it is told when the
//! first of them comes and the last one goes.

use crate::wire::frame::FromClient;
use crate::{Millis, PRESENCE_GRACE};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PresenceKind {
    Joined,
    Watched,
}

/// A tab comes to a topic, or goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct PresenceChange<'t> {
    pub(super) kind: PresenceKind,
    pub(super) comes: bool,
    pub(super) topic: &'t str,
}

impl<'t> PresenceChange<'t> {
    /// What a frame of presence says.
    pub(super) fn of(frame: &'t FromClient) -> Option<Self> {
        let (kind, comes, topic) = match frame {
            FromClient::Join(join) => (PresenceKind::Joined, true, &join.topic),
            FromClient::Leave(at) => (PresenceKind::Joined, false, &at.topic),
            FromClient::Watch(at) => (PresenceKind::Watched, true, &at.topic),
            FromClient::Unwatch(at) => (PresenceKind::Watched, false, &at.topic),
            _ => return None,
        };
        Some(Self { kind, comes, topic })
    }
}

#[derive(Debug, Default)]
pub(super) struct TabPresence(Vec<PresenceEntry>);

#[derive(Debug)]
struct PresenceEntry {
    kind: PresenceKind,
    topic: String,
    /// The tab's; 0 is the leader's own.
    base: u32,
    /// The tab is gone, and this is when it counts as having left.
    until: Option<Millis>,
}

impl TabPresence {
    /// Notes what a tab wants. Whether the peer is to hear it: not that one of several has gone.
    pub(super) fn pass(&mut self, base: u32, PresenceChange { kind, comes, topic }: PresenceChange<'_>) -> bool {
        let is_there = |place: &PresenceEntry| place.kind == kind && place.topic == topic;
        let was_there = self.0.iter().any(is_there);
        // Those who are gone need no grace where somebody is.
        self.0.retain(|place| {
            !is_there(place) || (place.base != base && !(comes && place.until.is_some()))
        });
        if comes {
            self.0.push(PresenceEntry { kind, topic: topic.to_owned(), base, until: None });
            return true;
        }
        was_there && !self.0.iter().any(is_there)
    }

    /// A tab is gone. The topics that nobody watches any more; where it was present it stays for a while.
    pub(super) fn abandon(&mut self, base: u32, now: Millis) -> Vec<String> {
        for place in self.0.iter_mut().filter(|place| place.base == base && place.until.is_none()) {
            place.until =
                Some(if place.kind == PresenceKind::Joined { now + PRESENCE_GRACE } else { now });
        }
        self.vacate(PresenceKind::Watched, now)
    }

    /// The topics that those have left whose time is up.
    pub(super) fn left(&mut self, now: Millis) -> Vec<String> {
        self.vacate(PresenceKind::Joined, now)
    }

    /// Whether a tab beside the leader is somewhere.
    pub(super) fn has_followers(&self) -> bool {
        self.0.iter().any(|place| place.base != 0)
    }

    /// When the next one leaves.
    pub(super) fn deadline(&self) -> Option<Millis> {
        self.0.iter().filter_map(|place| place.until).min()
    }

    fn vacate(&mut self, kind: PresenceKind, now: Millis) -> Vec<String> {
        let is_over = |place: &PresenceEntry| place.kind == kind && place.until.is_some_and(|at| at <= now);
        let over = self.0.extract_if(.., |place| is_over(place));
        let mut topics: Vec<String> = over.map(|place| place.topic).collect();
        topics.retain(|topic| {
            !self.0.iter().any(|place| place.kind == kind && place.topic == *topic)
        });
        topics
    }
}
