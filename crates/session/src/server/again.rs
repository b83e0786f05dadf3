//! Ephemeral events come in runs: on one topic, to the same subscriptions. What stands before the body is
//! then encoded once.

use topic::Topic;

use super::{Ephemeral, Server, Wire};
use crate::frame::Head;
use crate::{Stream, encode};

/// What the last ephemeral event began with.
#[derive(Debug)]
pub(super) struct Again {
    topic: Topic,
    /// Of the subscriptions when it was sent.
    edition: u64,
    heads: Vec<Head>,
    /// The frame up to its body.
    beginning: Vec<u8>,
}

impl Server {
    /// Sends an event that begins as the last one did; false if this one does not.
    pub(super) fn send_again(&mut self, event: &Ephemeral) -> bool {
        let Self { again: Some(again), subscriptions, .. } = self else { return false };
        let is_the_same = again.edition == subscriptions.edition() && again.topic == event.topic;
        if !is_the_same || !subscriptions.all_take(&again.heads, event.body.len()) {
            return false;
        }
        self.message.reserve(again.beginning.len() + event.body.len() + 9);
        self.message.extend_from_slice(&again.beginning);
        encode::byte_string(&mut self.message, &event.body);
        self.cut();
        true
    }

    /// Notes how an event that has just been sent began; its topic has a number.
    pub(super) fn note(&mut self, topic: &Topic, heads: &[Head]) {
        self.again = None;
        if heads.is_empty() || self.wire != Wire::Frames {
            return;
        }
        let (number, None) = self.topics_out.number(topic) else { return };
        let mut beginning = Vec::new();
        encode::event(&mut beginning, number, None, heads, None, &[], &Stream::MAIN);
        // The body is the last field; without bytes it is the one byte that says so.
        beginning.pop();
        let (topic, heads) = (topic.clone(), heads.to_vec());
        let edition = self.subscriptions.edition();
        self.again = Some(Again { topic, edition, heads, beginning });
    }

    /// A topic's number has got another meaning.
    pub(super) fn forget(&mut self) {
        self.again = None;
    }
}
