//! Ephemeral events come in runs: on one topic, to the same subscriptions. What stands before the body is
//! then encoded once.

use topic::Topic;

use super::{Ephemeral, Server, Subscriptions, Wire};
use crate::Stream;
use crate::wire::encode;
use crate::wire::frame::Recipient;

/// What the last ephemeral event began with.
#[derive(Debug)]
pub(super) struct PrefixCache {
    topic: Topic,
    /// Of the subscriptions when it was sent.
    edition: u64,
    recipients: Vec<Recipient>,
    /// None of them has a limit to what it can take.
    pub(super) is_unlimited: bool,
    /// The frame up to its body; empty on a wire of texts.
    pub(super) beginning: Vec<u8>,
}

impl PrefixCache {
    /// Whether it was on this topic. What one client publishes shares its topic's text.
    pub(super) fn is_on(&self, topic: &Topic) -> bool {
        std::ptr::eq(self.topic.as_str(), topic.as_str()) || self.topic == *topic
    }
}

impl Server {
    /// How ephemeral events on a topic begin, if the last one was on it and nothing has changed since.
    pub(super) fn cached_prefix(&self, topic: &Topic) -> Option<&PrefixCache> {
        let is_the_same =
            |it: &&PrefixCache| it.edition == self.subscriptions.edition() && it.is_on(topic);
        self.prefix_cache.as_ref().filter(is_the_same)
    }

    /// Sends an event that begins as the last one did; false if this one does not.
    pub(super) fn send_cached(&mut self, event: &Ephemeral) -> bool {
        let Self { prefix_cache: Some(cache), subscriptions, .. } = self else { return false };
        let is_the_same = cache.edition == subscriptions.edition() && cache.is_on(&event.topic);
        let can_be_taken = |subscriptions: &mut Subscriptions| {
            cache.is_unlimited || subscriptions.all_take(&cache.recipients, event.body.len())
        };
        if !is_the_same || !can_be_taken(subscriptions) {
            return false;
        }
        match self.wire {
            Wire::Frames => {
                let bytes = cache.beginning.len() + event.body.len() + 9;
                let whole = if self.message.capacity() == 0 { self.last_message } else { 0 };
                self.message.reserve(bytes.max(whole));
                self.message.extend_from_slice(&cache.beginning);
                encode::byte_string(&mut self.message, &event.body);
                self.cut();
            }
            // Its text does not say for which subscriptions it is.
            #[cfg(feature = "json")]
            Wire::Json => self.event_text(&event.topic, &[], None, &event.body, &event.text),
        }
        true
    }

    /// Notes how an event that has just been sent began; its topic has a number.
    pub(super) fn remember_prefix(&mut self, topic: &Topic, recipients: &[Recipient]) {
        self.prefix_cache = None;
        if recipients.is_empty() {
            return;
        }
        let mut beginning = Vec::new();
        if self.wire == Wire::Frames {
            let (number, None) = self.topics_out.number(topic) else { return };
            encode::event(&mut beginning, number, None, recipients, None, &[], &Stream::MAIN);
            // The body is the last field; without bytes it is the one byte that says so.
            beginning.pop();
        }
        let (topic, recipients) = (topic.clone(), recipients.to_vec());
        let edition = self.subscriptions.edition();
        let is_unlimited = self.subscriptions.are_unlimited(&recipients);
        self.prefix_cache = Some(PrefixCache { topic, edition, recipients, is_unlimited, beginning });
    }

    /// A topic's number has got another meaning.
    pub(super) fn forget(&mut self) {
        self.prefix_cache = None;
    }
}
