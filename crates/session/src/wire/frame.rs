//! The frames of the subprotocol `event-driven-kit.v1`; `session.cddl` is their grammar.
//!
//! A WebSocket message is a CBOR sequence (RFC 8742) of frames. A frame is an array of its kind and a
//! map with integer keys, of which unknown ones are ignored. Frames of unknown kinds are skipped.

mod presence;

use std::fmt;

use super::body::{Position, Start, Stream};
use super::codes::{Durability, RejectCode};
pub use presence::{AtTopic, Attendee, Join, NotPresent, Presence, Present};

/// The WebSocket subprotocol in which these frames are spoken.
pub const SUBPROTOCOL: &str = "event-driven-kit.v1";

/// A frame that a client sends.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // each variant is its struct
pub enum FromClient {
    Hello(Hello),
    Subscribe(Subscribe),
    /// A subscription with a start of a later version: it is refused.
    UnknownStart(Unsubscribe),
    Unsubscribe(Unsubscribe),
    Publish(Publish),
    Credit(Credit),
    Ping(Ping),
    Pong(Ping),
    Refresh(Refresh),
    History(History),
    Join(Join),
    Leave(AtTopic),
    Watch(AtTopic),
    Unwatch(AtTopic),
}

/// A frame that a peer sends.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // each variant is its struct
pub enum FromPeer {
    Welcome(Welcome),
    Subscribed(Subscribed),
    Refused(Refused),
    Ack(Ack),
    Reject(Reject),
    Event(Event),
    CaughtUp(CaughtUp),
    Gap(Gap),
    Ping(Ping),
    Pong(Ping),
    Bye(Bye),
    Expiring(Expiring),
    Page(HistoryPage),
    Present(Present),
    Presence(Presence),
    NotPresent(NotPresent),
}

/// The first frame of a client: who it is, and proof of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Hello {
    /// The client's public id.
    pub client: [u8; 16],
    /// Proves the id. The peer keeps its hash only.
    pub secret: [u8; 32],
    /// The fencing token: higher than that of any connection of this client before.
    pub fence: u64,
    /// The lowest number that the client has no answer for; the peer forgets outcomes below it.
    pub lowest: u64,
    /// Whether events may have left before, so that being unknown means being forgotten.
    pub returning: bool,
    /// What the peer's authority asks for, if it asks.
    pub token: Option<String>,
}

/// The answer to [`Hello`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The peer's id, as it stands on the path of events.
    pub peer: String,
    /// The highest number of this client that has been decided; 0 if none.
    pub highest: u64,
    /// The id of the event that had it.
    pub highest_id: Option<String>,
    /// After so many milliseconds of silence the peer pings.
    pub heartbeat: u32,
    /// The most bytes of a message that the peer takes.
    pub max_message: u32,
    /// The peer does not know a client that says it is returning.
    pub forgotten: bool,
    /// The kinds of frames beyond version 1 that the peer takes: it skips all others.
    pub kinds: Vec<u64>,
}

/// Asks for events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// The subscription's number on this connection, chosen by the client and not used twice.
    pub subscription: u32,
    /// The pattern.
    pub pattern: String,
    /// Where to start.
    pub start: Start,
    /// What the receiver can take at first: events, and bytes of bodies. Without it there is no limit.
    pub credit: Option<(u32, u32)>,
}

/// A subscription stands, or its position does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribed {
    /// Its number.
    pub subscription: u32,
    /// The head of a stream: the position of the last event in it.
    pub head: Position,
    /// The positions asked for in the streams named here are of another log or of another life of this one.
    /// The subscription has ended; what was read under those positions may not be what the log holds.
    pub reset: bool,
    /// The heads of the other streams.
    pub others: Vec<Position>,
}

/// A subscription was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its number.
    pub subscription: u32,
    /// Why.
    pub code: RejectCode,
    /// The same in words.
    pub message: String,
}

/// Ends a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    /// Its number.
    pub subscription: u32,
}

/// Publishes an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Ascends among a client's durable events. An event without one is ephemeral.
    pub number: Option<u64>,
    /// The topic's number in this direction of this connection.
    pub topic: u32,
    /// The topic itself, the first time.
    pub name: Option<String>,
    /// A [`Body`](crate::Body).
    pub body: Vec<u8>,
    /// As in [`Hello`].
    pub lowest: Option<u64>,
}

/// A durable event is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Its number.
    pub number: u64,
    /// Where it stands.
    pub position: Position,
    /// How safely.
    pub durability: Durability,
}

/// A durable event is not in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Its number.
    pub number: u64,
    /// Why.
    pub code: RejectCode,
    /// The same in words.
    pub message: String,
    /// If present, the same event may be taken after so many milliseconds, and the client's higher
    /// numbers wait for it. If absent, this is final.
    pub retry: Option<u32>,
}

/// An event for some of the receiver's subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The topic's number in this direction of this connection.
    pub topic: u32,
    /// The topic itself, the first time.
    pub name: Option<String>,
    /// The subscriptions that it matches.
    pub recipients: Vec<Recipient>,
    /// Its offset; absent if it is ephemeral.
    pub offset: Option<u64>,
    /// A [`Body`](crate::Body).
    pub body: Vec<u8>,
    /// The stream of its offset.
    pub stream: Stream,
}

/// A subscription that an event matches, and where it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient {
    /// Its number.
    pub subscription: u32,
    /// The offset up to which it has been told everything: a receiver elsewhere sees a hole.
    pub previous: Option<u64>,
}

/// What was there in a stream when a subscription started has been sent; what follows is live. Each
/// stream that [`Subscribed`] names catches up once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaughtUp {
    /// Its number.
    pub subscription: u32,
    /// How many events that were.
    pub count: u64,
    /// The position up to which everything has been told.
    pub head: Position,
}

/// A range is gone from a stream. The receiver's position is the end of it: what follows names that as
/// the offset before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The subscription that asked for it.
    pub subscription: u32,
    /// The first offset that is gone.
    pub from: u64,
    /// The last one.
    pub to: u64,
    /// The stream.
    pub stream: Stream,
}

/// What the receiver of a subscription can take beyond what it was granted before. An event is sent
/// while both are above zero, so that one which is larger than what is left is not stuck.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// The subscription.
    pub subscription: u32,
    /// Events.
    pub events: u32,
    /// Bytes of bodies.
    pub bytes: u32,
}

/// Asks for a sign of life, which carries the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// Chosen by who asks.
    pub number: u32,
}

/// The connection is about to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bye {
    /// The close code that follows.
    pub code: u16,
    /// Why.
    pub message: String,
    /// Stay away for so many milliseconds.
    pub retry: Option<u32>,
}

/// A new credential, on the connection that stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Refresh {
    /// As in [`Hello`].
    pub token: String,
}

/// The credential ends; without a [`Refresh`] the connection does too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiring {
    /// In so many milliseconds.
    pub milliseconds: u32,
}

/// Asks for a page of what a stream holds, backwards. After the last page of a stream come those of the next
/// one, beginning with [`Stream::MAIN`]: who follows [`HistoryPage::next`] reads them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Chosen by the client, and not used again before the answer is here.
    pub request: u32,
    /// Which events.
    pub pattern: String,
    /// Events before this offset; from the head if absent.
    pub before: Option<u64>,
    /// The most events; the peer may answer with fewer.
    pub limit: u32,
    /// The stream; one that the peer does not have holds nothing.
    pub stream: Stream,
}

/// The answer to [`History`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// The request.
    pub request: u32,
    /// The life of the log that the offsets are of.
    pub epoch: u64,
    /// The events, newest first.
    pub entries: Vec<HistoryEntry>,
    /// The stream to ask for next, which may be another one than the entries are of, and what to ask for there
    /// as `before`; if absent there is no more. A page without entries may have it.
    pub next: Option<(Stream, u64)>,
    /// Why there is no page.
    pub refused: Option<RejectCode>,
}

/// An event of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its offset.
    pub offset: u64,
    /// Its topic.
    pub topic: String,
    /// A [`Body`](crate::Body).
    pub body: Vec<u8>,
}

/// Bytes are not what the grammar asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the frame at byte {at} of the message is not as the grammar of {SUBPROTOCOL} asks")]
pub struct DecodeError {
    pub(crate) at: usize,
}

impl fmt::Debug for Hello {
    /// Without what proves who it is: that is nobody's to log.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, fence, lowest, returning, .. } = self;
        out.debug_struct("Hello")
            .field("client", client)
            .field("fence", fence)
            .field("lowest", lowest)
            .field("returning", returning)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Refresh {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Refresh").finish_non_exhaustive()
    }
}
