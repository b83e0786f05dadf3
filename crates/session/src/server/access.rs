//! What a client may do, checked where it asks, and again when its rights change.
//!
//! A subscription is made only if a pattern of the rights covers it, and it ends with the right. So what is delivered
//! needs no check of its own.

#[cfg(feature = "json")]
use std::collections::VecDeque;

use topic::{Pattern, Topic};

use super::{Effect, Refusal, Server};
use crate::rights::Right;
use crate::wire::frame::{Denied, FromPeer};
use crate::{RejectCode, Start};

/// The maximum number of topics without a number that are remembered.
#[cfg(feature = "json")]
const MAX_TOPICS: usize = 16;

/// Whether the client may publish to topics. Unused while the client has all rights.
#[derive(Debug, Default)]
pub(super) struct PublishRights {
    /// The number of the last allowed topic, which the next event probably has too. Here and not in the list, because
    /// the memory of a list is seldom in the processor's cache when an event of one of many connections arrives.
    last: Option<u32>,
    /// By the numbers of topics.
    numbers: Vec<PublishRight>,
    /// The same as `last` for JSON.
    #[cfg(feature = "json")]
    last_topic: Option<Topic>,
    /// Allowed topics that have no number, which are those of JSON. The oldest is forgotten first.
    #[cfg(feature = "json")]
    topics: VecDeque<Topic>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PublishRight {
    Unknown,
    Allowed,
    Denied,
    /// And the client knows it.
    Reported,
}

impl PublishRights {
    /// The number gets another topic.
    pub(super) fn forget(&mut self, number: u32) {
        self.last = self.last.filter(|last| *last != number);
        if let Some(right) = self.numbers.get_mut(number as usize) {
            *right = PublishRight::Unknown;
        }
    }

    /// What is known about the number of a valid topic, of which there are few.
    fn at(&mut self, number: u32) -> &mut PublishRight {
        let number = number as usize;
        if number >= self.numbers.len() {
            self.numbers.resize(number + 1, PublishRight::Unknown);
        }
        &mut self.numbers[number]
    }
}

impl Server {
    /// Whether the client may publish to the topic with this number.
    pub(super) fn may_publish(&mut self, number: u32, topic: &Topic) -> bool {
        if self.publish_rights.last == Some(number) || self.credential.rights.are_all() {
            return true;
        }
        let right = self.publish_rights.at(number);
        if *right == PublishRight::Unknown {
            let is_allowed = self.credential.rights.allow(Right::Publish, topic);
            *right = if is_allowed { PublishRight::Allowed } else { PublishRight::Denied };
        }
        let is_allowed = *right == PublishRight::Allowed;
        if is_allowed {
            self.publish_rights.last = Some(number);
        }
        is_allowed
    }

    /// Called when the rights have changed.
    pub(super) fn forget_publish_rights(&mut self) {
        self.publish_rights = PublishRights::default();
    }

    /// Whether the client may publish to a topic that has no number.
    #[cfg(feature = "json")]
    pub(super) fn may_publish_to(&mut self, topic: &Topic) -> bool {
        let known = &mut self.publish_rights;
        if known.last_topic.as_ref() == Some(topic) || self.credential.rights.are_all() {
            return true;
        }
        if !known.topics.contains(topic) {
            if !self.credential.rights.allow(Right::Publish, topic) {
                return false;
            }
            known.topics.truncate(MAX_TOPICS - 1);
            known.topics.push_front(topic.clone());
        }
        known.last_topic = Some(topic.clone());
        true
    }

    /// Reports an ephemeral event that the client may not publish, once for its topic.
    pub(super) fn denied(&mut self, topic: u32, message: String) {
        let right = self.publish_rights.at(topic);
        if *right != PublishRight::Reported {
            *right = PublishRight::Reported;
            self.send(&FromPeer::Denied(Denied { topic, code: RejectCode::NotAllowed, message }));
        }
    }

    /// The refusal of an event that the client may not publish.
    pub(super) fn not_allowed(&mut self, topic: &Topic, id: String) -> Refusal {
        let message = self.no_right(Right::Publish, topic.as_str());
        Refusal { code: RejectCode::NotAllowed, message, id: Some(id) }
    }

    /// Counts a denial. Returns why the client may not do what it has asked for, with a topic or a pattern.
    pub(super) fn no_right(&mut self, right: Right, name: &str) -> String {
        self.denials += 1;
        self.missing(right, name)
    }

    /// Why the client may not do this with a topic or a pattern.
    fn missing(&self, right: Right, name: &str) -> String {
        let verb = match right {
            Right::Publish => "publish to",
            Right::Subscribe => "subscribe to",
            Right::Presence => "be present at, or watch,",
            Right::History => "read the past of",
            Right::Moderate => "moderate",
        };
        if self.is_unknown() {
            return format!("no right to {verb} `{name}`: sign in first");
        }
        format!("no right to {verb} `{name}`: the credential must allow it")
    }

    /// How often the client has asked for something that its rights do not cover, since the last call. Each topic of a
    /// tally counts. What ends because its rights have changed does not: the client has not asked. Neither does a
    /// delete that the store refuses: its owner has the store's answer, with the reason.
    pub fn take_denials(&mut self) -> u32 {
        std::mem::take(&mut self.denials)
    }

    /// How many deletes the server has refused since the last call because they named a stream that does not exist. The
    /// store has not seen them, so its owner has no other sign of them.
    pub fn take_deletes_not_found(&mut self) -> u32 {
        std::mem::take(&mut self.deletes_not_found)
    }

    /// Whether the authority has not granted anything yet.
    pub(super) fn is_unknown(&self) -> bool {
        self.options.has_authority && self.credential.subject.is_none()
    }

    /// Checks a subscription. Returns whether it starts in the past, and may read that.
    ///
    /// Without the right to read the past, a subscription that resumes goes on at the head; one that asks for the past
    /// is refused.
    pub(super) fn check_subscribe(
        &mut self,
        pattern: &Pattern,
        start: &Start,
    ) -> Result<Past, String> {
        let rights = self.credential.rights.clone();
        if rights.are_all() {
            return Ok(Past::Readable);
        }
        if !rights.cover(Right::Subscribe, pattern) {
            return Err(self.no_right(Right::Subscribe, pattern.as_str()));
        }
        match start {
            Start::Latest => Ok(Past::NotWanted),
            _ if rights.cover(Right::History, pattern) => Ok(Past::Readable),
            Start::After(_) => Ok(Past::Forbidden),
            Start::Earliest | Start::Last(_) => {
                Err(self.no_right(Right::History, pattern.as_str()))
            }
        }
    }

    /// Applies changed rights to what the client has: ends what it may no longer do.
    pub(super) fn rights_changed(&mut self) {
        self.forget_publish_rights();
        let rights = self.credential.rights.clone();
        if rights.are_all() {
            return;
        }
        self.retain_waiting(|right, topic| rights.allow(right, topic));
        let ends = self.subscriptions.select(|pattern, past| {
            let right = if past == Past::Readable { Right::History } else { Right::Subscribe };
            let is_covered =
                rights.cover(Right::Subscribe, pattern) && rights.cover(right, pattern);
            (!is_covered).then(|| pattern.clone())
        });
        for (subscription, pattern) in ends {
            let right = if rights.cover(Right::Subscribe, &pattern) {
                Right::History
            } else {
                Right::Subscribe
            };
            let message = self.missing(right, pattern.as_str());
            self.refuse(subscription, pattern.as_str(), RejectCode::NotAllowed, message);
            self.unsubscribe(subscription);
        }
        for topic in self.presence_state.leave_unless(|it| rights.allow(Right::Presence, it)) {
            let message = self.missing(Right::Presence, topic.as_str());
            self.deny(topic.to_string(), RejectCode::NotAllowed, message);
            self.emit(Effect::Leave(topic.clone()));
            self.effects.push_back(Effect::Unwatch(topic));
        }
    }
}

/// Whether a subscription reads what was logged before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Past {
    /// It starts at the head.
    NotWanted,
    /// It reads the past.
    Readable,
    /// It would, but continues at the head.
    Forbidden,
}
