//! The frames of presence: the occupants of a topic.

use crate::RejectCode;

/// Joins a topic, or changes the member's key or data. The client stays a member until it leaves, or until a grace
/// period after its connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// The topic.
    pub topic: String,
    /// The key under which others see the client. Several clients may share one. An authority may override it.
    pub key: String,
    /// The application's data. Opaque to the peer.
    pub data: Vec<u8>,
}

/// A topic to leave, watch or unwatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtTopic {
    /// The topic.
    pub topic: String,
}

/// The full list of members of a topic: the first response to a watch, or a replacement for all that was sent before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The topic.
    pub topic: String,
    /// The members.
    pub entries: Vec<Attendee>,
}

/// A change among the members of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The topic.
    pub topic: String,
    /// Members that came. If the id is known, the key or the data has changed.
    pub joined: Vec<Attendee>,
    /// The ids of the members that left.
    pub left: Vec<u64>,
}

/// A member of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendee {
    /// Unique at this topic, and never reused there.
    pub id: u64,
    /// See [`Join::key`].
    pub key: String,
    /// See [`Join::data`].
    pub data: Vec<u8>,
}

/// The client cannot join or watch a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotPresent {
    /// The topic as the client wrote it.
    pub topic: String,
    /// The reason.
    pub code: RejectCode,
    /// The reason in words.
    pub message: String,
}
