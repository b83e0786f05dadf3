//! What a server asks of its owner, and what its owner answers.

use std::sync::Arc;

use topic::{Pattern, Topic};

use super::{Rendered, Texts};
use crate::{Body, CloseCode, Durability, Hello, Position, RejectCode, Start};

/// What the owner of a [`Server`](super::Server) is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send a message.
    Send(SocketMessage),
    /// Close the socket; nothing follows.
    Close(CloseCode, String),
    /// Look the client up, and fence its older connections. Answer with
    /// [`Server::opened`](super::Server::opened). An owner with an authority first asks it about the
    /// hello's token, and answers with [`Server::granted`](super::Server::granted) or
    /// [`Server::credential_refused`](super::Server::credential_refused) too.
    Open(Hello),
    /// Ask the authority about a new credential; answer as to the first one. An owner without an
    /// authority grants it without an end.
    Refresh(String),
    /// Log an event and answer with [`Server::decided`](super::Server::decided), after the commit.
    /// Several may be asked for at a time. When the answer is that the same may be tried again, the
    /// higher numbers of this client get [`RejectCode::HeldBack`] until that number has come again:
    /// they stand in the order of their numbers.
    Append(Append),
    /// Hand an ephemeral event to the other connections.
    Forward(Ephemeral),
    /// Find where a subscription starts. Answer with [`Server::located`](super::Server::located). This and the
    /// other two questions to the store are asked one at a time: the next one follows the answer.
    Locate {
        /// Names the request.
        ticket: Ticket,
        /// What is subscribed to.
        pattern: Pattern,
        /// Where to start.
        start: Start,
    },
    /// Read matching events from an offset on. Answer with [`Server::page`](super::Server::page).
    Read {
        /// Names the request.
        ticket: Ticket,
        /// Of which stream.
        stream: StreamNo,
        /// Which events.
        pattern: Pattern,
        /// The first offset to read.
        from: u64,
        /// The most events to answer with.
        limit: usize,
    },
    /// Read matching events backwards. Answer with [`Server::older`](super::Server::older).
    History {
        /// Names the request.
        ticket: Ticket,
        /// Of which stream.
        stream: StreamNo,
        /// Which events.
        pattern: Pattern,
        /// Events before this offset; none for the newest.
        before: Option<u64>,
        /// The most events to answer with.
        limit: usize,
    },
    /// Make this connection's client present at a topic.
    Join {
        /// The topic.
        topic: Topic,
        /// Who it says it is to the others.
        key: String,
        /// What is said of it.
        data: Vec<u8>,
    },
    /// It is present there no more.
    Leave(Topic),
    /// Tell this connection who is present at a topic, and how that changes.
    Watch(Topic),
    /// It wants to know no more.
    Unwatch(Topic),
}

/// A stream, by its place in [`Options::streams`](super::Options::streams).
pub type StreamNo = usize;

/// How the patterns that a connection subscribes to have changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedPatterns {
    /// Those that it did not subscribe to before.
    pub begun: Vec<Pattern>,
    /// Those that it does not subscribe to any more.
    pub ended: Vec<Pattern>,
}

/// An event that is sent and never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ephemeral {
    /// Its topic.
    pub topic: Topic,
    /// What it is conflated by under pressure, together with the topic: the newest of a key remains.
    /// The extension `partitionkey`, else the source.
    pub key: Arc<str>,
    /// Its body, encoded once for all receivers.
    pub body: Arc<[u8]>,
    /// The same as text, rendered once for all who want that.
    pub text: Rendered,
}

/// What names a request until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

/// A WebSocket message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketMessage {
    /// Bytes.
    Binary(Vec<u8>),
    /// Text messages.
    Texts(Texts),
    /// WebSocket frames that other connections send too, as [`Server::encode_run`](super::Server::encode_run) makes them.
    Frames(Arc<Vec<u8>>),
    /// The WebSocket's own ping, for a wire without frames for it.
    Ping,
}

/// An event that is to be logged, or whose number is to be decided without it.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// Names the request.
    pub ticket: Ticket,
    /// Whose it is; none for a client without hello.
    pub client: Option<Numbered>,
    /// The event; source and path of its body are the peer's already. Or why it breaks the rules: that is
    /// then the outcome of its number, unless that has one already.
    pub event: Result<(Topic, Body), Refusal>,
}

/// Why an event cannot be logged, now or ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub code: RejectCode,
    /// The same in words.
    pub message: String,
    /// The event's id, if it could be read.
    pub id: Option<String>,
}

/// The number of a client's durable event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    /// The client.
    pub client: [u8; 16],
    /// The fencing token of the connection that it came through.
    pub fence: u64,
    /// The number.
    pub number: u64,
    /// Outcomes below it may be forgotten.
    pub lowest: u64,
}

/// The answer to [`Effect::Open`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// The client is who it says.
    Welcome {
        /// The highest number that has been decided; 0 if none.
        highest: u64,
        /// The id of that event.
        highest_id: Option<String>,
        /// The client was not known, or is to be told so again: it had said that it returns, and nothing of it
        /// was decided since.
        new: bool,
    },
    /// The secret is not this client's.
    WrongSecret,
    /// A connection with this or a higher fencing token was there.
    Fenced,
    /// Too many new clients came from where it is; none of them again for so many milliseconds.
    Limited {
        /// Milliseconds.
        retry: u32,
    },
    /// The client is refused with this code, for this reason.
    Refused(CloseCode, &'static str),
    /// The store cannot be used now.
    Unavailable,
}

/// What became of an [`Append`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// It is in the log, maybe since an earlier try.
    Stored(Position, Durability),
    /// It is not.
    Rejected {
        /// Why.
        code: RejectCode,
        /// The same in words.
        message: String,
        /// If present, it may be tried again after so many milliseconds.
        retry: Option<u32>,
    },
    /// A newer connection of this client has taken over.
    Fenced,
}

/// The answer to [`Effect::Locate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// The subscription starts there: a place in each of [`Options::streams`](super::Options::streams).
    At(Vec<StartPoint>),
    /// Positions are of another log, or of another life of a stream. With the heads of these streams, at least
    /// one; of one that is not there it has the offset 0.
    Reset(Vec<Position>),
    /// The store cannot be used now.
    Unavailable,
}

/// Where a subscription starts in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartPoint {
    /// The first offset to look at.
    pub next: u64,
    /// The offset up to which the receiver has been told everything; none if it starts anew.
    pub previous: Option<u64>,
    /// The position of the last event in the stream.
    pub head: Position,
    /// The range that was asked for and is gone: its first and its last offset.
    pub gap: Option<(u64, u64)>,
}

/// The answer to [`Effect::Read`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Matching events, ascending.
    pub events: Vec<Arc<Logged>>,
    /// The first offset that was not looked at.
    pub next: u64,
    /// The range that is gone from the stream, if what was asked for begins in one: its first and its last
    /// offset. The events are those after it.
    pub gap: Option<(u64, u64)>,
}

/// The answer to [`Effect::History`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    /// The life of the stream.
    pub epoch: u64,
    /// Matching events, descending.
    pub events: Vec<Arc<Logged>>,
    /// The offset before which to read on; none if there is nothing more.
    pub next: Option<u64>,
}

/// An event as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// The stream that it stands in.
    pub stream: StreamNo,
    /// Its offset.
    pub offset: u64,
    /// Its topic.
    pub topic: Topic,
    /// Its body, encoded once for all receivers.
    pub body: Arc<[u8]>,
    /// The same as text, rendered once for all who want that.
    pub text: Rendered,
}

impl Ephemeral {
    /// An event whose text was not wanted yet.
    pub fn new(topic: Topic, key: Arc<str>, body: Arc<[u8]>) -> Self {
        Self { topic, key, body, text: Rendered::default() }
    }
}

impl Logged {
    /// An event whose text was not wanted yet.
    pub fn new(stream: StreamNo, offset: u64, topic: Topic, body: Arc<[u8]>) -> Self {
        Self { stream, offset, topic, body, text: Rendered::default() }
    }
}
