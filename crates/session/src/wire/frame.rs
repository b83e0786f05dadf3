//! The frames of the subprotocol `event-driven-kit.v1`. `session.cddl` is their grammar.
//!
//! A WebSocket message is a CBOR sequence (RFC 8742) of frames. A frame is an array of its kind and a map with
//! integer keys. Receivers ignore unknown keys and skip frames of unknown kinds.

mod deleting;
mod presence;
mod tally;

use std::fmt;

use super::body::{Position, Start, Stream};
use super::codes::{Durability, RejectCode};
use crate::rights::Rights;
pub use deleting::{Delete, Deleted};
pub use presence::{AtTopic, Attendee, Join, NotPresent, Presence, Present};
pub use tally::{Tallied, Tally, TallyTopic, TopicTally};

/// The WebSocket subprotocol of these frames.
pub const SUBPROTOCOL: &str = "event-driven-kit.v1";

/// A frame from a client.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // each variant is its struct
pub enum FromClient {
    Hello(Hello),
    Subscribe(Subscribe),
    /// A subscription whose start is from a later version. It is refused.
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
    Delete(Delete),
    Tally(Tally),
}

/// A frame from a peer.
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
    Denied(Denied),
    Deleted(Deleted),
    Tallied(Tallied),
    /// What the client may do from here on, after a [`Refresh`] that has changed it.
    ChangedRights(Rights),
}

/// The first frame of a client, which identifies and authenticates it.
#[derive(Clone, PartialEq, Eq)]
pub struct Hello {
    /// The client's public id.
    pub client: [u8; 16],
    /// Proves that the client owns the id. The peer keeps only a hash of it. Absent only if there is a proof.
    pub secret: Option<[u8; 32]>,
    /// The fencing token: higher than those of all earlier connections of this client.
    pub fence: u64,
    /// The client's lowest unanswered number. The peer may forget the outcomes of lower ones.
    pub lowest: u64,
    /// Whether earlier events may have been sent. If the peer then does not know the client, it has forgotten it.
    pub returning: bool,
    /// The credential for the peer's authority, if there is one.
    pub token: Option<String>,
    /// The public key of the client's device: an uncompressed point of P-256 (`0x04`, x, y). Comes with a proof.
    pub key: Option<[u8; 65]>,
    /// An ES256 signature (r, s) by the key over the peer's host, the client, the fencing token and the credential.
    /// From the first proof on, the client belongs to the key, and the secret no longer counts.
    pub proof: Option<[u8; 64]>,
    /// The client has published no durable event so far. If the peer does not know it, it need not record it, until the
    /// client says hello again on this connection.
    pub reading: bool,
}

impl Hello {
    /// The hello of a client that has published nothing yet, with its secret.
    pub fn new(client: [u8; 16], secret: [u8; 32], fence: u64) -> Self {
        Self {
            client,
            secret: Some(secret),
            fence,
            lowest: 1,
            returning: false,
            token: None,
            key: None,
            proof: None,
            reading: false,
        }
    }
}

/// The response to [`Hello`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The peer's id, as it occurs on the path of events.
    pub peer: String,
    /// The highest number of this client that was decided; 0 if none was.
    pub highest: u64,
    /// The id of the event with that number.
    pub highest_id: Option<String>,
    /// The silence, in milliseconds, after which the peer pings.
    pub heartbeat: u32,
    /// The maximum size of a message that the peer accepts.
    pub max_message: u32,
    /// The peer does not know the client, which says that it returns.
    pub forgotten: bool,
    /// Whose connection this is: an account's name, or `~` and the client's id. Peers of earlier versions do not say.
    pub subject: Option<String>,
    /// What the client may do, as far as the peer says.
    pub rights: Rights,
    /// The kinds of frames beyond version 1 that the peer supports. It skips all others.
    pub kinds: Vec<u64>,
    /// The peer has not recorded the client, which said that it is [reading](Hello::reading). Before it sends a durable
    /// event, the client says hello again, and waits for another welcome.
    pub reading: bool,
}

/// Subscribes to events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// The subscription's number on this connection. The client chooses it and does not reuse it.
    pub subscription: u32,
    /// The pattern.
    pub pattern: String,
    /// Where to start.
    pub start: Start,
    /// The initial credit: events, and bytes of bodies. Without it there is no limit.
    pub credit: Option<(u32, u32)>,
}

/// The subscription was made, or its position is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribed {
    /// Its number.
    pub subscription: u32,
    /// The head of a stream: the position of its last event.
    pub head: Position,
    /// The positions in these streams belong to another log or epoch, and the subscription has ended. What was read
    /// under those positions may differ from the log.
    pub reset: bool,
    /// The heads of the other streams.
    pub others: Vec<Position>,
}

/// The subscription was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its number.
    pub subscription: u32,
    /// The reason.
    pub code: RejectCode,
    /// The reason in words.
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
    /// Ascends among a client's durable events. An ephemeral event has none.
    pub number: Option<u64>,
    /// The topic's number in this direction of this connection.
    pub topic: u32,
    /// The topic's name, when the number is used for the first time.
    pub name: Option<String>,
    /// A [`Body`](crate::Body).
    pub body: Vec<u8>,
    /// See [`Hello::lowest`].
    pub lowest: Option<u64>,
}

/// A durable event is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Its number.
    pub number: u64,
    /// Its position in the log.
    pub position: Position,
    /// How safely it is stored.
    pub durability: Durability,
}

/// A durable event is not in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Its number.
    pub number: u64,
    /// The reason.
    pub code: RejectCode,
    /// The reason in words.
    pub message: String,
    /// If present, the event may be retried after this many milliseconds, and the client's higher numbers wait for
    /// it. If absent, the reject is final.
    pub retry: Option<u32>,
}

/// An ephemeral event was not sent to others. Reported once for each topic until the client's rights change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The topic's number in the direction of the event.
    pub topic: u32,
    /// The reason.
    pub code: RejectCode,
    /// The reason in words.
    pub message: String,
}

/// An event, with the subscriptions of the receiver that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The topic's number in this direction of this connection.
    pub topic: u32,
    /// The topic's name, when the number is used for the first time.
    pub name: Option<String>,
    /// The subscriptions that it matches.
    pub recipients: Vec<Recipient>,
    /// Its offset. An ephemeral event has none.
    pub offset: Option<u64>,
    /// A [`Body`](crate::Body).
    pub body: Vec<u8>,
    /// The stream of its offset.
    pub stream: Stream,
}

/// A subscription that an event matches, with its position before the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient {
    /// Its number.
    pub subscription: u32,
    /// The offset up to which the subscription knows the stream. A receiver at another offset has missed events.
    pub previous: Option<u64>,
}

/// All events that a stream held when a subscription started were sent. The next ones are live. Each stream named by
/// [`Subscribed`] catches up once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaughtUp {
    /// Its number.
    pub subscription: u32,
    /// The number of those events.
    pub count: u64,
    /// The position up to which all events were sent.
    pub head: Position,
}

/// A range of offsets is gone from a stream. The receiver's position moves to the end of the range, which the next
/// event names as its predecessor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The subscription.
    pub subscription: u32,
    /// The first offset that is gone.
    pub from: u64,
    /// The last one.
    pub to: u64,
    /// The stream.
    pub stream: Stream,
}

/// Additional credit for a subscription. The peer sends an event while both parts are above zero, so an event larger
/// than the remaining bytes still gets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// The subscription.
    pub subscription: u32,
    /// Events.
    pub events: u32,
    /// Bytes of bodies.
    pub bytes: u32,
}

/// Requests a sign of life with the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// Chosen by the sender.
    pub number: u32,
}

/// The sender is about to close the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bye {
    /// The close code that follows.
    pub code: u16,
    /// The reason.
    pub message: String,
    /// The client should not reconnect for this many milliseconds.
    pub retry: Option<u32>,
}

/// A new credential for an open connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Refresh {
    /// See [`Hello::token`].
    pub token: String,
}

/// The credential ends soon. Without a [`Refresh`] the connection will be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiring {
    /// The remaining time in milliseconds.
    pub milliseconds: u32,
}

/// Requests a page of a stream, backwards. After the last page of a stream follow those of the next stream, beginning
/// with [`Stream::MAIN`]: following [`HistoryPage::next`] reads them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The request's number, which the client does not reuse before the response.
    pub request: u32,
    /// The pattern of the events.
    pub pattern: String,
    /// Events before this offset. Absent for the newest.
    pub before: Option<u64>,
    /// The maximum number of events. The peer may send fewer.
    pub limit: u32,
    /// The stream. A stream that the peer does not have is empty.
    pub stream: Stream,
}

/// The response to [`History`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// The request.
    pub request: u32,
    /// The epoch of the offsets.
    pub epoch: u64,
    /// The events, newest first.
    pub entries: Vec<HistoryEntry>,
    /// The stream to request next, possibly another one, and the offset to request there as `before`. Absent at the
    /// end. A page without entries may have it.
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

/// The bytes violate the grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the frame at byte {at} of the message violates {SUBPROTOCOL}")]
pub struct DecodeError {
    pub(crate) at: usize,
}

impl fmt::Debug for Hello {
    /// Without the secret, the token and the proof, which must not be logged.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, fence, lowest, returning, reading, .. } = self;
        out.debug_struct("Hello")
            .field("client", client)
            .field("fence", fence)
            .field("lowest", lowest)
            .field("returning", returning)
            .field("reading", reading)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Refresh {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Refresh").finish_non_exhaustive()
    }
}
