//! Whose events may end without anybody who knows what became of them, and until when: what the checker
//! excuses is decided here, from the reasons.

use super::World;
use super::tabs::Tab;
use crate::history::Record;
use crate::store::ClientId;

/// Why nobody may know what becomes of a profile's events.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    /// The relay does not know this client of the profile any more, or was told so lately: until it has
    /// decided something, the client is told that it was forgotten.
    forgotten: Option<ClientId>,
    /// The client is also that of another profile, or what the disk holds is not what the client was at. It
    /// ends when the relay admits the client, which nobody else is by then: so what the relay has decided is
    /// known to it.
    state: bool,
    /// The relay does not know these spare clients of its tabs any more.
    spares: Vec<ClientId>,
}

impl World {
    /// The relay does not know some clients any more that it knew.
    pub(super) fn doubt_forgotten(&mut self, known: &[ClientId]) {
        for number in 0..self.profiles.len() {
            let client = self.profiles[number].client();
            if known.contains(&client) && !self.relay.store.is_sure_of(&client) {
                self.profiles[number].doubt.forgotten = Some(client);
                self.doubt(number);
            }
        }
        for tab in 0..self.tabs.len() {
            for spare in self.spares_of(tab) {
                if known.contains(&spare) && !self.relay.store.is_sure_of(&spare) {
                    let number = self.tabs[tab].profile;
                    self.profiles[number].doubt.spares.push(spare);
                    self.doubt(number);
                }
            }
        }
    }

    /// The clients of a tab whose outboxes are in memory.
    fn spares_of(&mut self, tab: usize) -> Vec<ClientId> {
        let Tab { machine, memory, .. } = &mut self.tabs[tab];
        let spare = machine.as_mut().and_then(|machine| Some(machine.spare()?.id()));
        let alone = memory.as_ref().map(|memory| memory.saved().client);
        spare.into_iter().chain(alone).collect()
    }

    /// What a profile's disk holds is not all that its client has said, or may not be.
    pub(super) fn doubt_state(&mut self, number: usize) {
        let client = self.profiles[number].client();
        let unsure = !self.relay.store.is_sure_of(&client);
        let doubt = &mut self.profiles[number].doubt;
        doubt.state = true;
        doubt.forgotten = unsure.then_some(client).or(doubt.forgotten);
        self.doubt(number);
    }

    /// The relay remembers an older state, maybe one from before it has admitted what a disk holds now.
    pub(super) fn doubt_strange(&mut self) {
        for number in 0..self.profiles.len() {
            let profile = &self.profiles[number];
            let decided = self.relay.store.last_decided(&profile.client());
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
        // A page that cannot read its disk, or has none, is admitted as somebody else.
        let is_newest = self.tabs[tab]
            .wire
            .is_some_and(|wire| self.relay.is_newest(wire) && self.relay.is_of(wire, &client));
        if !is_shared && is_newest {
            self.profiles[number].doubt.state = false;
            self.end_doubt(number);
        }
    }

    /// The relay has decided something, or a client has become another one.
    pub(super) fn weigh_doubts(&mut self) {
        let spares: Vec<_> = (0..self.tabs.len()).flat_map(|tab| self.spares_of(tab)).collect();
        for number in 0..self.profiles.len() {
            let profile = &mut self.profiles[number];
            let client = profile.client();
            let (doubt, store) = (&mut profile.doubt, &self.relay.store);
            let before = (doubt.forgotten, doubt.spares.len());
            doubt.forgotten.take_if(|it| client != *it || store.is_sure_of(it));
            doubt.spares.retain(|it| spares.contains(it) && !store.is_sure_of(it));
            if (doubt.forgotten, doubt.spares.len()) != before {
                self.end_doubt(number);
            }
        }
    }

    fn end_doubt(&mut self, number: usize) {
        let Doubt { forgotten, state, spares } = &self.profiles[number].doubt;
        if forgotten.is_none() && !state && spares.is_empty() {
            self.record(Record::Certain { profile: number as u32 });
        }
    }
}
