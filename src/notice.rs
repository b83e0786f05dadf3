//! What the bus tells of itself on its own topics, while somebody listens there.

use bus::Notice;
use serde::Deserialize;

use crate::Payload;
use crate::bus::{ECHO, ECHO_BEFORE};

/// Where it is told that a subscription has come, as [`Subscribed`].
pub const SUBSCRIBED_TOPIC: &str = "$bus.subscribed";
/// Where it is told that a subscription has ended, as [`Subscribed`].
pub const UNSUBSCRIBED_TOPIC: &str = "$bus.unsubscribed";
/// Where it is told that a queue was full and an event was dropped, as [`Dropped`]. Of a dropped event of
/// the runtime nothing is told; [`Queue::dropped`](crate::Queue::dropped) counts it.
pub const DROPPED_TOPIC: &str = "$bus.dropped";

/// The payload of the events on [`SUBSCRIBED_TOPIC`] and [`UNSUBSCRIBED_TOPIC`]. JavaScript reads the same
/// fields.
///
/// ```no_run
/// use event_driven_kit::{Bus, SUBSCRIBED_TOPIC, Subscribed};
///
/// let bus = Bus::new();
/// let _log = bus.subscribe(SUBSCRIBED_TOPIC, |event| {
///     let Subscribed { pattern, label } = &*event.data()?;
///     println!("{label} asks for {pattern}");
///     Ok(())
/// })?;
/// # Ok::<(), event_driven_kit::TopicError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Subscribed {
    /// What the subscription asks for.
    pub pattern: String,
    /// Its label; its pattern, if it was given none.
    pub label: String,
}

/// The payload of the events on [`DROPPED_TOPIC`]. JavaScript reads the same fields.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Dropped {
    /// Of the event that found the queue full.
    pub topic: String,
    /// The subscription's label; its pattern, if it was given none.
    pub label: String,
}

/// The object that JavaScript reads; Rust reads it too, so that a module downloads nothing else for this.
/// A subscription's second half, for echo, is not one of the application.
pub(crate) fn payload(notice: &Notice) -> Option<Payload> {
    let (name, text, label) = match notice {
        Notice::Subscribed { pattern, label } | Notice::Unsubscribed { pattern, label } => {
            ("pattern", pattern.as_str(), label)
        }
        Notice::Dropped { topic, label } => ("topic", topic.as_str(), label),
        _ => return None,
    };
    if text.starts_with(ECHO) || text.starts_with(ECHO_BEFORE) {
        return None;
    }
    Some(Payload::told(&[(name, text.into()), ("label", (&**label).into())]))
}
