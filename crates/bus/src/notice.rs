//! Notices of the runtime on its own topics.

use std::rc::Rc;

use crate::{Pattern, Topic};

/// Something that happened in the bus. [`Payload::notice`](crate::Payload::notice) creates the event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// On `$bus.subscribed`: a subscription has begun.
    Subscribed {
        /// Its pattern.
        pattern: Pattern,
        /// Its label, which is its pattern by default.
        label: Rc<str>,
    },
    /// On `$bus.unsubscribed`: a subscription has ended.
    Unsubscribed {
        /// Its pattern.
        pattern: Pattern,
        /// Its label, which is its pattern by default.
        label: Rc<str>,
    },
    /// On `$bus.dropped`: the full queue of a subscription has dropped an event.
    Dropped {
        /// The topic of the event that arrived at the full queue.
        topic: Topic,
        /// The label of the subscription.
        label: Rc<str>,
    },
}

/// The topics of all notices.
const TOPICS: [&str; 3] = ["$bus.subscribed", "$bus.unsubscribed", "$bus.dropped"];

impl Notice {
    /// Whether subscriptions to `pattern` receive notices.
    pub(crate) fn is_sent_to(pattern: &Pattern) -> bool {
        let matches = |topic: &str| Topic::parse(topic).is_ok_and(|topic| pattern.matches(&topic));
        pattern.is_system() && TOPICS.iter().any(|topic| matches(topic))
    }

    /// The topic on which it is published.
    pub fn topic(&self) -> &'static str {
        match self {
            Self::Subscribed { .. } => TOPICS[0],
            Self::Unsubscribed { .. } => TOPICS[1],
            Self::Dropped { .. } => TOPICS[2],
        }
    }
}
