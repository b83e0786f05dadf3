//! The peer's end of one connection: frames in, requests to the store and frames out.
//!
//! A [`Server`] holds positions, never logged events. A subscription that lacks credit, or whose socket is full,
//! catches up from the log.
//!
//! # How to drive this machine
//!
//! The owner feeds inputs, then calls [`Server::poll`] until it returns `None`, and carries out the [`Effect`]s in
//! order. Every input may cause effects, so poll after each one. Inputs take `now`, the time of a monotonic clock.
//!
//! - **The socket.** Pass each binary message to [`Server::received`], or in parts to [`Server::received_part`] with
//!   rate limits; each text of a JSON client to `Server::received_text`; and other signs of life to [`Server::heard`].
//!   While [`Server::is_full`], read nothing. [`Effect::Send`] and [`Effect::Close`] go to the socket; nothing follows
//!   a close.
//! - **The store.** Each of these effects has one answer, which may come later: [`Effect::Open`] and
//!   [`Effect::Record`] have [`Server::opened`]; [`Effect::Append`] and [`Effect::Delete`] have [`Server::decided`],
//!   after the commit; and [`Effect::Query`] has [`Server::answer`].
//! - **Committed events.** From [`Server::new`] on, pass the events of each stream to [`Server::committed`], in order,
//!   or report with [`Server::lagged`] that there are more than are at hand. Feed nothing while the socket is full, and
//!   report the lag afterwards.
//! - **Other connections.** [`Effect::Forward`] sends an ephemeral event to the others, where [`Server::forwarded`]
//!   takes it; [`Server::changed_patterns`] says which ones a connection wants. [`Effect::Join`], [`Effect::Leave`],
//!   [`Effect::Watch`] and [`Effect::Unwatch`] go to the [`PresenceRegistry`] that all connections share, whose
//!   [`News`] returns through [`Server::present`] and [`Server::presence`].
//! - **Authority.** An owner with an authority sets [`Options::has_authority`]. It answers [`Effect::Open`], before it
//!   asks the store, and [`Effect::Refresh`] with [`Server::granted`] or [`Server::credential_refused`]. For a JSON
//!   client it calls [`Server::granted`] before the first text if the upgrade's header has a credential, or if guests
//!   are admitted; otherwise the client must send a credential in its `$link.hello`.
//! - **Time.** Call [`Server::tick`] at [`Server::deadline`], which may change with every input. An early or late tick
//!   does no harm. [`Server::set_clock`] sets the wall clock for the times of events.
//!
//! ```
//! use std::sync::Arc;
//!
//! use session::server::{Effect, Opened, Options, Server, Wire};
//! use session::{FromClient, Hello};
//!
//! // A new connection to a log with one stream, which is empty.
//! let mut server = Server::new(Arc::new(Options::default()), Wire::Frames, &[0], 0);
//! let (client, secret) = ([1; 16], [2; 32]);
//! let hello = Hello::new(client, secret, 1);
//! let mut message = Vec::new();
//! FromClient::Hello(hello).encode(&mut message);
//! server.received(&message, 0);
//! let mut sent = Vec::new();
//! while let Some(effect) = server.poll() {
//!     match effect {
//!         Effect::Open(_) => server.opened(Opened::Welcome { highest: 0, highest_id: None, new: true }),
//!         Effect::Send(message) => sent.push(message),
//!         _ => {} // the store, the registry of presence, or the other connections
//!     }
//! }
//! assert_eq!(sent.len(), 1); // the welcome
//! ```

mod access;
mod claims;
mod conflated;
mod credential;
mod deleting;
mod deletion;
mod effect;
mod history;
pub mod ledger;
mod options;
#[cfg(feature = "json")]
mod posted;
mod prefix_cache;
mod presence;
mod presence_registry;
mod publishing;
mod queries;
mod reading;
mod receiving;
mod recording;
mod rendered;
mod run;
mod sending;
mod subscriptions;
mod tally;
#[cfg(feature = "json")]
mod text;
mod texts;
mod ticket;
mod timers;

use std::collections::VecDeque;
use std::sync::Arc;

#[cfg(feature = "json")]
use topic::Topic;

use crate::thumbprint::PublicKey;
use crate::wire::frame::{self, FromPeer, Recipient};
use crate::wire::topic_numbers::{TopicNames, TopicNumbers};
use crate::{CloseCode, Millis};
use access::PublishRights;
use conflated::Conflated;
use credential::Credential;
pub use credential::Granted;
pub use deletion::{Deletable, Deletion};
pub use effect::{
    Answer, Append, ChangedPatterns, Decided, Effect, Ephemeral, Located, Logged, Numbered, Older,
    Opened, Page, Query, Refusal, SocketMessage, StartPoint, TopicCount,
};
use history::HistoryRequest;
pub use options::{Options, Wire};
#[cfg(feature = "json")]
pub use posted::Posted;
use prefix_cache::PrefixCache;
use presence::PresenceState;
pub use presence_registry::{Joiner, News, PresenceRegistry};
use publishing::Waiting;
use queries::Queries;
pub use reading::Delivered;
pub use receiving::Costs;
use recording::Recorded;
pub use rendered::Rendered;
use subscriptions::Subscriptions;
use tally::TallyRequest;
pub use texts::Texts;
pub use ticket::{StreamNo, Ticket};

/// The state machine. See the [module](self) for how to drive it.
#[derive(Debug)]
pub struct Server {
    options: Arc<Options>,
    wire: Wire,
    state: ServerState,
    recorded: Recorded,
    /// For each stream, the first offset that the server does not know as committed.
    seen: Vec<u64>,
    subscriptions: Subscriptions,
    conflated: Conflated,
    queries: Queries,
    /// By ascending tickets. Usually the first one is answered next.
    unanswered: VecDeque<(Ticket, Waiting)>,
    /// The outstanding requests for history.
    requests: Vec<HistoryRequest>,
    /// The outstanding requests to count events.
    tallies: Vec<TallyRequest>,
    presence_state: PresenceState,
    costs: Costs,
    delivered: Delivered,
    credential: Credential,
    publish_rights: PublishRights,
    /// Those since the last [`Server::take_denials`].
    denials: u32,
    /// Those since they were last taken.
    deletes_not_found: u32,
    /// A number that must be retried before higher ones are accepted.
    held_back: Option<u64>,
    /// The device key of the hello.
    key: Option<PublicKey>,
    topics_in: TopicNames,
    topics_out: TopicNumbers,
    /// The topic of the last text.
    #[cfg(feature = "json")]
    last_topic: Option<Topic>,
    /// The prefix for the sources of incoming events.
    source: String,
    next_ticket: u64,
    message: Vec<u8>,
    /// The same for text messages.
    texts: Texts,
    /// The length of the last message. The next one is probably as long, so its buffer is allocated at once.
    last_message: usize,
    /// Empty between two events, to reuse its allocation.
    recipients: Vec<Recipient>,
    prefix_cache: Option<PrefixCache>,
    effects: VecDeque<Effect>,
    heard: Millis,
    /// The wall clock minus the clock of `now`, in milliseconds, if known.
    wall_is_ahead: Option<i64>,
    /// Until when the client must send something valid. `None` once it has.
    hello_until: Option<Millis>,
    /// When an unanswered ping was sent.
    pinged: Option<Millis>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ServerState {
    /// Before the hello.
    Greeting,
    /// While the client is looked up.
    Opening {
        client: [u8; 16],
        fence: u64,
        lowest: u64,
        returning: bool,
    },
    /// The client may send frames.
    Open {
        client: Option<([u8; 16], u64, u64)>,
    },
    Closed,
}

impl Server {
    /// Creates the server of a new connection. `heads` has the offset of the last event of each of
    /// [`Options::streams`], or 0 for an empty stream.
    pub fn new(options: Arc<Options>, wire: Wire, heads: &[u64], now: Millis) -> Self {
        debug_assert_eq!(heads.len(), options.streams.len());
        let state = match wire {
            Wire::Frames => ServerState::Greeting,
            #[cfg(feature = "json")]
            Wire::Json => ServerState::Open { client: None },
        };
        let hello_until = Some(now + options.hello_within);
        let credential = Credential::new(&options);
        Self {
            options,
            wire,
            state,
            recorded: Recorded::default(),
            seen: heads.iter().map(|head| head + 1).collect(),
            subscriptions: Subscriptions::default(),
            conflated: Conflated::default(),
            queries: Queries::default(),
            unanswered: VecDeque::new(),
            requests: Vec::new(),
            tallies: Vec::new(),
            presence_state: PresenceState::default(),
            costs: Costs::default(),
            delivered: Delivered::default(),
            credential,
            publish_rights: PublishRights::default(),
            denials: 0,
            deletes_not_found: 0,
            held_back: None,
            key: None,
            topics_in: TopicNames::default(),
            topics_out: TopicNumbers::default(),
            #[cfg(feature = "json")]
            last_topic: None,
            source: "/guests".to_owned(),
            next_ticket: 0,
            message: Vec::new(),
            texts: Texts::default(),
            last_message: 0,
            recipients: Vec::new(),
            prefix_cache: None,
            effects: VecDeque::new(),
            heard: now,
            wall_is_ahead: None,
            hello_until,
            pinged: None,
        }
    }

    /// Returns the next effect to carry out.
    pub fn poll(&mut self) -> Option<Effect> {
        if self.effects.is_empty() {
            self.flush();
        }
        self.effects.pop_front().or_else(|| self.queries.next())
    }

    /// Sets the wall clock, in milliseconds since 1970. An event without a time, or with a time far from this clock,
    /// gets the time of its arrival. Call it again when the clock is set. Before the first call, events keep their
    /// publishers' times.
    pub fn set_clock(&mut self, now: Millis, since_1970: Millis) {
        self.wall_is_ahead = Some(since_1970 as i64 - now as i64);
    }

    /// The number of pending effects. Carry them out before feeding many events, so that messages do not pile up.
    pub fn pending_effects(&self) -> usize {
        self.effects.len()
    }

    /// The socket gave a sign of life.
    pub fn heard(&mut self, now: Millis) {
        self.heard = now;
        self.pinged = None;
    }

    /// Closes the connection because the peer shuts down. Clients reconnect after this close code.
    pub fn shut_down(&mut self, message: &str) {
        self.close(CloseCode::GoingAway, message);
    }

    /// Closes the connection with `code`.
    pub fn close(&mut self, code: CloseCode, message: &str) {
        self.close_for(code, message, None);
    }

    /// Closes the connection with `code`. The client should not reconnect for `retry` milliseconds.
    pub fn close_for(&mut self, code: CloseCode, message: &str, retry: Option<u32>) {
        if self.state == ServerState::Closed {
            return;
        }
        let bye = frame::Bye { code: code.code(), message: message.to_owned(), retry };
        self.send(&FromPeer::Bye(bye));
        self.flush();
        (self.state, self.hello_until) = (ServerState::Closed, None);
        self.queries = Queries::default();
        self.effects.push_back(Effect::Close(code, message.to_owned()));
    }

    /// Closes because a message was larger than [`Options::max_message`].
    pub fn too_large(&mut self) {
        let message = format!("a message may have at most {} bytes", self.options.max_message);
        self.close(CloseCode::MessageTooLarge, &message);
    }

    /// The response to [`Effect::Open`] and [`Effect::Record`].
    pub fn opened(&mut self, opened: Opened) {
        let (client, returning) = match self.state {
            ServerState::Opening { client, fence, lowest, returning } => {
                ((client, fence, lowest), returning)
            }
            ServerState::Open { client: Some(client) } if self.is_being_recorded() => {
                (client, false)
            }
            _ => return,
        };
        match opened {
            Opened::Welcome { highest, highest_id, new } => {
                self.welcome(client, (highest, highest_id), new && returning, false);
                self.is_recorded();
            }
            Opened::Reader => self.welcome(client, (0, None), false, true),
            Opened::WrongSecret => {
                self.close(CloseCode::Unauthorized, "the secret does not match the client id")
            }
            Opened::WrongProof => {
                let message = "the proof is not by this key for this host, client, fencing token and credential";
                self.close(CloseCode::Unauthorized, message);
            }
            Opened::OtherKey => {
                let message =
                    "the client belongs to a device key that was not proven: come as a new client";
                self.close(CloseCode::OtherKey, message);
            }
            Opened::OtherSubject => {
                let message = "the client belongs to another subject: use a client for each";
                self.close(CloseCode::Unauthorized, message);
            }
            Opened::Fenced => self.fenced(),
            Opened::Limited { retry } => {
                let message = "too many new clients come from your address";
                self.close_for(CloseCode::Overloaded, message, Some(retry));
            }
            Opened::Refused(code, message) => self.close(code, message),
            Opened::Unavailable => {
                self.close(CloseCode::Unavailable, "the store cannot be used now")
            }
        }
    }

    /// The public key of the client's device, once the client is welcome. It has proven that it has the private key.
    pub fn key(&self) -> Option<&PublicKey> {
        self.key.as_ref().filter(|_| self.is_open())
    }

    /// Closes the connection because a newer connection of this client has taken over.
    pub fn fenced(&mut self) {
        self.close(CloseCode::Fenced, "a newer connection of this client has taken over");
    }

    fn is_open(&self) -> bool {
        matches!(self.state, ServerState::Open { .. })
    }

    fn is_closed(&self) -> bool {
        self.state == ServerState::Closed
    }

    fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }
}
