//! What a client asks of its owner, and tells it.

use topic::Topic;

use super::{StoreRequest, StoreError, SubscriptionId};
use crate::wire::frame::Attendee;
use crate::{Body, CloseCode, Durability, Millis, Position, RejectCode, Stream};

/// What the owner of a [`Client`](super::Client) is to do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Open a socket; then call [`Client::opened`](super::Client::opened) or [`Client::closed`](super::Client::closed).
    Open,
    /// Ask the application for a credential, and call [`Client::credential`](super::Client::credential).
    FetchCredential,
    /// Ask the store, and call [`Client::answer`](super::Client::answer). Several may be asked for at a
    /// time; they are carried out and answered in this order.
    Store(StoreRequest),
    /// Send a binary message.
    Send(Vec<u8>),
    /// Close the socket, if there is one, and forget it: nothing it says counts any more.
    Close(CloseCode),
    /// The link has changed.
    Link(ConnectionState),
    /// An event for some subscriptions; once, however many they are.
    Deliver(Delivery),
    /// A durable publish, named by its event id, is in the outbox: what happens to this page does not
    /// matter to it any more, unless it is [in memory](crate::tabs::Tab::is_in_memory).
    Kept(String),
    /// The store failed. An event that could not be written is rejected; of a [`Tab`](crate::tabs::Tab) it goes
    /// out from memory.
    StoreFailed(StoreError),
    /// A durable event that this page has not published waits in the outbox: since before a reload, or
    /// another tab has published it. Its [`Effect::Settled`] comes too.
    Pending {
        /// Its topic.
        topic: Topic,
        /// Its body.
        body: Body,
    },
    /// The frame of a durable publish, named by its event id, has left.
    Sent(String),
    /// The link broke, or the peer is not ready, before there was an answer: it will be sent again.
    Requeued(String),
    /// A durable publish has its answer.
    Settled {
        /// The event's id.
        id: String,
        /// The answer.
        outcome: Outcome,
    },
    /// Everything that was there when the subscription started has been delivered, of all streams.
    CaughtUp(SubscriptionId),
    /// Events that the subscription asked for are gone from a stream: the first and last offset.
    Gap(SubscriptionId, Stream, u64, u64),
    /// The stream is another one than the subscription has read so far; it starts anew there: at its head if
    /// it asked for what is new, and else with its first event.
    Reset(SubscriptionId, Stream),
    /// The peer does not make the subscription; it has ended.
    Refused(SubscriptionId, RejectCode, String),
    /// The answer to [`Client::history`](super::Client::history).
    History(RequestId, Result<Older, HistoryError>),
    /// Who is at a topic that is [watched](super::Client::watch), as it is told first or has changed.
    Occupants(Occupants),
    /// The peer does not let this client be at a topic, or watch it.
    NotPresent {
        /// The topic.
        topic: String,
        /// Why.
        code: RejectCode,
        /// The same in words.
        message: String,
    },
}

/// The state of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionState {
    /// A socket is being opened, or greeted.
    Connecting,
    /// Frames flow.
    Online,
    /// The next try comes in so many milliseconds.
    Offline {
        /// Milliseconds.
        retry_in: Millis,
    },
    /// There is no next try before [`Client::connect`](super::Client::connect): the peer said so with this close code, or the
    /// application.
    Stopped {
        /// The close code.
        code: u16,
        /// The peer's reason.
        reason: String,
    },
}

/// An event from the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The subscriptions that it is for.
    pub subscriptions: Vec<SubscriptionId>,
    /// Its topic.
    pub topic: Topic,
    /// Its body.
    pub body: Body,
    /// Where it stands in the log; none if it is ephemeral.
    pub position: Option<Position>,
    /// How much of each subscription's [window](super::Window) it takes, until it is
    /// [taken](super::Client::taken).
    pub bytes: usize,
}

/// The answer to a durable publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log.
    Stored(Position, Durability),
    /// It is not, and will not be. [`RejectCode::Uncertain`]: nobody knows. [`RejectCode::Expired`] and
    /// [`RejectCode::Cancelled`]: it never left.
    Rejected(RejectCode, String),
}

/// Names a request for a page of history. It stays valid over reconnects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(super) u64);

/// A page of what the log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    /// The events with their positions, newest first. May be empty although there is a next page.
    pub events: Vec<(Position, Topic, Body)>,
    /// Where the next page starts, backwards. `None` if there is no more.
    pub next: Option<Position>,
}

/// Why there is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The position to read back from belongs to another log, or to another life of this one.
    #[error("the log is another one than that position is of: begin again at its head")]
    Reset,
    /// The peer refuses, for this reason.
    #[error("the peer has no page to give: {}", .0.name())]
    Refused(RejectCode),
}

/// Who is present at a [watched](super::Client::watch) topic, and what has changed since the last such effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupants {
    /// The topic.
    pub topic: Topic,
    /// All who are present, by ascending ids.
    pub present: Vec<Attendee>,
    /// Those of them who came, or have another key or data than before.
    pub joined: Vec<Attendee>,
    /// Those who have left.
    pub left: Vec<Attendee>,
}
