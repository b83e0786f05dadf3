//! Presence: joining, watching, and the relay's part in it.

use session::client::Occupants;
use topic::Topic;

use super::application::TOPICS;
use super::{Happening, World};
use crate::history::{ProfileNo, ReaderNo, Record, TopicNo};
use crate::mutation::Mutation;
use crate::wire::WireNo;

/// The topics with presence.
const PLACES: TopicNo = 2;

/// The presence that a tab's application wants, across reloads.
#[derive(Debug, Clone, Default)]
pub(super) struct PresencePlan {
    /// The topics it has joined.
    is_at: Vec<TopicNo>,
    watches: Vec<TopicNo>,
}

/// A watcher of a topic in one life of a tab.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) number: ReaderNo,
    topic: TopicNo,
    /// The known entries and their profiles.
    seen: Vec<(u64, ProfileNo)>,
}

impl World {
    /// The topics that a new tab joins and watches.
    pub(super) fn some_presence_plan(&mut self) -> PresencePlan {
        let mut presence_plan = PresencePlan::default();
        for topic in 0..PLACES {
            if self.random.once_in(2) {
                presence_plan.is_at.push(topic);
            }
            if self.random.once_in(3) {
                presence_plan.watches.push(topic);
            }
        }
        presence_plan
    }

    /// The application of a new page joins its topics.
    pub(super) fn take_places(&mut self, number: usize) {
        let PresencePlan { is_at, watches } = self.tabs[number].presence_plan.clone();
        let is_alone = self.tabs[number].memory.is_some();
        for topic in is_at.into_iter().filter(|_| !is_alone) {
            self.join(number, topic);
        }
        for topic in watches {
            self.readers += 1;
            let reader = self.readers;
            self.tabs[number].watchers.push(Watcher { number: reader, topic, seen: Vec::new() });
            self.record(Record::Watches { reader, topic });
            if let (Some(name), Some(machine)) = (name(topic), &mut self.tabs[number].machine) {
                machine.client().watch(&name);
            }
        }
        self.tell_presence(number);
    }

    /// The user joins or leaves a topic.
    pub(super) fn moves(&mut self, number: usize) {
        if !self.runs(number) {
            return;
        }
        // A page without its profile's disk has another client id.
        if self.tabs[number].memory.is_some() {
            return;
        }
        let topic = self.random.below(PLACES.into()) as TopicNo;
        let is_at = &mut self.tabs[number].presence_plan.is_at;
        match is_at.iter().position(|at| *at == topic) {
            None => {
                is_at.push(topic);
                self.join(number, topic);
                self.with_machine(number, |_, _| {});
            }
            Some(at) => {
                is_at.swap_remove(at);
                let Some(name) = name(topic) else { return };
                self.with_machine(number, |machine, _| machine.client().leave(&name));
            }
        }
        self.tell_presence(number);
    }

    fn join(&mut self, number: usize, topic: TopicNo) {
        let key = self.tabs[number].profile.to_string();
        if let (Some(name), Some(machine)) = (name(topic), &mut self.tabs[number].machine) {
            machine.client().join(&name, key, Vec::new());
        }
    }

    /// Updates where a profile is present: wherever one of its pages is.
    pub(super) fn tell_presence(&mut self, number: usize) {
        let profile = self.tabs[number].profile;
        for topic in 0..PLACES {
            let here = self.tabs.iter().any(|tab| {
                let is_there = tab.machine.is_some() && !tab.is_away && tab.memory.is_none();
                tab.profile == profile && is_there && tab.presence_plan.is_at.contains(&topic)
            });
            let place = (topic, profile as ProfileNo);
            let was_here = self.present.contains(&place);
            if here && !was_here {
                self.present.insert(place);
            } else if !here {
                self.present.remove(&place);
            }
            if here != was_here {
                self.record(Record::Present { topic, profile: profile as ProfileNo, here });
            }
        }
    }

    /// A watcher receives the occupants of a topic.
    pub(super) fn learn_occupants(&mut self, number: usize, occupants: &Occupants) {
        let topic = self.topic_no(&occupants.topic);
        let mut watchers = self.tabs[number].watchers.iter_mut();
        let Some(watcher) = watchers.find(|watcher| watcher.topic == topic) else { return };
        let whose = |key: &str| key.parse().unwrap_or(ProfileNo::MAX);
        let now = occupants.present.iter().map(|it| (it.id, whose(&it.key)));
        let before = std::mem::replace(&mut watcher.seen, now.collect());
        let (reader, now) = (watcher.number, watcher.seen.clone());
        for &(_, profile) in before.iter().filter(|entry| !now.contains(entry)) {
            self.record(Record::Seen { reader, profile, here: false });
        }
        for &(_, profile) in now.iter().filter(|entry| !before.contains(entry)) {
            self.record(Record::Seen { reader, profile, here: true });
        }
    }

    /// Whether every watcher has the true occupants. This is the only sign that no change is missing.
    pub(super) fn presence_is_reported(&self) -> bool {
        let watchers = self.tabs.iter().flat_map(|tab| &tab.watchers);
        self.relay.leaves_at.is_none()
            && watchers.into_iter().all(|watcher| {
                let mut seen: Vec<ProfileNo> =
                    watcher.seen.iter().map(|(_, profile)| *profile).collect();
                seen.sort_unstable();
                let there = self.present.iter().filter(|(topic, _)| *topic == watcher.topic);
                seen.into_iter().eq(there.map(|(_, profile)| *profile))
            })
    }

    /// A connection has ended.
    pub(super) fn gone(&mut self, wire: WireNo) {
        if self.mutation == Some(Mutation::GhostsStay) {
            self.relay.peer.connections.remove(&wire);
            return;
        }
        self.relay.peer.disconnect(wire, self.now);
        self.wake_watchers();
    }

    /// An absent client leaves after its grace period.
    pub(super) fn time_is_up(&mut self, relay: u32) {
        if relay == self.relay.life {
            self.relay.leaves_at = None;
            self.relay.peer.presence.tick(self.now);
            self.wake_watchers();
        }
    }

    /// Watchers receive changes a little later, combined.
    pub(super) fn wake_watchers(&mut self) {
        let relay = self.relay.life;
        while let Some(connection) = self.relay.peer.presence.wake() {
            let wait = self.random.below(20);
            self.after(wait, Happening::News { wire: connection as WireNo, relay });
        }
        let next = self.relay.peer.presence.deadline();
        if let Some(at) = next.filter(|_| self.relay.leaves_at.is_none()) {
            self.relay.leaves_at = Some(at);
            self.after(at.saturating_sub(self.now), Happening::TimeIsUp { relay });
        }
    }

    /// A connection receives the changes on the topics that it watches.
    pub(super) fn news(&mut self, wire: WireNo, relay: u32) {
        if relay != self.relay.life || !self.relay.serves(wire) {
            return;
        }
        while self.relay.peer.tell_news(wire) {
            self.drive_relay(wire);
        }
    }
}

fn name(topic: TopicNo) -> Option<Topic> {
    Topic::parse(TOPICS[usize::from(topic)]).ok()
}
