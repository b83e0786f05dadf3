//! Why connections end and events are refused: the close codes and the reject codes, each named once.

/// The close codes of the WebSocket (RFC 6455, 7.4.2, leaves 4000-4999 to applications), in two
/// ranges: after 4000-4499 a client connects again, after 4500-4999 it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
#[non_exhaustive]
pub enum CloseCode {
    /// The peer restarts or shuts down.
    GoingAway = 4000,
    /// Nothing was heard for too long.
    Silent = 4001,
    /// The receiver does not keep up, or the peer is too busy.
    Overloaded = 4002,
    /// The peer cannot use its store.
    Unavailable = 4003,
    /// The other end has lost its place in what was sent.
    OutOfStep = 4004,
    /// A message breaks the grammar or the order of frames.
    ProtocolError = 4500,
    /// Neither `event-driven-kit.v1` nor `cloudevents.json` was asked for.
    UnsupportedSubprotocol = 4501,
    /// A message is larger than the peer takes.
    MessageTooLarge = 4502,
    /// A newer connection of this client has taken over.
    Fenced = 4503,
    /// The secret is not this client's.
    Unauthorized = 4504,
    /// A second hello, or a frame before the first.
    UnexpectedHello = 4505,
    /// More publishes without an answer than may be.
    TooManyUnanswered = 4507,
    /// The credential is refused, or has ended: there is no next try with the same one.
    CredentialRefused = 4508,
}

impl CloseCode {
    /// The number on the wire.
    pub fn code(self) -> u16 {
        self as u16
    }

    /// Whether a client that is closed with `code` connects again: all codes but 4500-4999 say so.
    pub fn is_reconnect(code: u16) -> bool {
        !(4500..=4999).contains(&code)
    }
}

/// Why an event or a subscription is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectCode {
    /// The topic or the pattern breaks the rules.
    IllegalTopic = 0,
    /// The event breaks the rules.
    IllegalEvent = 1,
    /// The event is larger than the peer takes.
    TooLarge = 2,
    /// The store cannot take it now.
    Unavailable = 3,
    /// A lower number of this client waits to be sent again.
    HeldBack = 4,
    /// The number is not above those that were decided, and its outcome is forgotten.
    StaleNumber = 5,
    /// The peer has forgotten this client: the event may be in the log or not.
    Uncertain = 6,
    /// The same subscription stands already.
    AlreadySubscribed = 7,
    /// The peer's disk is full: it may be taken once there is room.
    DiskFull = 8,
    /// More at one time than the peer takes.
    TooMany = 9,
    /// Faster than the peer takes it.
    TooFast = 10,
    /// It was not sent before it expired. Only a client says so, to its application.
    Expired = 11,
    /// The application took it back before it was sent. Only a client says so.
    Cancelled = 12,
    /// A reason that this version does not know; the message has it in words.
    Unknown = 255,
}

impl RejectCode {
    /// All codes of this version, by their numbers.
    const ALL: [Self; 13] = [
        Self::IllegalTopic,
        Self::IllegalEvent,
        Self::TooLarge,
        Self::Unavailable,
        Self::HeldBack,
        Self::StaleNumber,
        Self::Uncertain,
        Self::AlreadySubscribed,
        Self::DiskFull,
        Self::TooMany,
        Self::TooFast,
        Self::Expired,
        Self::Cancelled,
    ];

    /// The number on the wire.
    pub fn number(self) -> u64 {
        self as u64
    }

    /// The code that has `number` on the wire, if this version knows it.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::IllegalTopic => "illegal_topic",
            Self::IllegalEvent => "illegal_event",
            Self::TooLarge => "too_large",
            Self::Unavailable => "unavailable",
            Self::HeldBack => "held_back",
            Self::StaleNumber => "stale_number",
            Self::Uncertain => "uncertain",
            Self::AlreadySubscribed => "already_subscribed",
            Self::TooMany => "too_many",
            Self::DiskFull => "disk_full",
            Self::TooFast => "too_fast",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }
}

/// How safely an acknowledged event is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// In the peer's memory.
    Memory = 0,
    /// Synced to its disk.
    Disk = 1,
    /// On several peers.
    Replicated = 2,
}

impl Durability {
    /// The durability that has `number` on the wire. One of a later version counts as the highest known one
    /// below it.
    pub(crate) fn from_number(number: u64) -> Self {
        match number {
            0 => Self::Memory,
            1 => Self::Disk,
            _ => Self::Replicated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reject_code_stands_at_its_number() {
        for (number, code) in (0..).zip(RejectCode::ALL) {
            assert_eq!(code as u64, number);
        }
        assert_eq!(RejectCode::from_number(RejectCode::ALL.len() as u64), None);
    }
}
