//! Records what the messages of both ends say.

use session::{FromClient, FromPeer, RejectCode};
use topic::{Pattern, Topic};

use super::check::Record;
use super::world::World;
use crate::wire::WireNo;

impl World {
    /// Records the subscriptions in a message that arrives.
    pub(super) fn note_subscriptions(&mut self, wire: WireNo, message: &[u8]) {
        let head = self.peer.store.heads()[0].offset;
        for frame in FromClient::decode(message).flatten() {
            if let FromClient::Subscribe(subscribe) = frame
                && let Ok(pattern) = Pattern::parse(&subscribe.pattern)
            {
                let subscription = subscribe.subscription;
                self.record(Record::Subscribes { wire, subscription, pattern, head });
            }
        }
    }

    /// Records what a message of the peer delivers.
    pub(super) fn inspect(&mut self, wire: WireNo, message: &[u8]) {
        let topic_of = |name: &str| Topic::parse(name).ok();
        for frame in FromPeer::decode(message).flatten() {
            match frame {
                FromPeer::Event(event) => {
                    let key = (wire, event.topic);
                    if let Some(topic) = event.name.as_deref().and_then(topic_of) {
                        self.topics.insert(key, topic);
                    }
                    let Some(topic) = self.topics.get(&key).cloned() else { continue };
                    let subscriptions = event.recipients.iter().map(|it| it.subscription).collect();
                    let offset = event.offset;
                    self.record(Record::Sent { wire, topic, subscriptions, offset });
                }
                FromPeer::Page(page) => {
                    for topic in page.entries.iter().filter_map(|entry| topic_of(&entry.topic)) {
                        self.record(Record::Paged { wire, topic });
                    }
                }
                FromPeer::Present(present) => {
                    if let Some(topic) = topic_of(&present.topic) {
                        self.record(Record::Members { wire, topic });
                    }
                }
                FromPeer::Presence(presence) => {
                    if let Some(topic) = topic_of(&presence.topic) {
                        self.record(Record::Members { wire, topic });
                    }
                }
                FromPeer::Refused(refused) if refused.code == RejectCode::NotAllowed => {
                    let subscription = refused.subscription;
                    self.record(Record::Refused { wire, subscription });
                }
                _ => {}
            }
        }
    }
}
