//! What the runtime tells of itself on its own topics, while somebody listens there.

use std::rc::Rc;

use crate::{Pattern, Topic};

/// Something has happened in the bus; [`Payload::notice`](crate::Payload::notice) makes an event of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// On `$bus.subscribed`: a subscription has come.
    Subscribed {
        /// What it asks for.
        pattern: Pattern,
        /// What it is called; its pattern, if it was given no label.
        label: Rc<str>,
    },
    /// On `$bus.unsubscribed`: a subscription has ended.
    Unsubscribed {
        /// What it asked for.
        pattern: Pattern,
        /// What it was called.
        label: Rc<str>,
    },
    /// On `$bus.dropped`: an event found the queue of a subscription full, and one was dropped.
    Dropped {
        /// Of the event that found it full.
        topic: Topic,
        /// The subscription.
        label: Rc<str>,
    },
}

/// The topics of all notices.
const TOPICS: [&str; 3] = ["$bus.subscribed", "$bus.unsubscribed", "$bus.dropped"];

impl Notice {
    /// Whether who subscribes to `pattern` is told some of them.
    pub(crate) fn is_told_to(pattern: &Pattern) -> bool {
        let is_told = |topic: &str| Topic::parse(topic).is_ok_and(|topic| pattern.matches(&topic));
        pattern.is_system() && TOPICS.iter().any(|topic| is_told(topic))
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
