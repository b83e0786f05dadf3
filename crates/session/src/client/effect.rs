//! What a client requests from its owner, and what it reports.

use std::fmt;

use topic::Topic;

use super::{StoreError, StoreRequest, SubscriptionId};
use crate::wire::frame::{Attendee, TopicTally};
use crate::{Body, CloseCode, Durability, Millis, Position, RejectCode, Stream};

/// What the owner of a [`Client`](super::Client) must do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Open a socket; then call [`Client::opened`](super::Client::opened) or [`Client::closed`](super::Client::closed).
    Open,
    /// Ask the application for a credential, and call [`Client::credential`](super::Client::credential).
    FetchCredential,
    /// Sign the request with the device's key, and call [`Client::proved`](super::Client::proved) or
    /// [`Client::cannot_prove`](super::Client::cannot_prove). A later request replaces this one.
    Prove(ProofRequest),
    /// Sign the event with the device's key, and call [`Client::signed`](super::Client::signed) or
    /// [`Client::cannot_sign`](super::Client::cannot_sign). Until then the event and all later ones wait.
    Sign {
        /// The event's id.
        id: String,
        /// Its topic.
        topic: Topic,
        /// Its body.
        body: Body,
    },
    /// Apply the request to the store, and call [`Client::answer`](super::Client::answer). Several requests may be
    /// outstanding; apply and answer them in this order.
    Store(StoreRequest),
    /// Send a binary message.
    Send(Vec<u8>),
    /// Close the socket, if there is one, and ignore everything that still comes from it.
    Close(CloseCode),
    /// The state of the link has changed.
    Link(ConnectionState),
    /// An event for one or more subscriptions. It comes once for all of them.
    Deliver(Delivery),
    /// A durable publish, named by its event id, is in the outbox. It survives this page, unless it is [in
    /// memory](crate::tabs::Tab::is_in_memory).
    Kept(String),
    /// The store failed. An event that could not be written is rejected; a [`Tab`](crate::tabs::Tab) sends it from
    /// memory.
    StoreFailed(StoreError),
    /// A durable event that this page has not published waits in the outbox: it is from before a reload, or from
    /// another tab. Its [`Effect::Settled`] follows.
    Pending {
        /// Its topic.
        topic: Topic,
        /// Its body.
        body: Body,
    },
    /// The frame of a durable publish, named by its event id, was sent.
    Sent(String),
    /// The link broke, or the peer was not ready, before the answer came. The event will be sent again.
    Requeued(String),
    /// A durable publish is settled.
    Settled {
        /// The event's id.
        id: String,
        /// The outcome.
        outcome: Outcome,
        /// Whether subscriptions of this page match the event, which is in the log. They deliver it before or after
        /// this, or read past its position without it. Then [`Effect::Passed`] follows.
        comes: bool,
    },
    /// No subscription of this page will deliver this settled event: each that matches it has read past its position,
    /// or has ended. If a subscription has delivered it, that came before.
    Passed {
        /// The event's id.
        id: String,
    },
    /// All events that existed when the subscription started have been delivered, from all streams.
    CaughtUp(SubscriptionId),
    /// Events that the subscription asked for are no longer in a stream: the first and the last missing offset.
    Gap(SubscriptionId, Stream, u64, u64),
    /// The stream was reset: the position of the subscription belongs to another log. The subscription starts anew
    /// there: at the head if it asked for new events only, otherwise at the first event.
    Reset(SubscriptionId, Stream),
    /// The peer refuses the subscription, which has ended.
    Refused(SubscriptionId, RejectCode, String),
    /// The peer did not send an ephemeral event to others. Reported once for each topic until the rights change.
    Denied {
        /// The event's topic.
        topic: String,
        /// The reason.
        code: RejectCode,
        /// The reason in words.
        message: String,
    },
    /// The response to [`Client::history`](super::Client::history).
    History(RequestId, Result<Older, HistoryError>),
    /// The response to [`Client::delete`](super::Client::delete): the position of the deletion event.
    Deleted(RequestId, Result<Position, RequestError>),
    /// The response to [`Client::tally`](super::Client::tally): one for each topic, in the order of the request.
    Tallied(RequestId, Result<Vec<TopicTally>, RequestError>),
    /// The occupants of a [watched](super::Client::watch) topic: at first, and after each change.
    Occupants(Occupants),
    /// The peer refuses to let this client join a topic, or watch it.
    NotPresent {
        /// The topic.
        topic: String,
        /// The reason.
        code: RejectCode,
        /// The reason in words.
        message: String,
    },
}

/// What the proof of a hello covers, so that it is good for one connection. The owner adds the host that it connects
/// to.
#[derive(Clone, PartialEq, Eq)]
pub struct ProofRequest {
    /// The client's id.
    pub client: [u8; 16],
    /// The fencing token of the connection.
    pub fence: u64,
    /// The credential that the hello shows.
    pub token: Option<String>,
}

impl fmt::Debug for ProofRequest {
    /// Without the credential, which must not be logged.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ProofRequest")
            .field("client", &self.client)
            .field("fence", &self.fence)
            .finish_non_exhaustive()
    }
}

/// The state of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionState {
    /// The socket is opening, or the handshake is under way.
    Connecting,
    /// The link is up.
    Online,
    /// The link is down. The next attempt starts after `retry_in`.
    Offline {
        /// In milliseconds.
        retry_in: Millis,
    },
    /// The link is down and does not reconnect by itself: the peer said so with this close code, or the application
    /// stopped it. [`Client::connect`](super::Client::connect) starts it again.
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
    /// The subscriptions that the event is for.
    pub subscriptions: Vec<SubscriptionId>,
    /// Its topic.
    pub topic: Topic,
    /// Its body.
    pub body: Body,
    /// Its position in the log. `None` for an ephemeral event.
    pub position: Option<Position>,
    /// How much of each subscription's [window](super::Window) it uses, until the application has
    /// [taken](super::Client::taken) it.
    pub bytes: usize,
}

/// The outcome of a durable publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The event is in the log.
    Stored(Position, Durability),
    /// The event is not in the log and never will be. Exceptions: with [`RejectCode::Uncertain`] it may be in the
    /// log. [`RejectCode::Expired`] and [`RejectCode::Cancelled`] mean that it was never sent.
    Rejected(RejectCode, String),
}

/// Identifies a request for a page of history, a delete, or a request for counts. It stays valid across reconnects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(super) u64);

/// A page of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    /// The events with their positions, newest first. May be empty even if there is a next page.
    pub events: Vec<(Position, Topic, Body)>,
    /// Where the next page starts, backwards. `None` at the end.
    pub next: Option<Position>,
}

/// Why there is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The position to read back from belongs to another log, or to an earlier epoch of this one.
    #[error("the position belongs to another log: begin again at its head")]
    Reset,
    /// The peer refuses, for this reason.
    #[error("the peer refused the page: {}", .0.name())]
    Refused(RejectCode),
}

/// Why a request that version 1 of the protocol did not have failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The peer, or the tab that has the link, is of a version that does not know such requests.
    #[error("the peer does not support this request")]
    NotAvailable,
    /// The peer refuses, for this reason.
    #[error("the peer refused the request: {}", .0.name())]
    Refused(RejectCode),
}

/// The occupants of a [watched](super::Client::watch) topic, and what has changed since the last such effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupants {
    /// The topic.
    pub topic: Topic,
    /// All occupants, by ascending ids.
    pub present: Vec<Attendee>,
    /// Those that came, or whose key or data changed.
    pub joined: Vec<Attendee>,
    /// Those that have left.
    pub left: Vec<Attendee>,
}
