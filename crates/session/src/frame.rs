//! The frames of the subprotocol `event-driven-kit.v1`; `session.cddl` is their grammar.
//!
//! A WebSocket message is a CBOR sequence (RFC 8742) of frames. A frame is an array of its kind and a
//! map with integer keys, of which unknown ones are ignored.

use minicbor::{Decoder, Encode};

use crate::decode;
use crate::event::{Position, Start, write};
use crate::{Durability, RejectCode};

/// The WebSocket subprotocol in which these frames are spoken.
pub const SUBPROTOCOL: &str = "event-driven-kit.v1";

/// One frame, in either direction.
#[derive(Debug, Clone, PartialEq, Encode)]
#[cbor(flat)]
#[allow(missing_docs)] // each variant is its struct
pub enum Frame {
    #[n(0)]
    Hello(#[n(0)] Hello),
    #[n(1)]
    Welcome(#[n(0)] Welcome),
    #[n(2)]
    Subscribe(#[n(0)] Subscribe),
    #[n(3)]
    Subscribed(#[n(0)] Subscribed),
    #[n(4)]
    Refused(#[n(0)] Refused),
    #[n(5)]
    Unsubscribe(#[n(0)] Unsubscribe),
    #[n(6)]
    Publish(#[n(0)] Publish),
    #[n(7)]
    Ack(#[n(0)] Ack),
    #[n(8)]
    Reject(#[n(0)] Reject),
    #[n(9)]
    Event(#[n(0)] Event),
    #[n(10)]
    CaughtUp(#[n(0)] CaughtUp),
    #[n(11)]
    Gap(#[n(0)] Gap),
    #[n(12)]
    Credit(#[n(0)] Credit),
    #[n(13)]
    Ping(#[n(0)] Ping),
    #[n(14)]
    Pong(#[n(0)] Ping),
    #[n(15)]
    Bye(#[n(0)] Bye),
}

/// The first frame of a client: who it is, and proof of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Hello {
    /// The client's public id.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub client: [u8; 16],
    /// Proves the id. The peer keeps its hash only.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub secret: [u8; 32],
    /// The fencing token: higher than that of any connection of this client before.
    #[n(2)]
    pub fence: u64,
    /// The lowest number that the client has no answer for; the peer forgets outcomes below it.
    #[n(3)]
    pub lowest: u64,
    /// Whether a peer has welcomed this client before, so that being unknown means being forgotten.
    #[n(4)]
    #[cbor(skip_if = "is_false")]
    pub returning: bool,
}

/// The answer to [`Hello`].
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Welcome {
    /// The peer's id, as it stands on the path of events.
    #[n(0)]
    pub peer: String,
    /// The highest number of this client that has been decided; 0 if none.
    #[n(1)]
    pub highest: u64,
    /// The id of the event that had it.
    #[n(2)]
    pub highest_id: Option<String>,
    /// After so many milliseconds of silence the peer pings.
    #[n(3)]
    pub heartbeat: u32,
    /// The most bytes of a message that the peer takes.
    #[n(4)]
    pub max_message: u32,
    /// The peer does not know a client that says it is returning.
    #[n(5)]
    #[cbor(skip_if = "is_false")]
    pub forgotten: bool,
}

/// Asks for events.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Subscribe {
    /// The subscription's number on this connection, chosen by the client and not used twice.
    #[n(0)]
    pub subscription: u32,
    /// The pattern.
    #[n(1)]
    pub pattern: String,
    /// Where to start.
    #[n(2)]
    pub start: Start,
}

/// A subscription stands, or its position does not.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Subscribed {
    /// Its number.
    #[n(0)]
    pub subscription: u32,
    /// The head of the log: the position of the last event in it.
    #[n(1)]
    pub head: Position,
    /// The position asked for is of another log or of another life of this one. The subscription has
    /// ended; what was read under that position may not be what the log holds.
    #[n(2)]
    #[cbor(skip_if = "is_false")]
    pub reset: bool,
}

/// A subscription was not made.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Refused {
    /// Its number.
    #[n(0)]
    pub subscription: u32,
    /// Why.
    #[n(1)]
    pub code: RejectCode,
    /// The same in words.
    #[n(2)]
    pub message: String,
}

/// Ends a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Unsubscribe {
    /// Its number.
    #[n(0)]
    pub subscription: u32,
}

/// Publishes an event.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Publish {
    /// Ascends among a client's durable events. An event without one is ephemeral.
    #[n(0)]
    pub number: Option<u64>,
    /// The topic's number in this direction of this connection.
    #[n(1)]
    pub topic: u32,
    /// The topic itself, the first time.
    #[n(2)]
    pub name: Option<String>,
    /// A [`Body`](crate::Body).
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    pub body: Vec<u8>,
    /// As in [`Hello`].
    #[n(4)]
    pub lowest: Option<u64>,
}

/// A durable event is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Ack {
    /// Its number.
    #[n(0)]
    pub number: u64,
    /// Where it stands.
    #[n(1)]
    pub position: Position,
    /// How safely.
    #[n(2)]
    pub durability: Durability,
}

/// A durable event is not in the log.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Reject {
    /// Its number.
    #[n(0)]
    pub number: u64,
    /// Why.
    #[n(1)]
    pub code: RejectCode,
    /// The same in words.
    #[n(2)]
    pub message: String,
    /// If present, the same event may be taken after so many milliseconds, and the client's higher
    /// numbers wait for it. If absent, this is final.
    #[n(3)]
    pub retry: Option<u32>,
}

/// An event for some of the receiver's subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Event {
    /// The topic's number in this direction of this connection.
    #[n(0)]
    pub topic: u32,
    /// The topic itself, the first time.
    #[n(1)]
    pub name: Option<String>,
    /// The subscriptions that it matches.
    #[n(2)]
    pub heads: Vec<Head>,
    /// Its offset; absent if it is ephemeral.
    #[n(3)]
    pub offset: Option<u64>,
    /// A [`Body`](crate::Body).
    #[n(4)]
    #[cbor(with = "minicbor::bytes")]
    pub body: Vec<u8>,
}

/// A subscription that an event matches, and where it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode)]
pub struct Head {
    /// Its number.
    #[n(0)]
    pub subscription: u32,
    /// The offset up to which it has been told everything: a receiver elsewhere sees a hole.
    #[n(1)]
    pub previous: Option<u64>,
}

/// What was there when a subscription started has been sent; what follows is live.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct CaughtUp {
    /// Its number.
    #[n(0)]
    pub subscription: u32,
    /// How many events that were.
    #[n(1)]
    pub count: u64,
    /// The position up to which everything has been told.
    #[n(2)]
    pub head: Position,
}

/// A range is gone from the log.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Gap {
    /// The subscription that asked for it.
    #[n(0)]
    pub subscription: u32,
    /// The first offset that is gone.
    #[n(1)]
    pub from: u64,
    /// The last one.
    #[n(2)]
    pub to: u64,
}

/// What the receiver of a subscription can take beyond what it was granted before.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Credit {
    /// The subscription.
    #[n(0)]
    pub subscription: u32,
    /// Events.
    #[n(1)]
    pub events: u32,
    /// Bytes of bodies.
    #[n(2)]
    pub bytes: u32,
}

/// Asks for a sign of life, which carries the same number.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Ping {
    /// Chosen by who asks.
    #[n(0)]
    pub number: u32,
}

/// The connection is about to be closed.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Bye {
    /// The close code that follows.
    #[n(0)]
    pub code: u16,
    /// Why.
    #[n(1)]
    pub message: String,
    /// Stay away for so many milliseconds.
    #[n(2)]
    pub retry: Option<u32>,
}

/// Bytes are not what the grammar asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the frame at byte {at} of the message is not as the grammar of {SUBPROTOCOL} asks")]
pub struct DecodeError {
    at: usize,
}

impl Frame {
    /// Appends this frame to a message.
    pub fn encode(&self, message: &mut Vec<u8>) {
        write(self, message);
    }

    /// The frames of a message, one by one; after an error there is no next.
    pub fn decode(message: &[u8]) -> impl Iterator<Item = Result<Self, DecodeError>> {
        let mut decoder = Decoder::new(message);
        let mut failed = false;
        std::iter::from_fn(move || {
            if failed || decoder.position() >= message.len() {
                return None;
            }
            let at = decoder.position();
            Some(decode::frame(&mut decoder).map_err(|decode::Malformed| {
                failed = true;
                DecodeError { at }
            }))
        })
    }
}

/// A flag that is off is left out of the map.
fn is_false(flag: &bool) -> bool {
    !flag
}
