//! The profiles whose events may have unknown outcomes, and until when. The checker excuses exactly these.

use model::ClientId;

use super::World;
use crate::history::Record;

/// The reasons why outcomes of a profile's events may be unknown.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    /// The relay has forgotten this client of the profile, and reports that to the client until it has decided one of
    /// its publishes.
    forgotten: Option<ClientId>,
    /// The client id is also used by another profile, or the disk does not match the client's last state. It ends when
    /// the relay admits the client and no other profile uses its id, so that the client knows the relay's decisions.
    state: bool,
    /// The relay has forgotten these fallback clients of its tabs.
    fallbacks: Vec<ClientId>,
}

impl Doubt {
    /// Whether the disk may not match what its client has sent.
    pub(super) fn is_of_state(&self) -> bool {
        self.state
    }
}

impl World {
    /// The relay has forgotten some clients that it knew.
    pub(super) fn doubt_forgotten(&mut self, known: &[ClientId]) {
        for number in 0..self.profiles.len() {
            let client = self.profiles[number].client();
            if known.contains(&client) && !self.relay.peer.store.is_sure_of(&client) {
                self.profiles[number].doubt.forgotten = Some(client);
                self.doubt(number);
            }
        }
        for tab in 0..self.tabs.len() {
            for fallback in self.fallbacks_of(tab) {
                if known.contains(&fallback) && !self.relay.peer.store.is_sure_of(&fallback) {
                    let number = self.tabs[tab].profile;
                    self.profiles[number].doubt.fallbacks.push(fallback);
                    self.doubt(number);
                }
            }
        }
    }

    /// The clients of a tab with outboxes in memory.
    fn fallbacks_of(&mut self, tab: usize) -> Vec<ClientId> {
        let tab = &mut self.tabs[tab];
        let fallback = tab.machine.as_mut().and_then(|machine| Some(machine.fallback()?.id()));
        let alone = tab.memory.as_ref().map(|memory| memory.saved().client);
        fallback.into_iter().chain(alone).collect()
    }

    /// A profile's disk may not contain everything that its client has sent.
    pub(super) fn doubt_state(&mut self, number: usize) {
        let client = self.profiles[number].client();
        let unsure = !self.relay.peer.store.is_sure_of(&client);
        let doubt = &mut self.profiles[number].doubt;
        doubt.state = true;
        doubt.forgotten = unsure.then_some(client).or(doubt.forgotten);
        self.doubt(number);
    }

    /// The relay has an older state, perhaps from before it has admitted the current client of a disk.
    pub(super) fn doubt_strange(&mut self) {
        for number in 0..self.profiles.len() {
            let profile = &self.profiles[number];
            let decided = self.relay.peer.store.last_decided(&profile.client());
            if decided.is_some_and(|(number, id)| !profile.knows_decided(number, id)) {
                self.doubt_state(number);
            }
        }
    }

    fn doubt(&mut self, number: usize) {
        self.record(Record::Doubted { profile: number as u32 });
    }

    /// A tab's link is up.
    pub(super) fn admitted(&mut self, tab: usize) {
        let number = self.tabs[tab].profile;
        if !self.profiles[number].doubt.state {
            return;
        }
        let client = self.profiles[number].client();
        let is_shared = self.profiles.iter().filter(|it| it.client() == client).count() > 1;
        // A page that cannot read its disk, or has none, is admitted with another client id.
        let is_newest = self.tabs[tab]
            .wire
            .is_some_and(|wire| self.relay.is_newest(wire) && self.relay.is_of(wire, &client));
        if !is_shared && is_newest {
            self.profiles[number].doubt.state = false;
            self.end_doubt(number);
        }
    }

    /// The relay has decided an event, or a client id has changed.
    pub(super) fn weigh_doubts(&mut self) {
        let fallbacks: Vec<_> =
            (0..self.tabs.len()).flat_map(|tab| self.fallbacks_of(tab)).collect();
        for number in 0..self.profiles.len() {
            let profile = &mut self.profiles[number];
            let client = profile.client();
            let (doubt, store) = (&mut profile.doubt, &self.relay.peer.store);
            let before = (doubt.forgotten, doubt.fallbacks.len());
            doubt.forgotten.take_if(|it| client != *it || store.is_sure_of(it));
            doubt.fallbacks.retain(|it| fallbacks.contains(it) && !store.is_sure_of(it));
            if (doubt.forgotten, doubt.fallbacks.len()) != before {
                self.end_doubt(number);
            }
        }
    }

    fn end_doubt(&mut self, number: usize) {
        let Doubt { forgotten, state, fallbacks } = &self.profiles[number].doubt;
        if forgotten.is_none() && !state && fallbacks.is_empty() {
            self.record(Record::Certain { profile: number as u32 });
        }
    }
}
