//! Which of the tabs that share a connection are present at which topics. The peer knows a single client: it learns
//! when the first tab joins and when the last one leaves.

use crate::wire::frame::FromClient;
use crate::{Millis, PRESENCE_GRACE};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PresenceKind {
    Joined,
    Watched,
}

/// A tab joins or watches a topic, or stops doing so.
#[derive(Debug, Clone, Copy)]
pub(super) struct PresenceChange<'t> {
    pub(super) kind: PresenceKind,
    pub(super) comes: bool,
    pub(super) topic: &'t str,
}

impl<'t> PresenceChange<'t> {
    /// Reads the change from a presence frame.
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
    /// The tab's base; 0 for the leader itself.
    base: u32,
    /// When the tab counts as having left, once it is gone.
    until: Option<Millis>,
}

impl TabPresence {
    /// Records a change. Returns whether to tell the peer: not if one of several tabs has left.
    pub(super) fn pass(
        &mut self,
        base: u32,
        PresenceChange { kind, comes, topic }: PresenceChange<'_>,
    ) -> bool {
        let is_there = |place: &PresenceEntry| place.kind == kind && place.topic == topic;
        let was_there = self.0.iter().any(is_there);
        // Tabs that are gone need no grace period where another tab is present.
        self.0.retain(|place| {
            !is_there(place) || (place.base != base && !(comes && place.until.is_some()))
        });
        if comes {
            self.0.push(PresenceEntry { kind, topic: topic.to_owned(), base, until: None });
            return true;
        }
        was_there && !self.0.iter().any(is_there)
    }

    /// A tab is gone. Returns the topics that no tab watches now. Its joins last for a grace period.
    pub(super) fn abandon(&mut self, base: u32, now: Millis) -> Vec<String> {
        for place in self.0.iter_mut().filter(|place| place.base == base && place.until.is_none()) {
            place.until =
                Some(if place.kind == PresenceKind::Joined { now + PRESENCE_GRACE } else { now });
        }
        self.vacate(PresenceKind::Watched, now)
    }

    /// Returns the topics that gone tabs have left because their grace period is over.
    pub(super) fn left(&mut self, now: Millis) -> Vec<String> {
        self.vacate(PresenceKind::Joined, now)
    }

    /// Whether a tab other than the leader is present anywhere.
    pub(super) fn has_followers(&self) -> bool {
        self.0.iter().any(|place| place.base != 0)
    }

    /// When the next grace period ends.
    pub(super) fn deadline(&self) -> Option<Millis> {
        self.0.iter().filter_map(|place| place.until).min()
    }

    fn vacate(&mut self, kind: PresenceKind, now: Millis) -> Vec<String> {
        let is_over =
            |place: &PresenceEntry| place.kind == kind && place.until.is_some_and(|at| at <= now);
        let over = self.0.extract_if(.., |place| is_over(place));
        let mut topics: Vec<String> = over.map(|place| place.topic).collect();
        topics.retain(|topic| {
            !self.0.iter().any(|place| place.kind == kind && place.topic == *topic)
        });
        topics
    }
}
