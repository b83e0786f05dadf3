//! Close codes and reject codes.

/// The close codes of a connection, in the range that RFC 6455 (7.4.2) leaves to applications. After 4000-4499 a
/// client reconnects; after 4500-4999 it stops, unless it knows what to do about the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
#[non_exhaustive]
pub enum CloseCode {
    /// The peer restarts or shuts down.
    GoingAway = 4000,
    /// The other end was silent for too long.
    Silent = 4001,
    /// The receiver is too slow, or the peer is too busy.
    Overloaded = 4002,
    /// The peer cannot use its store.
    Unavailable = 4003,
    /// The other end has broken the order of events or frames.
    OutOfStep = 4004,
    /// A message violates the grammar, or the order of frames.
    ProtocolError = 4500,
    /// The client requested neither `event-driven-kit.v1` nor `cloudevents.json`.
    UnsupportedSubprotocol = 4501,
    /// A message is larger than the peer accepts.
    MessageTooLarge = 4502,
    /// A newer connection of this client has taken over.
    Fenced = 4503,
    /// The secret does not match the client id, or the proof is not valid.
    Unauthorized = 4504,
    /// A second hello, or a frame before the first one.
    UnexpectedHello = 4505,
    /// Too many publishes are unanswered.
    TooManyUnanswered = 4507,
    /// The credential was refused, or has ended. The client does not retry with the same one.
    CredentialRefused = 4508,
    /// The client's key or account was revoked.
    Revoked = 4509,
    /// The client belongs to a device key that its hello did not prove. It continues as a new client.
    OtherKey = 4510,
}

impl CloseCode {
    /// The number on the wire.
    pub fn code(self) -> u16 {
        self as u16
    }

    /// Whether a client reconnects after a close with `code`: after all codes except 4500-4999.
    pub fn is_reconnect(code: u16) -> bool {
        !(4500..=4999).contains(&code)
    }
}

/// Why an event or a subscription was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectCode {
    /// The topic or the pattern is invalid.
    IllegalTopic = 0,
    /// The event is invalid.
    IllegalEvent = 1,
    /// The event is larger than the peer accepts.
    TooLarge = 2,
    /// The store cannot take it now.
    Unavailable = 3,
    /// An earlier number of this client must be retried first.
    HeldBack = 4,
    /// The number is not above the decided ones, and its outcome was forgotten.
    StaleNumber = 5,
    /// The peer has forgotten this client. The event may or may not be in the log.
    Uncertain = 6,
    /// The connection has this subscription already.
    AlreadySubscribed = 7,
    /// The peer's disk is full. The event may be retried once there is room.
    DiskFull = 8,
    /// The client exceeds a limit on a number of things.
    TooMany = 9,
    /// The client exceeds a rate limit.
    TooFast = 10,
    /// The event expired before it was sent. Only clients use this code, towards their application.
    Expired = 11,
    /// The application cancelled the event before it was sent. Only clients use this code.
    Cancelled = 12,
    /// The client has no right to do this.
    NotAllowed = 13,
    /// The event's signature is wrong.
    BadSignature = 14,
    /// The certificate of the event's key is unknown, or is not valid for it.
    UnknownCertificate = 15,
    /// The event must be signed. Clients use this code, towards their application, for events that they could not sign in
    /// time.
    NotSigned = 16,
    /// There is no such event: its position belongs to another log, or it is no longer in this one.
    NotFound = 17,
    /// A reason that this version does not know. The message explains it.
    Unknown = 255,
}

impl RejectCode {
    /// All codes of this version, by number.
    const ALL: [Self; 18] = [
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
        Self::NotAllowed,
        Self::BadSignature,
        Self::UnknownCertificate,
        Self::NotSigned,
        Self::NotFound,
    ];

    /// The number on the wire.
    pub fn number(self) -> u64 {
        self as u64
    }

    /// The code with this `number`, if this version knows it.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// The code with this [name](Self::name), if this version knows it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
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
            Self::NotAllowed => "not_allowed",
            Self::BadSignature => "bad_signature",
            Self::UnknownCertificate => "unknown_certificate",
            Self::NotSigned => "not_signed",
            Self::NotFound => "not_found",
            Self::Unknown => "unknown",
        }
    }
}

/// How safely an acknowledged event is stored.
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
    /// The durability with this `number`. An unknown one from a later version counts as the highest known one below
    /// it.
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
