//! Presence: the topics that the application has joined, the topics that it watches, and their occupants. Both
//! lists last across connections; each new connection gets them again.

use topic::Topic;

use super::tab_presence::PresenceChange;
use super::{Client, Effect, Occupants};
use crate::wire::frame::{AtTopic, Attendee, FromClient, Join, NotPresent, Presence, Present};

#[derive(Debug, Default)]
pub(super) struct PresenceState {
    joined: Vec<Join>,
    watched: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    topic: Topic,
    /// As last reported, by ascending ids. `None` before the first report.
    present: Option<Vec<Attendee>>,
    /// Whether this connection has brought the full state, to which changes apply.
    is_current: bool,
}

impl Client {
    /// Joins a topic under a key, with data for the other members; or changes the key or the data. The client stays
    /// joined across all connections, until [`Client::leave`].
    pub fn join(&mut self, topic: &Topic, key: String, data: Vec<u8>) {
        let join = Join { topic: topic.to_string(), key, data };
        self.presence_state.joined.retain(|other| other.topic != join.topic);
        self.presence_state.joined.push(join.clone());
        if self.is_online() {
            self.send_presence(FromClient::Join(join));
        }
    }

    /// Leaves the topic.
    pub fn leave(&mut self, topic: &Topic) {
        let joined = &mut self.presence_state.joined;
        if let Some(at) = joined.iter().position(|join| join.topic == topic.as_str()) {
            let topic = joined.swap_remove(at).topic;
            if self.is_online() {
                self.send_presence(FromClient::Leave(AtTopic { topic }));
            }
        }
    }

    /// Watches the occupants of a topic. [`Effect::Occupants`] reports it, until [`Client::unwatch`].
    pub fn watch(&mut self, topic: &Topic) {
        if self.presence_state.watched(topic.as_str()).is_some() {
            return;
        }
        let watched = Watched { topic: topic.clone(), present: None, is_current: false };
        self.presence_state.watched.push(watched);
        if self.is_online() {
            self.send_presence(FromClient::Watch(AtTopic { topic: topic.to_string() }));
        }
    }

    /// Stops watching the topic.
    pub fn unwatch(&mut self, topic: &Topic) {
        let watched = &mut self.presence_state.watched;
        if let Some(at) = watched.iter().position(|watched| watched.topic == *topic) {
            watched.swap_remove(at);
            if self.is_online() {
                self.send_presence(FromClient::Unwatch(AtTopic { topic: topic.to_string() }));
            }
        }
    }

    /// Sends all joins and watches to a new connection.
    pub(super) fn announce_presence(&mut self) {
        let joins = self.presence_state.joined.iter().cloned().map(FromClient::Join);
        let watched = self.presence_state.watched.iter();
        let watches =
            watched.map(|watched| FromClient::Watch(AtTopic { topic: watched.topic.to_string() }));
        for frame in joins.chain(watches).collect::<Vec<_>>() {
            self.send_presence(frame);
        }
    }

    /// Sends a presence frame of this tab. A leader does so for all tabs together.
    fn send_presence(&mut self, frame: FromClient) {
        let tab_presence = &mut self.connection.tab_presence;
        if self.following
            || PresenceChange::of(&frame).is_none_or(|moved| tab_presence.pass(0, moved))
        {
            self.send(&frame);
        }
    }

    pub(super) fn present(&mut self, frame: Present) {
        if let Some(watched) = self.presence_state.watched(&frame.topic) {
            watched.is_current = true;
            let notices = watched.update(frame.entries);
            self.effects.extend(notices.map(Effect::Occupants));
        }
    }

    pub(super) fn presence(&mut self, Presence { topic, joined, left }: Presence) {
        let Some(watched) = self.presence_state.watched(&topic) else { return };
        let Some(present) = watched.present.as_ref().filter(|_| watched.is_current) else { return };
        let is_new = |id: u64| joined.iter().any(|other| other.id == id);
        let stays = |one: &&Attendee| !left.contains(&one.id) && !is_new(one.id);
        let entries = present.iter().filter(stays).chain(&joined).cloned().collect();
        let notices = watched.update(entries);
        self.effects.extend(notices.map(Effect::Occupants));
    }

    pub(super) fn not_present(&mut self, NotPresent { topic, code, message }: NotPresent) {
        let PresenceState { joined, watched } = &self.presence_state;
        let is_own = joined.iter().any(|join| join.topic == topic)
            || watched.iter().any(|watched| watched.topic.as_str() == topic);
        if is_own {
            self.effects.push_back(Effect::NotPresent { topic, code, message });
        }
    }
}

impl PresenceState {
    fn watched(&mut self, topic: &str) -> Option<&mut Watched> {
        self.watched.iter_mut().find(|watched| watched.topic.as_str() == topic)
    }

    /// Keeps what is known, to compare it with what the next connection reports.
    pub(super) fn disconnected(&mut self) {
        for watched in &mut self.watched {
            watched.is_current = false;
        }
    }
}

impl Watched {
    /// Replaces the list of members, and returns what to report unless nothing has changed.
    fn update(&mut self, mut now: Vec<Attendee>) -> Option<Occupants> {
        now.sort_unstable_by_key(|one| one.id);
        let is_first = self.present.is_none();
        let before = self.present.replace(now.clone()).unwrap_or_default();
        let known = |all: &[Attendee], id| all.binary_search_by_key(&id, |one| one.id).ok();
        let is_same =
            |one: &&Attendee| known(&before, one.id).is_some_and(|at| before[at] == **one);
        let joined: Vec<_> = now.iter().filter(|one| !is_same(one)).cloned().collect();
        let gone = before.iter().filter(|one| known(&now, one.id).is_none());
        let left: Vec<_> = gone.cloned().collect();
        let is_news = is_first || !joined.is_empty() || !left.is_empty();
        is_news.then(|| Occupants { topic: self.topic.clone(), present: now, joined, left })
    }
}
