//! Close codes and reject codes.

/// The only list of the close codes, in the order of their numbers.
macro_rules! close_codes {
    ($($(#[$doc:meta])+ $code:ident = $number:literal;)+) => {
        /// The close codes of a connection, in the range that RFC 6455 (7.4.2) leaves to applications. After 4000-4499
        /// a client reconnects; after 4500-4999 it stops, unless it knows what to do about the code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum CloseCode {
            $($(#[$doc])+ $code = $number,)+
        }

        impl CloseCode {
            /// All codes of this version, by number.
            pub const ALL: [Self; [$($number),+].len()] = [$(Self::$code),+];
        }
    };
}

close_codes! {
    /// The peer restarts or shuts down.
    GoingAway = 4000;
    /// The other end was silent for too long.
    Silent = 4001;
    /// The receiver is too slow, or the peer is too busy.
    Overloaded = 4002;
    /// The peer cannot use its store.
    Unavailable = 4003;
    /// The other end has broken the order of events or frames.
    OutOfStep = 4004;
    /// A message violates the grammar, or the order of frames.
    ProtocolError = 4500;
    /// The client requested neither `event-driven-kit.v1` nor `cloudevents.json`.
    UnsupportedSubprotocol = 4501;
    /// A message is larger than the peer accepts.
    MessageTooLarge = 4502;
    /// A newer connection of this client has taken over.
    Fenced = 4503;
    /// The secret does not match the client id, or the proof is not valid.
    Unauthorized = 4504;
    /// A second hello, or a frame before the first one.
    UnexpectedHello = 4505;
    /// Too many publishes are unanswered.
    TooManyUnanswered = 4507;
    /// The credential was refused, or has ended. The client does not retry with the same one.
    CredentialRefused = 4508;
    /// The client's key or account was revoked.
    Revoked = 4509;
    /// The client belongs to a device key that its hello did not prove. It continues as a new client.
    OtherKey = 4510;
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

/// The only list of the reject codes: in the order of their numbers, each with its name in JSON. The last one stands
/// for all codes of later versions.
macro_rules! reject_codes {
    ($($(#[$doc:meta])+ $code:ident = $number:literal, $name:literal;)+) => {
        /// Why an event or a subscription was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum RejectCode {
            $($(#[$doc])+ $code = $number,)+
        }

        impl RejectCode {
            /// All codes of this version, by number, and [`Unknown`](Self::Unknown).
            pub const ALL: [Self; [$($number),+].len()] = [$(Self::$code),+];

            /// The name in JSON.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                }
            }
        }
    };
}

reject_codes! {
    /// The topic or the pattern is invalid.
    IllegalTopic = 0, "illegal_topic";
    /// The event is invalid.
    IllegalEvent = 1, "illegal_event";
    /// The event is larger than the peer accepts.
    TooLarge = 2, "too_large";
    /// The store cannot take it now.
    Unavailable = 3, "unavailable";
    /// An earlier number of this client must be retried first.
    HeldBack = 4, "held_back";
    /// The number is not above the decided ones, and its outcome was forgotten.
    StaleNumber = 5, "stale_number";
    /// The peer has forgotten this client. The event may or may not be in the log.
    Uncertain = 6, "uncertain";
    /// The connection has this subscription already.
    AlreadySubscribed = 7, "already_subscribed";
    /// The peer's disk is full. The event may be retried once there is room.
    DiskFull = 8, "disk_full";
    /// The client exceeds a limit on a number of things.
    TooMany = 9, "too_many";
    /// The client exceeds a rate limit.
    TooFast = 10, "too_fast";
    /// The event expired before it was sent. Only clients use this code, towards their application.
    Expired = 11, "expired";
    /// The application cancelled the event before it was sent. Only clients use this code.
    Cancelled = 12, "cancelled";
    /// The client has no right to do this.
    NotAllowed = 13, "not_allowed";
    /// The event's signature is wrong.
    BadSignature = 14, "bad_signature";
    /// The certificate of the event's key is unknown, or is not valid for it.
    UnknownCertificate = 15, "unknown_certificate";
    /// The event must be signed. Clients use this code, towards their application, for events that they could not sign
    /// in time.
    NotSigned = 16, "not_signed";
    /// There is no such event: its position belongs to another log, or it is no longer in this one.
    NotFound = 17, "not_found";
    /// A reason that this version does not know. The message explains it.
    Unknown = 255, "unknown";
}

impl RejectCode {
    /// The number on the wire.
    pub fn number(self) -> u64 {
        self as u64
    }

    /// The code with this `number`, if this version knows it.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::known().find(|code| code.number() == number)
    }

    /// The code with this [name](Self::name), if this version knows it.
    pub fn named(name: &str) -> Option<Self> {
        Self::known().find(|code| code.name() == name)
    }

    fn known() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|code| *code != Self::Unknown)
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
    fn a_reject_code_has_a_number_and_a_name_of_its_own() {
        let known: Vec<_> = RejectCode::known().collect();
        for (number, code) in (0..).zip(&known) {
            assert_eq!(code.number(), number);
            assert_eq!(RejectCode::from_number(number), Some(*code));
            assert_eq!(RejectCode::named(code.name()), Some(*code));
        }
        assert_eq!(RejectCode::from_number(known.len() as u64), None);
        assert_eq!(RejectCode::ALL.last(), Some(&RejectCode::Unknown));
        assert_eq!(RejectCode::ALL.len(), known.len() + 1);
        let unknown = RejectCode::Unknown;
        assert_eq!(RejectCode::from_number(unknown.number()), None);
        assert_eq!(RejectCode::named(unknown.name()), None);
    }
}
