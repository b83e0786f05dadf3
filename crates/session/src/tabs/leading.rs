//! What a leader does for its guests.

use super::{BEAT, Effect, Guest, Role, Says, Tab};
use crate::Millis;
use crate::client::{LinkState, MAX_BASE, TabId};

/// So many beats a guest may let pass.
const MAX_MISSED: u32 = 3;
/// The most guests; a tab beyond has no link.
const MAX_GUESTS: usize = 1_000;

impl Tab {
    /// Ends leading, if this tab leads: the socket first.
    pub(super) fn follow(&mut self) {
        if self.leads() {
            self.role = Role::Following;
            self.client.follow();
        }
        self.guests.clear();
        (self.leader, self.base, self.link) = (None, 0, LinkState::Connecting);
        self.placed = false;
        (self.heard, self.asked) = (self.now, None);
        while let Some(effect) = self.poll_client() {
            self.carry(effect);
        }
    }

    /// Ends leading though the lock is not known to be lost: another tab leads. Waits for the lock
    /// again from `at` on.
    pub(super) fn step_down(&mut self, at: Millis) {
        self.follow();
        self.effects.push_back(Effect::ReleaseLock);
        self.lock_at = Some(at);
        self.visit_anew();
    }

    /// The leader's own link has changed: each connection gives its guests new bases.
    pub(super) fn link_changed(&mut self, link: LinkState) {
        for guest in &mut self.guests {
            guest.base = if link == LinkState::Online { next_base(&mut self.last_base) } else { 0 };
        }
        self.link = link;
        self.beat_is_due = true;
    }

    /// A tab asks who leads, and wants to be a guest.
    pub(super) fn asked_by(&mut self, tab: TabId, visit: u32) {
        if !self.leads() {
            if self.leader == Some(tab) {
                self.leader = None;
                self.part(LinkState::Connecting);
            }
            return;
        }
        let known = self.guests.iter().any(|guest| (guest.tab, guest.visit) == (tab, visit));
        if !known {
            self.remove_guest(tab);
            self.tell_answered();
            // It may be the next life of a page that could not say what it had kept.
            self.client.load();
        }
        if !known && self.guests.len() < MAX_GUESTS {
            if self.guests.is_empty() {
                self.beat = self.now;
            }
            let online = self.link == LinkState::Online;
            let base = if online { next_base(&mut self.last_base) } else { 0 };
            self.guests.push(Guest { tab, visit, base, missed: 0 });
        }
        self.beat_is_due = true;
    }

    /// Tells again of what the store may still hold: a tab that was asleep when it was told, and finds
    /// it there, would wait for its answer.
    pub(super) fn tell_answered(&mut self) {
        for (id, outcome) in self.client.unerased() {
            self.post(Says::Settled { id, outcome });
        }
    }

    /// A guest has frames for the peer.
    pub(super) fn hear_guest(&mut self, tab: TabId, term: u64, frames: &[u8]) {
        if !self.leads() || term != self.term {
            return;
        }
        match self.guests.iter().find(|guest| guest.tab == tab) {
            Some(guest) => self.ignored += u64::from(!self.client.relay(guest.base, frames)),
            // It was given up, and learns from this that it must ask again.
            None => self.beat_is_due = true,
        }
    }

    pub(super) fn remove_guest(&mut self, tab: TabId) {
        if let Some(at) = self.guests.iter().position(|guest| guest.tab == tab) {
            let guest = self.guests.swap_remove(at);
            self.client.drop_guest(guest.base, self.now);
        }
    }

    pub(super) fn say_who_leads(&mut self) {
        let peer = self.client.peer().unwrap_or_default().to_owned();
        let guests = self.guests.iter().map(|guest| (guest.tab, guest.visit, guest.base)).collect();
        let (link, client) = (self.link.clone(), self.client.client_of_link());
        self.post(Says::Lead { term: self.term, link, peer, client, guests });
    }

    /// Gives up guests that have let too many beats pass, and beats.
    pub(super) fn count_beats(&mut self) {
        if self.guests.is_empty() || self.now < self.beat + BEAT {
            return;
        }
        let silent = self.guests.iter().filter(|guest| guest.missed >= MAX_MISSED);
        for tab in silent.map(|guest| guest.tab).collect::<Vec<_>>() {
            self.gone(tab);
        }
        for guest in &mut self.guests {
            guest.missed += 1;
        }
        self.beat = self.now;
        self.beat_is_due = true;
    }
}

fn next_base(last: &mut u32) -> u32 {
    *last = *last % MAX_BASE + 1;
    *last
}
