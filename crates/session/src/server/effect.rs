//! What a server requests from its owner, and the owner's responses.

use std::sync::Arc;

use topic::{Pattern, Topic};

use super::{Deletion, Rendered, StreamNo, Texts, Ticket};
use crate::{Body, CloseCode, Durability, Hello, Position, RejectCode, Start};

/// What the owner of a [`Server`](super::Server) must do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send a message.
    Send(SocketMessage),
    /// Close the socket. No effect follows.
    Close(CloseCode, String),
    /// Look up the client, and fence its older connections. Answer with [`Server::opened`](super::Server::opened). An
    /// owner first verifies the hello's proof, if it has one, and answers with [`Opened::WrongProof`] if it is not
    /// valid. An owner with an authority then asks it about the hello's token, and calls
    /// [`Server::granted`](super::Server::granted) or
    /// [`Server::credential_refused`](super::Server::credential_refused). After a grant, the client belongs to
    /// [`Server::subject`](super::Server::subject), which the store compares.
    Open(Hello),
    /// Record a client that only read so far, as for [`Effect::Open`] but without its credential, which was checked
    /// then. Answer with [`Server::opened`](super::Server::opened) too.
    Record(Hello),
    /// Ask the authority about a credential: the next one of a client that was granted one, or the first one of a JSON
    /// client. Answer as for a hello's, before anything else is fed. An owner without an authority ignores it.
    Refresh(String),
    /// Log an event, and answer with [`Server::decided`](super::Server::decided) after the commit. Several appends
    /// may be outstanding. When an event is refused for now, the client's higher numbers get [`RejectCode::HeldBack`]
    /// until that number was retried, because events are logged in the order of their numbers.
    Append(Append),
    /// Delete an event, and answer as for an append.
    Delete(Deletion),
    /// Send an ephemeral event to the other connections.
    Forward(Ephemeral),
    /// Ask the store, and answer with [`Server::answer`](super::Server::answer). Only one query is outstanding at a
    /// time.
    Query(Ticket, Query),
    /// Make this connection's client present at a topic. On failure call
    /// [`Server::not_present`](super::Server::not_present).
    Join {
        /// The topic.
        topic: Topic,
        /// The key under which others see the client.
        key: String,
        /// The data that others see.
        data: Vec<u8>,
    },
    /// End the client's presence at a topic.
    Leave(Topic),
    /// Report the occupants of a topic to this connection: first [`Server::present`](super::Server::present), then
    /// [`Server::presence`](super::Server::presence) for changes.
    Watch(Topic),
    /// Stop reporting.
    Unwatch(Topic),
}

/// A query to the store.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// Find where a subscription starts. The answer is [`Answer::Located`].
    Locate {
        /// What is subscribed to.
        pattern: Pattern,
        /// Where to start.
        start: Start,
    },
    /// Read matching events from an offset on. The answer is [`Answer::Page`].
    Read {
        /// Of which stream.
        stream: StreamNo,
        /// Which events.
        pattern: Pattern,
        /// The first offset to read.
        from: u64,
        /// The most events to answer with.
        limit: usize,
    },
    /// Read matching events backwards. The answer is [`Answer::Older`].
    History {
        /// Of which stream.
        stream: StreamNo,
        /// Which events.
        pattern: Pattern,
        /// Events before this offset; `None` for the newest.
        before: Option<u64>,
        /// The most events to answer with.
        limit: usize,
    },
    /// Count the events of each topic after a position in its stream. The answer is [`Answer::Counts`].
    Tally(Vec<(Topic, Option<Position>)>),
}

/// The answer to a [`Query`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Query::Locate`].
    Located(Located),
    /// To [`Query::Read`].
    Page(Page),
    /// To [`Query::History`].
    Older(Older),
    /// To [`Query::Tally`], in its order.
    Counts(Vec<TopicCount>),
}

/// How a connection's subscribed patterns have changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedPatterns {
    /// The patterns that are new.
    pub begun: Vec<Pattern>,
    /// The patterns that have ended.
    pub ended: Vec<Pattern>,
}

/// An event that is sent but not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ephemeral {
    /// Its topic.
    pub topic: Topic,
    /// The key of conflation: under pressure only the newest event of each topic and key remains. The extension
    /// `partitionkey`, or else the source.
    pub key: Arc<str>,
    /// Its body, encoded once for all receivers.
    pub body: Arc<[u8]>,
    /// Its text form, rendered once for all receivers that want it.
    pub text: Rendered,
}

/// A WebSocket message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketMessage {
    /// A binary message.
    Binary(Vec<u8>),
    /// Text messages.
    Texts(Texts),
    /// WebSocket frames made by [`Server::encode_run`](super::Server::encode_run), which other connections send too.
    Frames(Arc<Vec<u8>>),
    /// A WebSocket ping, for clients that do not speak frames.
    Ping,
}

/// An event to log, or a number to decide without one.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// Identifies the request.
    pub ticket: Ticket,
    /// The client and its number. `None` for a client without a hello.
    pub client: Option<Numbered>,
    /// The event, whose source and path the peer has set already. Or the rule that the event breaks: this is then the
    /// outcome of its number, unless the number was decided before.
    pub event: Result<(Topic, Body), Refusal>,
}

/// Why an event can never be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub code: RejectCode,
    /// The reason in words.
    pub message: String,
    /// The event's id, if it was readable.
    pub id: Option<String>,
}

/// The number of a client's durable event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    /// The client.
    pub client: [u8; 16],
    /// The fencing token of the connection that it arrived on.
    pub fence: u64,
    /// The number.
    pub number: u64,
    /// Outcomes of lower numbers may be forgotten.
    pub lowest: u64,
}

/// The response to [`Effect::Open`] and [`Effect::Record`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// The client is admitted.
    Welcome {
        /// The highest number that was decided; 0 if none was.
        highest: u64,
        /// The id of the event with that number.
        highest_id: Option<String>,
        /// The client was unknown. Also true if its earlier welcome may be lost: it said that it returns, and none of
        /// its events was decided since.
        new: bool,
    },
    /// The client is unknown and only [reads](Hello::reading) so far. It is admitted without a record.
    Reader,
    /// The secret does not match the client id.
    WrongSecret,
    /// The hello's proof is not valid: it is for another host, client, fencing token or credential, or by another key.
    WrongProof,
    /// The client belongs to a device key that the hello does not prove.
    OtherKey,
    /// The client belongs to another subject.
    OtherSubject,
    /// A connection with this fencing token or a higher one exists.
    Fenced,
    /// Too many new clients come from the client's address.
    Limited {
        /// When the address may try again, in milliseconds.
        retry: u32,
    },
    /// The client is refused with this close code and reason.
    Refused(CloseCode, &'static str),
    /// The store cannot be used now.
    Unavailable,
}

/// The outcome of an [`Append`] or of a [`Deletion`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// The event, or the deletion event, is in the log, possibly since an earlier attempt.
    Stored(Position, Durability),
    /// The event is not in the log.
    Rejected {
        /// The reason.
        code: RejectCode,
        /// The reason in words.
        message: String,
        /// If present, the event may be retried after this many milliseconds.
        retry: Option<u32>,
    },
    /// A newer connection of this client has taken over.
    Fenced,
}

/// The response to [`Query::Locate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// The start point in each of [`Options::streams`](super::Options::streams).
    At(Vec<StartPoint>),
    /// Some positions belong to another log, or to an earlier epoch of a stream. Contains the heads of these streams,
    /// at least one; the head of a stream that does not exist has the offset 0.
    Reset(Vec<Position>),
    /// The store cannot be used now.
    Unavailable,
}

/// Where a subscription starts in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartPoint {
    /// The first offset to read.
    pub next: u64,
    /// The offset up to which the receiver knows the stream. `None` if it starts anew.
    pub previous: Option<u64>,
    /// The position of the last event in the stream.
    pub head: Position,
    /// The first and last offset of a requested range that is no longer in the stream.
    pub gap: Option<(u64, u64)>,
}

/// The response to [`Query::Read`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The matching events in ascending order.
    pub events: Vec<Arc<Logged>>,
    /// The first offset that was not read.
    pub next: u64,
    /// The first and last offset of a range that is no longer in the stream, if the read began in one. The events
    /// follow it.
    pub gap: Option<(u64, u64)>,
}

/// The response to [`Query::History`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    /// The epoch of the stream.
    pub epoch: u64,
    /// The matching events in descending order.
    pub events: Vec<Arc<Logged>>,
    /// The offset before which to continue. `None` at the end.
    pub next: Option<u64>,
}

/// What the log holds of a topic, in the stream that takes the topic's events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopicCount {
    /// The number of events after the position, at most [`MAX_TALLY`](crate::MAX_TALLY). All events if the position
    /// belongs to another stream or epoch.
    pub count: u64,
    /// The position of the newest event.
    pub head: Option<Position>,
    /// The newest event that [may be shown](TopicCount::may_show), if it is among the newest
    /// [few](TopicCount::LOOKED_AT).
    pub newest: Option<Arc<Logged>>,
}

/// An event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// The stream that holds it.
    pub stream: StreamNo,
    /// Its offset.
    pub offset: u64,
    /// Its topic.
    pub topic: Topic,
    /// Its body, encoded once for all receivers.
    pub body: Arc<[u8]>,
    /// Its text form, rendered once for all receivers that want it.
    pub text: Rendered,
}

impl TopicCount {
    /// The number of the newest events among which a store looks for one to show.
    pub const LOOKED_AT: usize = 16;
    /// Larger bodies are not shown.
    const MAX_BODY: usize = 4_095;

    /// Whether an event is shown as the newest: it is neither deleted nor a deletion. `None` if it would be shown but
    /// is too large; then no event is.
    pub fn may_show(body: &[u8]) -> Option<bool> {
        let is_shown = Body::decode(body)
            .is_ok_and(|body| body.deletes().is_none() && body.deleted().is_none());
        (!is_shown || body.len() <= Self::MAX_BODY).then_some(is_shown)
    }
}

impl StartPoint {
    /// Starts at the head instead. What lies between is gone for this receiver.
    pub(super) fn skip_past(&mut self) {
        let from = self.gap.map_or(self.next, |(from, _)| from.min(self.next));
        let head = self.head.offset;
        self.gap = (from <= head).then_some((from, head));
        self.next = self.next.max(head + 1);
    }
}

impl Ephemeral {
    /// Creates an event whose text is not rendered yet.
    pub fn new(topic: Topic, key: Arc<str>, body: Arc<[u8]>) -> Self {
        Self { topic, key, body, text: Rendered::default() }
    }
}

impl Logged {
    /// Creates an event whose text is not rendered yet.
    pub fn new(stream: StreamNo, offset: u64, topic: Topic, body: Arc<[u8]>) -> Self {
        Self { stream, offset, topic, body, text: Rendered::default() }
    }
}
