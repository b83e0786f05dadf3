//! Notices of the bus on its own topics.

use bus::Notice;
use serde::Deserialize;

use crate::Payload;

/// The topic that reports new subscriptions, as [`Subscribed`].
pub const SUBSCRIBED_TOPIC: &str = "$bus.subscribed";
/// The topic that reports ended subscriptions, as [`Subscribed`].
pub const UNSUBSCRIBED_TOPIC: &str = "$bus.unsubscribed";
/// The topic that reports events dropped by full queues, as [`Dropped`]. Dropped events of the runtime are not
/// reported; [`Queue::dropped`](crate::Queue::dropped) counts them.
pub const DROPPED_TOPIC: &str = "$bus.dropped";

/// The payload of the events on [`SUBSCRIBED_TOPIC`] and [`UNSUBSCRIBED_TOPIC`]. JavaScript reads the same
/// fields.
///
/// ```no_run
/// use event_driven_kit::Bus;
/// use event_driven_kit::notice::{SUBSCRIBED_TOPIC, Subscribed};
///
/// let bus = Bus::new();
/// let _log = bus.subscribe(SUBSCRIBED_TOPIC, |event| {
///     let Subscribed { pattern, label } = &*event.data()?;
///     println!("{label} subscribes to {pattern}");
///     Ok(())
/// })?;
/// # Ok::<(), event_driven_kit::TopicError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Subscribed {
    /// The pattern of the subscription.
    pub pattern: String,
    /// Its label, which is its pattern by default.
    pub label: String,
}

/// The payload of the events on [`DROPPED_TOPIC`]. JavaScript reads the same fields.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Dropped {
    /// The topic of the event that arrived at the full queue.
    pub topic: String,
    /// The subscription's label, which is its pattern by default.
    pub label: String,
}

/// The object that JavaScript and Rust read, so that the module contains no second form.
pub(crate) fn payload(notice: &Notice) -> Option<Payload> {
    let (name, text, label) = match notice {
        Notice::Subscribed { pattern, label } | Notice::Unsubscribed { pattern, label } => {
            ("pattern", pattern.as_str(), label)
        }
        Notice::Dropped { topic, label } => ("topic", topic.as_str(), label),
        _ => return None,
    };
    Some(Payload::report(&[(name, text.into()), ("label", (&**label).into())]))
}
