//! The kinds of frames, each with its number on the wire.

/// The kind of a frame: the first item of its array. Numbers are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)] // each is described at its frame
pub enum FrameKind {
    Hello = 0,
    Welcome = 1,
    Subscribe = 2,
    Subscribed = 3,
    Refused = 4,
    Unsubscribe = 5,
    Publish = 6,
    Ack = 7,
    Reject = 8,
    Event = 9,
    CaughtUp = 10,
    Gap = 11,
    Credit = 12,
    Ping = 13,
    Pong = 14,
    Bye = 15,
    Refresh = 16,
    History = 17,
    Join = 18,
    Leave = 19,
    Watch = 20,
    Unwatch = 21,
    Expiring = 22,
    Page = 23,
    Present = 24,
    Presence = 25,
    NotPresent = 26,
    Denied = 27,
    Delete = 28,
    Deleted = 29,
    Tally = 30,
    Tallied = 31,
    ChangedRights = 32,
}

impl FrameKind {
    /// All kinds of this version, by number.
    pub const ALL: [Self; 33] = [
        Self::Hello,
        Self::Welcome,
        Self::Subscribe,
        Self::Subscribed,
        Self::Refused,
        Self::Unsubscribe,
        Self::Publish,
        Self::Ack,
        Self::Reject,
        Self::Event,
        Self::CaughtUp,
        Self::Gap,
        Self::Credit,
        Self::Ping,
        Self::Pong,
        Self::Bye,
        Self::Refresh,
        Self::History,
        Self::Join,
        Self::Leave,
        Self::Watch,
        Self::Unwatch,
        Self::Expiring,
        Self::Page,
        Self::Present,
        Self::Presence,
        Self::NotPresent,
        Self::Denied,
        Self::Delete,
        Self::Deleted,
        Self::Tally,
        Self::Tallied,
        Self::ChangedRights,
    ];

    /// The highest number of this version. Receivers skip frames with a higher one.
    pub const LAST: u64 = Self::ChangedRights.number();

    /// The highest number of version 1. A peer names the kinds beyond it that it supports.
    pub(crate) const LAST_OF_VERSION_1: u64 = Self::NotPresent.number();

    /// The kinds of clients' frames beyond version 1 that peers of this version support.
    pub(crate) const LATER: [Self; 2] = [Self::Delete, Self::Tally];

    /// The number on the wire.
    pub const fn number(self) -> u64 {
        self as u64
    }

    /// The kind with this number, if this version knows it.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }
}
