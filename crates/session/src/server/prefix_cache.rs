//! Ephemeral events come in runs, on one topic and for the same subscriptions. The frame up to the body is then
//! encoded once.

use topic::Topic;

use super::{Ephemeral, Server, Subscriptions, Wire};
use crate::Stream;
use crate::wire::encode;
use crate::wire::frame::Recipient;

/// The start of the last ephemeral event's frame.
#[derive(Debug)]
pub(super) struct PrefixCache {
    topic: Topic,
    /// The edition of the subscriptions at that time.
    edition: u64,
    recipients: Vec<Recipient>,
    /// Whether none of the recipients has a limit.
    pub(super) is_unlimited: bool,
    /// The encoded frame up to its body. Empty for texts.
    pub(super) beginning: Vec<u8>,
}

impl PrefixCache {
    /// Whether the event was on this topic. Events of one client share the topic's text.
    pub(super) fn is_on(&self, topic: &Topic) -> bool {
        std::ptr::eq(self.topic.as_str(), topic.as_str()) || self.topic == *topic
    }
}

impl Server {
    /// The cached prefix for a topic, if the last event was on it and the subscriptions have not changed.
    pub(super) fn cached_prefix(&self, topic: &Topic) -> Option<&PrefixCache> {
        let is_the_same =
            |it: &&PrefixCache| it.edition == self.subscriptions.edition() && it.is_on(topic);
        self.prefix_cache.as_ref().filter(is_the_same)
    }

    /// Sends an event with the cached prefix. Returns false if the cache does not match.
    pub(super) fn send_cached(&mut self, event: &Ephemeral) -> bool {
        let Self { prefix_cache: Some(cache), subscriptions, .. } = self else { return false };
        let is_the_same = cache.edition == subscriptions.edition() && cache.is_on(&event.topic);
        let can_be_taken = |subscriptions: &mut Subscriptions| {
            cache.is_unlimited || subscriptions.all_take(&cache.recipients, event.body.len())
        };
        if !is_the_same || !can_be_taken(subscriptions) {
            return false;
        }
        self.delivered.ephemeral += 1;
        match self.wire {
            Wire::Frames => {
                let bytes = cache.beginning.len() + event.body.len() + 9;
                let whole = if self.message.capacity() == 0 { self.last_message } else { 0 };
                self.message.reserve(bytes.max(whole));
                self.message.extend_from_slice(&cache.beginning);
                encode::byte_string(&mut self.message, &event.body);
                self.cut();
            }
            // The text does not contain subscriptions.
            #[cfg(feature = "json")]
            Wire::Json => self.event_text(&event.topic, &[], None, &event.body, &event.text),
        }
        true
    }

    /// Caches the prefix of an event that was just sent. Its topic has a number.
    pub(super) fn remember_prefix(&mut self, topic: &Topic, recipients: &[Recipient]) {
        self.prefix_cache = None;
        if recipients.is_empty() {
            return;
        }
        let mut beginning = Vec::new();
        if self.wire == Wire::Frames {
            let (number, None) = self.topics_out.number(topic) else { return };
            encode::event(&mut beginning, number, None, recipients, None, &[], &Stream::MAIN);
            // The body is the last field. An empty one is a single byte.
            beginning.pop();
        }
        let (topic, recipients) = (topic.clone(), recipients.to_vec());
        let edition = self.subscriptions.edition();
        let is_unlimited = self.subscriptions.are_unlimited(&recipients);
        self.prefix_cache =
            Some(PrefixCache { topic, edition, recipients, is_unlimited, beginning });
    }

    /// A topic's number has changed its meaning.
    pub(super) fn forget(&mut self) {
        self.prefix_cache = None;
    }
}
