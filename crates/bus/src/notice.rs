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

impl Notice {
    /// The topic on which it is published.
    pub fn topic(&self) -> &'static str {
        match self {
            Self::Subscribed { .. } => "$bus.subscribed",
            Self::Unsubscribed { .. } => "$bus.unsubscribed",
            Self::Dropped { .. } => "$bus.dropped",
        }
    }
}
