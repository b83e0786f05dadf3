//! What a client does for [tabs](crate::tabs): a follower has no socket, its frames go through its
//! leader; a leader passes its followers' frames on.
//!
//! Subscriptions of all tabs stand on the leader's connection. Their numbers say whose they are: the
//! upper bits are the follower's base, 0 the leader's own.

use super::follower_frames::{FollowerFrame, follower_frame};
use super::outbox::Stage;
use super::tab_presence::PresenceChange;
use super::publishing::{UNWRITTEN, dropped_because};
use super::state::ClientState;
use super::{Client, Effect, ConnectionState, Outcome, OutboxRow};
use crate::wire::encode;
use crate::wire::frame::{AtTopic, Event, FromClient, FromPeer, Recipient, Unsubscribe};
use crate::wire::message::frames;
use crate::{CloseCode, Millis, RejectCode};

/// The bits of a number that are the tab's own.
pub(super) const OWN_BITS: u32 = 20;
/// The highest base of a follower.
pub(crate) const MAX_BASE: u32 = (1 << (32 - OWN_BITS)) - 1;

/// The most outcomes that are remembered.
const MAX_RECENT: usize = crate::MAX_UNANSWERED;

fn base_of(number: u32) -> u32 {
    number >> OWN_BITS
}

impl Client {
    /// Gives up the socket; another tab leads.
    pub(crate) fn follow(&mut self) {
        self.effects.retain(|effect| {
            !matches!(effect, Effect::Send(_) | Effect::Open | Effect::FetchCredential)
        });
        if !self.following {
            self.effects.push_back(Effect::Close(CloseCode::GoingAway));
        }
        self.disconnected();
        (self.following, self.state) = (true, ClientState::Following);
        self.effects.push_back(Effect::Link(ConnectionState::Connecting));
    }

    /// Leads, once the store has said what there is.
    pub(crate) fn lead(&mut self) {
        self.disconnected();
        (self.following, self.state) = (false, ClientState::Storing);
        self.load();
    }

    /// Has a store of its own from now on: what is in the other one is for other pages.
    pub(crate) fn leave_rows(&mut self) {
        self.outbox.leave_rows();
        self.renumbered.clear();
    }

    /// Whose the link is, as the peer knows it.
    pub(crate) fn client_of_link(&self) -> [u8; 16] {
        self.stranger.as_ref().unwrap_or(&self.identity).client
    }

    /// The leader's link is up, as this client's, and takes this tab's frames.
    pub(crate) fn joined(&mut self, peer: String, client: [u8; 16], base: u32, now: Millis) {
        self.disconnected();
        self.state = ClientState::Online { since: now };
        self.connection.client = client;
        self.connection.peer = peer;
        self.subscriptions.start_at(base << OWN_BITS);
        self.effects.push_back(Effect::Link(ConnectionState::Online));
        self.ask_for_all();
    }

    /// The leader's link is not up, or there is no leader.
    pub(crate) fn parted(&mut self, link: ConnectionState) {
        self.disconnected();
        self.state = ClientState::Following;
        self.effects.push_back(Effect::Link(link));
    }

    /// Takes in what the store of another client of this page has not taken, as far as there is room.
    pub(crate) fn take_over(&mut self, other: &mut Self) {
        self.wall_is_ahead = other.wall_is_ahead;
        while let Some((row, is_cancelled)) = other.outbox.take_waiting() {
            let id = row.id.clone();
            if is_cancelled {
                self.reject(id, RejectCode::Cancelled, dropped_because(RejectCode::Cancelled));
            } else if self.outbox.push(row).is_err() {
                self.reject(id, RejectCode::Unavailable, UNWRITTEN);
            }
        }
    }

    /// Another tab has kept a row, under a number of this client.
    pub(crate) fn heard_row(&mut self, client: [u8; 16], row: OutboxRow, now: Millis) {
        if client != self.identity.client {
            return self.load();
        }
        let (id, number) = (row.id.clone(), row.number);
        if self.outbox.insert(row) {
            match self.outcome(&id) {
                None => self.tell_pending(&id),
                Some(outcome) => self.erase_known(number, &outcome),
            }
        }
        if !self.following && self.outbox.has_hole() {
            self.load();
        }
        self.pump(now);
    }

    /// Another tab says what became of an event; whether it is known here.
    pub(crate) fn heard_settled(&mut self, id: &str, outcome: Outcome) -> bool {
        let number = self.outbox.find(id).map(|entry| entry.row.number);
        let known = match number {
            // Whoever says so may not come to delete it, and until then the peer must know the outcome.
            Some(number) if !self.following => {
                self.erase_known(number, &outcome);
                true
            }
            _ => self.outbox.forget_id(id) || self.is_renumbered(id),
        };
        if known {
            self.tell_settled(id.to_owned(), outcome);
        } else if self.outcome(id).is_none() {
            self.remember(id.to_owned(), outcome);
        }
        known
    }

    /// Whether this page has kept it under a number of a client that it does not know yet. It is so no more.
    pub(super) fn is_renumbered(&mut self, id: &str) -> bool {
        self.renumbered.extract_if(.., |row| row.id == id).count() > 0
    }

    /// The store still holds a row whose outcome is known here.
    pub(super) fn erase_known(&mut self, number: u64, outcome: &Outcome) {
        use RejectCode::{Cancelled, Expired, Uncertain};
        let undecided = matches!(outcome, Outcome::Rejected(Cancelled | Expired | Uncertain, _));
        self.outbox.settle(number, !undecided);
    }

    pub(super) fn remember(&mut self, id: String, outcome: Outcome) {
        self.recent.push_back((id, outcome));
        if self.recent.len() > MAX_RECENT {
            self.recent.pop_front();
        }
    }

    /// What became of an event, if that was not long ago.
    pub(crate) fn outcome(&self, id: &str) -> Option<Outcome> {
        let found = self.recent.iter().rev().find(|(other, _)| other == id);
        found.map(|(_, outcome)| outcome.clone())
    }

    /// What became of events whose rows a tab may still find in the store.
    pub(crate) fn unerased(&self) -> Vec<(String, Outcome)> {
        let ids = self.outbox.answered();
        ids.filter_map(|id| Some((id.to_owned(), self.outcome(id)?))).collect()
    }

    /// Events that the store does not hold any more, and of which nobody has said what became of them.
    pub(crate) fn lost(&mut self) -> Vec<String> {
        let entries = self.outbox.entries();
        let lost = entries.filter(|entry| matches!(entry.stage, Stage::Lost { .. }));
        lost.map(|entry| entry.row.id.clone()).collect()
    }

    /// What the follower with this base sends to the peer. What it sent under an earlier base is over. False
    /// if it is not what a follower may send. The rest of a frame is as the follower wrote it: the peer reads it.
    pub(crate) fn relay(&mut self, base: u32, message: &[u8]) -> bool {
        if self.following || !self.is_online() {
            return true;
        }
        for frame in frames(message, follower_frame) {
            let Ok((frame, place)) = frame else { return false };
            let followers = &mut self.connection.followers;
            let passes = match frame {
                FollowerFrame::Presence { kind, comes, topic } => {
                    self.connection.tab_presence.pass(base, PresenceChange { kind, comes, topic: &topic })
                }
                FollowerFrame::Subscribe(number) if base_of(number) == base => {
                    followers.push(number);
                    true
                }
                FollowerFrame::Unsubscribe(number) if base_of(number) == base => {
                    followers.retain(|other| *other != number);
                    true
                }
                FollowerFrame::Subscribe(_) | FollowerFrame::Unsubscribe(_) => false,
                FollowerFrame::Numbered(number) => base_of(number) == base,
            };
            if passes {
                self.connection.message.extend_from_slice(&message[place]);
                self.flush_if_long();
            }
        }
        true
    }

    /// The follower with this base is gone.
    pub(crate) fn drop_follower(&mut self, base: u32, now: Millis) {
        for topic in self.connection.tab_presence.abandon(base, now) {
            self.send(&FromClient::Unwatch(AtTopic { topic }));
        }
        let followers = std::mem::take(&mut self.connection.followers);
        let (gone, rest) = followers.into_iter().partition(|number| base_of(*number) == base);
        self.connection.followers = rest;
        let gone: Vec<u32> = gone;
        for subscription in gone {
            self.send(&FromClient::Unsubscribe(Unsubscribe { subscription }));
        }
    }

    /// Followers that are gone for long are not present any more.
    pub(super) fn leave_for_those_gone(&mut self, now: Millis) {
        for topic in self.connection.tab_presence.left(now) {
            self.send(&FromClient::Leave(AtTopic { topic }));
        }
    }

    /// What the peer has sent to followers since the last call.
    pub(crate) fn for_followers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.connection.for_followers)
    }

    /// Passes on what is a follower's, or may be; whether it is no more than that.
    pub(super) fn pass_on(&mut self, frame: &FromPeer, bytes: &[u8]) -> bool {
        let (number, ended) = match frame {
            FromPeer::Subscribed(f) => (f.subscription, f.reset),
            FromPeer::Refused(f) => (f.subscription, true),
            FromPeer::CaughtUp(f) => (f.subscription, false),
            FromPeer::Gap(f) => (f.subscription, false),
            FromPeer::Page(f) => (f.request, false),
            FromPeer::Present(_) | FromPeer::Presence(_) | FromPeer::NotPresent(_) => {
                // Each tab knows whether that concerns it.
                if !self.following && self.connection.tab_presence.has_followers() {
                    self.connection.for_followers.extend_from_slice(bytes);
                }
                return false;
            }
            _ => return false,
        };
        if self.following || base_of(number) == 0 {
            return false;
        }
        if ended {
            self.connection.followers.retain(|other| *other != number);
        }
        self.connection.for_followers.extend_from_slice(bytes);
        true
    }

    /// Passes on what of an event is for followers, once for all of them, and leaves the rest.
    pub(super) fn pass_on_event(&mut self, event: &mut Event, topic: &str) {
        if self.following {
            return;
        }
        let is_for_follower = |it: &mut Recipient| base_of(it.subscription) != 0;
        let recipients: Vec<Recipient> = event.recipients.extract_if(.., is_for_follower).collect();
        if !recipients.is_empty() {
            // With its name: followers come and go, so that no number stands for a topic.
            let (offset, stream) = (event.offset, &event.stream);
            let message = &mut self.connection.for_followers;
            encode::event(message, 0, Some(topic), &recipients, offset, &event.body, stream);
        }
    }
}
