//! The frames of presence: who is at a topic.

use crate::RejectCode;

/// Makes the client present at a topic, or gives other data to it. It is so until it leaves, or some
/// seconds after its connection has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// The topic.
    pub topic: String,
    /// Who it is to the others; several clients may be one. An authority that knows better says it.
    pub key: String,
    /// What the application says of it. Opaque to the peer.
    pub data: Vec<u8>,
}

/// A topic that is left, watched or watched no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtTopic {
    /// The topic.
    pub topic: String,
}

/// All who are present at a topic: the first answer to a watch, and in place of what was told before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The topic.
    pub topic: String,
    /// Who is there.
    pub entries: Vec<Attendee>,
}

/// How those who are present at a topic have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The topic.
    pub topic: String,
    /// Who came; one whose id is known has another key or data now.
    pub joined: Vec<Attendee>,
    /// The ids of those who left.
    pub left: Vec<u64>,
}

/// One client that is present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendee {
    /// Names it at this topic, and no other after it.
    pub id: u64,
    /// As in [`Join`].
    pub key: String,
    /// As in [`Join`].
    pub data: Vec<u8>,
}

/// A client cannot be present at a topic, or watch it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotPresent {
    /// The topic, as it was said.
    pub topic: String,
    /// Why.
    pub code: RejectCode,
    /// The same in words.
    pub message: String,
}
