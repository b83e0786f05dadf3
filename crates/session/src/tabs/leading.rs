//! What a leader does for its followers.

use super::{BEAT, Effect, Role, Tab, TabMessage};
use crate::Millis;
use crate::client::{ConnectionState, MAX_BASE, TabId};

/// How many beats a follower may miss.
const MAX_MISSED: u32 = 3;
/// The maximum number of followers. Further tabs have no link.
const MAX_FOLLOWERS: usize = 1_000;

#[derive(Debug)]
pub(super) struct Follower {
    pub(super) tab: TabId,
    pub(super) visit: u32,
    pub(super) base: u32,
    /// Beats since it was last heard.
    pub(super) missed: u32,
}

impl Tab {
    /// Stops leading, if this tab leads. The socket goes first.
    pub(super) fn follow(&mut self) {
        if self.leads() {
            self.role = Role::Following;
            self.client.follow();
        }
        self.followers.clear();
        (self.leader, self.base, self.link) = (None, 0, ConnectionState::Connecting);
        self.placed = false;
        (self.heard, self.asked) = (self.now, None);
        while let Some(effect) = self.poll_client() {
            self.broadcast(effect);
        }
    }

    /// Stops leading because another tab leads, though this tab may still hold the lock. Requests the lock again at
    /// `at`.
    pub(super) fn step_down(&mut self, at: Millis) {
        self.follow();
        self.effects.push_back(Effect::ReleaseLock);
        self.lock_at = Some(at);
        self.visit_anew();
    }

    /// The leader's link has changed. Each connection gives the followers new bases.
    pub(super) fn link_changed(&mut self, link: ConnectionState) {
        for follower in &mut self.followers {
            follower.base =
                if link == ConnectionState::Online { next_base(&mut self.last_base) } else { 0 };
        }
        self.link = link;
        self.beat_is_due = true;
    }

    /// A tab asks for the leader, to become its follower.
    pub(super) fn asked_by(&mut self, tab: TabId, visit: u32) {
        if !self.leads() {
            if self.leader == Some(tab) {
                self.leader = None;
                self.part(ConnectionState::Connecting);
            }
            return;
        }
        let known =
            self.followers.iter().any(|follower| (follower.tab, follower.visit) == (tab, visit));
        if !known {
            self.remove_follower(tab);
            self.tell_answered();
            // It may be a reloaded page that could not announce what it had kept.
            self.client.load();
        }
        if !known && self.followers.len() < MAX_FOLLOWERS {
            if self.followers.is_empty() {
                self.beat = self.now;
            }
            let online = self.link == ConnectionState::Online;
            let base = if online { next_base(&mut self.last_base) } else { 0 };
            self.followers.push(Follower { tab, visit, base, missed: 0 });
        }
        self.beat_is_due = true;
    }

    /// Repeats the outcomes of rows that the store may still hold. A tab that slept through the first report would
    /// find such a row and wait for its outcome.
    pub(super) fn tell_answered(&mut self) {
        for (id, outcome) in self.client.unerased() {
            self.post(TabMessage::Settled { id, outcome });
        }
    }

    /// A follower has frames for the peer.
    pub(super) fn handle_follower_frames(&mut self, tab: TabId, term: u64, frames: &[u8]) {
        if !self.leads() || term != self.term {
            return;
        }
        match self.followers.iter().find(|follower| follower.tab == tab) {
            Some(follower) => self.ignored += u64::from(!self.client.relay(follower.base, frames)),
            // The tab was given up. The beat tells it to register again.
            None => self.beat_is_due = true,
        }
    }

    pub(super) fn remove_follower(&mut self, tab: TabId) {
        if let Some(at) = self.followers.iter().position(|follower| follower.tab == tab) {
            let follower = self.followers.swap_remove(at);
            self.client.drop_follower(follower.base, self.now);
        }
    }

    pub(super) fn say_who_leads(&mut self) {
        let peer = self.client.peer_says();
        let followers = self
            .followers
            .iter()
            .map(|follower| (follower.tab, follower.visit, follower.base))
            .collect();
        let (link, client) = (self.link.clone(), self.client.client_of_link());
        self.post(TabMessage::Lead { term: self.term, link, peer, client, followers });
    }

    /// Sends the beat that is due, and gives up followers that have missed too many.
    pub(super) fn count_beats(&mut self) {
        if self.followers.is_empty() || self.now < self.beat + BEAT {
            return;
        }
        let silent = self.followers.iter().filter(|follower| follower.missed >= MAX_MISSED);
        for tab in silent.map(|follower| follower.tab).collect::<Vec<_>>() {
            self.gone(tab);
        }
        for follower in &mut self.followers {
            follower.missed += 1;
        }
        self.beat = self.now;
        self.beat_is_due = true;
    }
}

fn next_base(last: &mut u32) -> u32 {
    *last = *last % MAX_BASE + 1;
    *last
}
