//! One connection's part in presence: what it may request, and what it receives. The
//! [`PresenceRegistry`](super::PresenceRegistry), which all connections of a peer share, knows the occupants.

use std::collections::BTreeSet;

use topic::Topic;

use super::{Effect, Server};
use crate::RejectCode;
use crate::rights::Right;
use crate::wire::frame::{Attendee, FromPeer, Join, NotPresent, Presence, Present};

/// The maximum size of a key.
const KEY_BYTES: usize = 256;
/// The maximum size of a member's data.
const DATA_BYTES: usize = 4_096;
/// The maximum number of topics that a connection joins, and of those that it watches.
const TOPICS: usize = 64;

/// The topics of a connection.
#[derive(Debug, Default)]
pub(super) struct PresenceState {
    joined: BTreeSet<Topic>,
    watched: BTreeSet<Topic>,
}

impl PresenceState {
    /// Removes the topics that are not `allowed`.
    pub(super) fn leave_unless(&mut self, allowed: impl Fn(&Topic) -> bool) -> BTreeSet<Topic> {
        let Self { joined, watched } = self;
        let mut gone: BTreeSet<Topic> = joined.extract_if(.., |topic| !allowed(topic)).collect();
        gone.extend(watched.extract_if(.., |topic| !allowed(topic)));
        gone
    }
}

impl Server {
    pub(super) fn join(&mut self, Join { topic: name, key, data }: Join) {
        let Some(topic) = self.place(&name) else { return };
        let key = self.subject().map_or(key, str::to_owned);
        if key.len() > KEY_BYTES || data.len() > DATA_BYTES {
            let message =
                format!("a key may have at most {KEY_BYTES} bytes, and its data {DATA_BYTES}");
            return self.deny(name, RejectCode::TooLarge, message);
        }
        if !enter(&mut self.presence_state.joined, &topic) {
            let message = format!("a connection may join at most {TOPICS} topics");
            return self.deny(name, RejectCode::TooMany, message);
        }
        self.show(Effect::Join { topic, key, data });
    }

    pub(super) fn leave(&mut self, topic: &str) {
        if let Some(topic) = self.presence_state.joined.take(topic) {
            self.emit(Effect::Leave(topic));
        }
    }

    pub(super) fn watch(&mut self, name: String) {
        let Some(topic) = self.place(&name) else { return };
        if !enter(&mut self.presence_state.watched, &topic) {
            let message = format!("a connection may watch at most {TOPICS} topics");
            return self.deny(name, RejectCode::TooMany, message);
        }
        self.effects.push_back(Effect::Watch(topic));
    }

    pub(super) fn unwatch(&mut self, topic: &str) {
        if let Some(topic) = self.presence_state.watched.take(topic) {
            self.effects.push_back(Effect::Unwatch(topic));
        }
    }

    /// The response to [`Effect::Join`] if the client cannot join.
    pub fn not_present(&mut self, topic: &Topic, code: RejectCode, message: &str) {
        self.presence_state.joined.remove(topic);
        self.deny(topic.to_string(), code, message.to_owned());
    }

    /// The full list of those present at a watched topic.
    pub fn present(&mut self, topic: &Topic, entries: Vec<Attendee>) {
        if self.presence_state.watched.contains(topic) {
            self.send(&FromPeer::Present(Present { topic: topic.to_string(), entries }));
        }
    }

    /// A change at a watched topic: those that came or changed, and the ids of those that left.
    pub fn presence(&mut self, topic: &Topic, joined: Vec<Attendee>, left: Vec<u64>) {
        if self.presence_state.watched.contains(topic) {
            let topic = topic.to_string();
            self.send(&FromPeer::Presence(Presence { topic, joined, left }));
        }
    }

    /// The topic with this name. If it cannot have members, or the client has no right to it, tells the client so.
    fn place(&mut self, name: &str) -> Option<Topic> {
        let message = match Topic::parse(name) {
            Ok(topic) if !topic.is_system() => {
                if self.credential.rights.allow(Right::Presence, &topic) {
                    return Some(topic);
                }
                let message = self.no_right(Right::Presence, name);
                self.deny(name.to_owned(), RejectCode::NotAllowed, message);
                return None;
            }
            Ok(_) => "topics that begin with `$` are not bridged".to_owned(),
            Err(error) => error.to_string(),
        };
        self.deny(name.to_owned(), RejectCode::IllegalTopic, message);
        None
    }

    pub(super) fn deny(&mut self, topic: String, code: RejectCode, message: String) {
        self.send(&FromPeer::NotPresent(NotPresent { topic, code, message }));
    }
}

/// Returns false if there is no room for another topic.
fn enter(topics: &mut BTreeSet<Topic>, topic: &Topic) -> bool {
    if !topics.contains(topic) && topics.len() >= TOPICS {
        return false;
    }
    topics.insert(topic.clone());
    true
}
