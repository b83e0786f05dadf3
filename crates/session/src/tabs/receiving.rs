//! Handles messages of other tabs: which one leads, the outcomes of events, and tabs that have gone.

use std::cmp::Ordering;

use super::{Effect, PATIENCE, SPOKEN, Tab, TabMessage};
use crate::client::{ConnectionState, Outcome, PeerSays, TabId};
use crate::{Body, Millis, RejectCode};

impl Tab {
    pub(super) fn handle_message(&mut self, from: TabId, message: TabMessage) {
        if let Some(follower) = self.followers.iter_mut().find(|follower| follower.tab == from) {
            follower.missed = 0;
        }
        if self.leader == Some(from) {
            (self.heard, self.asked) = (self.now, None);
        }
        match message {
            TabMessage::Ask { visit } => self.asked_by(from, visit),
            TabMessage::Here => {}
            TabMessage::Lead { term, link, peer, client, followers } => {
                self.handle_leader(from, term, link, (peer, client), &followers);
            }
            TabMessage::ToPeer { term, leader, frames } if leader == self.id => {
                self.handle_follower_frames(from, term, &frames);
            }
            TabMessage::ToPeer { .. } => {}
            TabMessage::FromPeer { term, frames } => {
                if self.leader == Some(from) && self.term == term && self.base != 0 {
                    self.client.received(&frames, self.now);
                }
            }
            TabMessage::Kept { client, row } => self.client.heard_row(client, row, self.now),
            TabMessage::Settled { id, outcome } => {
                if self.client.heard_settled(&id, outcome) {
                    self.reported.push(id);
                }
            }
            TabMessage::Lost { id } => {
                if let Some(outcome) = self.client.outcome(&id).filter(|it| !is_uncertain(it)) {
                    self.post(TabMessage::Settled { id, outcome });
                }
            }
            TabMessage::Bye => self.gone(from),
            TabMessage::Renewed => self.client.load(),
            TabMessage::Connect if self.leads() => self.client.connect(self.now),
            TabMessage::Connect => {}
            TabMessage::Event { topic, body, ephemeral } => {
                let Ok(body) = Body::decode(&body) else { return self.ignored += 1 };
                if ephemeral && self.leads() {
                    self.client.send_ephemeral(&topic, &body);
                }
                self.effects.push_back(Effect::FromTab { topic, body, ephemeral });
            }
        }
    }

    /// A leader announces itself.
    fn handle_leader(
        &mut self,
        from: TabId,
        term: u64,
        link: ConnectionState,
        (peer, client): (PeerSays, [u8; 16]),
        followers: &[(TabId, u32, u32)],
    ) {
        let is_news = term > self.term;
        if self.leads() {
            // Between two leaders of the same term the lock decides.
            match term.cmp(&self.term) {
                Ordering::Greater => self.step_down(self.now),
                Ordering::Equal => {}
                Ordering::Less => self.beat_is_due = true,
            }
            return;
        }
        if !is_news && (term < self.term || self.leader.is_some_and(|leader| leader != from)) {
            return;
        }
        if is_news || self.leader.is_none() {
            self.placed = false;
            self.part(ConnectionState::Connecting);
        }
        (self.term, self.leader) = (term, Some(from));
        (self.heard, self.asked) = (self.now, None);
        if self.now >= self.spoke + SPOKEN {
            self.post(TabMessage::Here);
        }
        let mut places = followers.iter();
        let place = places.find(|(tab, visit, _)| (tab, visit) == (&self.id, &self.visit));
        if place.is_some() && !std::mem::replace(&mut self.placed, true) {
            // From here on this tab hears the outcome of every row that it finds in the store.
            self.client.load();
        }
        match place {
            // Its place was given up; it will ask for a new one.
            _ if self.join_at.is_some() => {}
            None => self.post(TabMessage::Ask { visit: self.visit }),
            Some((.., base)) if link == ConnectionState::Online && *base != 0 => {
                if self.base != *base {
                    (self.base, self.link) = (*base, link);
                    self.client.joined(peer, client, *base, self.now);
                }
            }
            Some(_) => self.part(link),
        }
    }

    /// The leader's link is down, or there is no leader.
    pub(super) fn part(&mut self, link: ConnectionState) {
        if std::mem::take(&mut self.base) != 0 || self.link != link {
            self.link = link.clone();
            self.client.parted(link);
        }
    }

    /// A tab has gone. Rows that it kept without announcing them are in the store.
    pub(super) fn gone(&mut self, tab: TabId) {
        if self.leader == Some(tab) {
            self.leader = None;
            self.part(ConnectionState::Connecting);
        }
        if self.leads() {
            self.remove_follower(tab);
            self.client.load();
        }
    }

    pub(super) fn visit_anew(&mut self) {
        self.visit += 1;
        self.post(TabMessage::Ask { visit: self.visit });
    }

    pub(super) fn ask(&mut self) {
        self.asked = Some(self.now);
        self.post(TabMessage::Ask { visit: self.visit });
    }

    pub(super) fn patience(&self) -> Millis {
        let [one, other, ..] = self.id;
        PATIENCE + Millis::from(u16::from_le_bytes([one, other])) * PATIENCE / 0x1_0000
    }
}

/// Whether the outcome is unknown to the tab that reports it. Others may know it.
pub(super) fn is_uncertain(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected(RejectCode::Uncertain, _))
}
