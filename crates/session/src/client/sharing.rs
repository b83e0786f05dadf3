//! What a client does for [tabs](crate::tabs). A follower has no socket: its leader forwards its frames.
//!
//! The subscriptions of all tabs are made on the leader's connection. The upper bits of a subscription's number are
//! the follower's base, or 0 for the leader itself.

use super::follower_frames::{FollowerFrame, follower_frame};
use super::outbox::Stage;
use super::publishing::{UNWRITTEN, dropped_because};
use super::state::ClientState;
use super::tab_presence::PresenceChange;
use super::{Client, ConnectionState, Effect, OutboxRow, Outcome, PeerSays};
use crate::wire::encode;
use crate::wire::frame::{AtTopic, Event, FromClient, FromPeer, Recipient, Unsubscribe};
use crate::wire::message::frames;
use crate::{CloseCode, Millis, RejectCode};

/// The lower bits of a number, which the tab chooses itself.
pub(super) const OWN_BITS: u32 = 20;
/// The highest base of a follower.
pub(crate) const MAX_BASE: u32 = (1 << (32 - OWN_BITS)) - 1;

/// The maximum number of outcomes that are remembered.
const MAX_RECENT: usize = crate::MAX_UNANSWERED;

fn base_of(number: u32) -> u32 {
    number >> OWN_BITS
}

impl Client {
    /// Gives up the socket because another tab leads.
    pub(crate) fn follow(&mut self) {
        self.effects.retain(|effect| {
            !matches!(
                effect,
                Effect::Send(_)
                    | Effect::Open
                    | Effect::FetchCredential
                    | Effect::Prove(_)
                    | Effect::Sign { .. }
            )
        });
        if !self.following {
            self.effects.push_back(Effect::Close(CloseCode::GoingAway));
        }
        self.disconnected();
        (self.following, self.state) = (true, ClientState::Following);
        self.effects.push_back(Effect::Link(ConnectionState::Connecting));
    }

    /// Becomes the leader, once the store is loaded.
    pub(crate) fn lead(&mut self) {
        self.disconnected();
        (self.following, self.state) = (false, ClientState::Storing);
        self.load();
    }

    /// Switches to a store of its own. The rows of the shared store are left to other pages.
    pub(crate) fn leave_rows(&mut self) {
        self.outbox.leave_rows();
        self.renumbered.clear();
    }

    /// The id under which the peer knows the owner of the link.
    pub(crate) fn client_of_link(&self) -> [u8; 16] {
        self.stranger.as_ref().unwrap_or(&self.identity).client
    }

    /// The leader's link is up under this client id, and accepts this tab's frames.
    pub(crate) fn joined(&mut self, peer: PeerSays, client: [u8; 16], base: u32, now: Millis) {
        self.disconnected();
        self.state = ClientState::Online { since: now };
        self.connection.client = client;
        self.connection.peer = peer;
        self.subscriptions.start_at(base << OWN_BITS);
        self.effects.push_back(Effect::Link(ConnectionState::Online));
        self.ask_for_all();
    }

    /// The leader's link is down, or there is no leader.
    pub(crate) fn parted(&mut self, link: ConnectionState) {
        self.disconnected();
        self.state = ClientState::Following;
        self.effects.push_back(Effect::Link(link));
    }

    /// Takes over the events that another client of this page could not store, as far as there is room.
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
                Some(outcome) => _ = self.erase_known(number, &outcome),
            }
        }
        if !self.following && self.outbox.has_hole() {
            self.load();
        }
        self.pump(now);
    }

    /// Another tab reports the outcome of an event. Returns whether this client knows the event.
    pub(crate) fn heard_settled(&mut self, id: &str, outcome: Outcome) -> bool {
        let number = self.outbox.find(id).map(|entry| entry.row.number);
        let known = match number {
            // The tab that reports it may not live to delete the row. Until then the peer must remember the outcome.
            Some(number) if !self.following => self.erase_known(number, &outcome),
            _ => self.forget_row(id),
        };
        let is_known = known.is_some();
        match known {
            Some(row) => self.tell_settled(row, outcome),
            None if self.outcome(id).is_none() => self.remember(id.to_owned(), outcome),
            None => {}
        }
        is_known
    }

    /// Removes the row of an event that the store no longer holds, or that this page has kept under a number of a
    /// client that it has not loaded yet.
    pub(super) fn forget_row(&mut self, id: &str) -> Option<OutboxRow> {
        self.outbox.forget_id(id).or_else(|| {
            let at = self.renumbered.iter().position(|row| row.id == id)?;
            Some(self.renumbered.remove(at))
        })
    }

    /// Erases a row that the store still holds although its outcome is known here.
    pub(super) fn erase_known(&mut self, number: u64, outcome: &Outcome) -> Option<OutboxRow> {
        use RejectCode::{Cancelled, Expired, Uncertain};
        let undecided = matches!(outcome, Outcome::Rejected(Cancelled | Expired | Uncertain, _));
        self.outbox.settle(number, !undecided)
    }

    pub(super) fn remember(&mut self, id: String, outcome: Outcome) {
        self.recent.push_back((id, outcome));
        if self.recent.len() > MAX_RECENT {
            self.recent.pop_front();
        }
    }

    /// The outcome of an event, if it is among the last ones.
    pub(crate) fn outcome(&self, id: &str) -> Option<Outcome> {
        let found = self.recent.iter().rev().find(|(other, _)| other == id);
        found.map(|(_, outcome)| outcome.clone())
    }

    /// The outcomes of events whose rows a tab may still find in the store.
    pub(crate) fn unerased(&self) -> Vec<(String, Outcome)> {
        let ids = self.outbox.answered();
        ids.filter_map(|id| Some((id.to_owned(), self.outcome(id)?))).collect()
    }

    /// Events that the store no longer holds and whose outcome was not reported.
    pub(crate) fn lost(&mut self) -> Vec<String> {
        let entries = self.outbox.entries();
        let lost = entries.filter(|entry| matches!(entry.stage, Stage::Lost { .. }));
        lost.map(|entry| entry.row.id.clone()).collect()
    }

    /// Forwards the frames of the follower with this base to the peer. Frames under an earlier base are ignored.
    /// Returns false for a frame that a follower must not send. The rest of a frame is forwarded as it is: the peer
    /// checks it.
    pub(crate) fn relay(&mut self, base: u32, message: &[u8]) -> bool {
        if self.following || !self.is_online() {
            return true;
        }
        for frame in frames(message, follower_frame) {
            let Ok((frame, place)) = frame else { return false };
            let followers = &mut self.connection.followers;
            let passes = match frame {
                FollowerFrame::Presence { kind, comes, topic } => self
                    .connection
                    .tab_presence
                    .pass(base, PresenceChange { kind, comes, topic: &topic }),
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

    /// Ends the presence of followers whose grace period is over.
    pub(super) fn leave_for_those_gone(&mut self, now: Millis) {
        for topic in self.connection.tab_presence.left(now) {
            self.send(&FromClient::Leave(AtTopic { topic }));
        }
    }

    /// Returns what the peer has sent to followers since the last call.
    pub(crate) fn for_followers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.connection.for_followers)
    }

    /// Forwards a frame that is, or may be, for a follower. Returns whether it is for followers only.
    pub(super) fn pass_on(&mut self, frame: &FromPeer, bytes: &[u8]) -> bool {
        let (number, ended) = match frame {
            FromPeer::Subscribed(f) => (f.subscription, f.reset),
            FromPeer::Refused(f) => (f.subscription, true),
            FromPeer::CaughtUp(f) => (f.subscription, false),
            FromPeer::Gap(f) => (f.subscription, false),
            FromPeer::Page(f) => (f.request, false),
            FromPeer::Deleted(f) => (f.request, false),
            FromPeer::Tallied(f) => (f.request, false),
            FromPeer::Present(_) | FromPeer::Presence(_) | FromPeer::NotPresent(_) => {
                // Each tab knows whether this concerns it.
                if !self.following && self.connection.tab_presence.has_followers() {
                    self.connection.for_followers.extend_from_slice(bytes);
                }
                return false;
            }
            FromPeer::ChangedRights(_) => {
                if !self.following {
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

    /// Forwards an event for followers, once for all of them, and keeps the leader's own recipients.
    pub(super) fn pass_on_event(&mut self, event: &mut Event, topic: &str) {
        if self.following {
            return;
        }
        let is_for_follower = |it: &mut Recipient| base_of(it.subscription) != 0;
        let recipients: Vec<Recipient> = event.recipients.extract_if(.., is_for_follower).collect();
        if !recipients.is_empty() {
            // With the topic's name: followers come and go, so none of them knows the topic numbers.
            let (offset, stream) = (event.offset, &event.stream);
            let message = &mut self.connection.for_followers;
            encode::event(message, 0, Some(topic), &recipients, offset, &event.body, stream);
        }
    }
}
