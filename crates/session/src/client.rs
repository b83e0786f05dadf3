//! The bridge's end of a link. A [`Client`] outlives connections, keeps what is not answered yet, and knows how far
//! each subscription has read.
//!
//! # How to drive this machine
//!
//! The owner feeds inputs, then calls [`Client::poll`] until it returns `None`, and carries out the [`Effect`]s in
//! order. Every input may cause effects, so poll after each one. Inputs take `now`, the time of a monotonic clock.
//!
//! - **The link.** [`Client::connect`] starts it. [`Effect::Open`] asks for a socket: call [`Client::opened`] or
//!   [`Client::closed`] later, [`Client::received`] for each binary message, and `closed` once when the socket ends.
//!   After [`Effect::Close`] the socket is no longer the client's: report nothing of it. The client reconnects by
//!   itself, with a new `Open`, until [`ConnectionState::Stopped`].
//! - **The store.** Answer each [`Effect::Store`] with [`Client::answer`], once and in order; failures too. A store in
//!   memory is [`MemoryOutbox`].
//! - **The device's key.** Answer [`Effect::Prove`] with [`Client::proved`] or [`Client::cannot_prove`], and
//!   [`Effect::Sign`] with [`Client::signed`] or [`Client::cannot_sign`]. The first comes only with
//!   [`Options::proves`], the second only after a publish with [`PublishOptions::signed`]. If the key comes after
//!   [`Client::cannot_prove`], call [`Client::prove_again`].
//! - **Credentials.** Answer [`Effect::FetchCredential`] with [`Client::credential`]. It comes only with
//!   [`Options::credentials`].
//! - **Time.** Call [`Client::tick`] at [`Client::deadline`], which may change with every input. An early or late tick
//!   does no harm. [`Client::set_clock`] sets the wall clock by which events expire. [`Client::wake`] checks the link
//!   at once, for a page that was asleep.
//! - **The application.** [`Client::publish`], [`Client::subscribe`], [`Client::history`], [`Client::delete`],
//!   [`Client::join`] and [`Client::watch`] work in every state, also offline. Report each [`Effect::Deliver`] as taken
//!   with [`Client::taken`], or the peer runs out of credit. All other effects are reports for the application.
//!
//! ```
//! use session::client::{Client, Effect, MemoryOutbox, Options, SavedState};
//!
//! let mut entropy: session::client::Entropy = Box::new(|bytes| bytes.fill(7)); // use real randomness
//! let mut store = MemoryOutbox::new(SavedState::new(&mut entropy));
//! let mut client = Client::new(Options::default(), entropy, store.saved().clone());
//! let mut sent = Vec::new();
//! client.connect(0);
//! while let Some(effect) = client.poll() {
//!     match effect {
//!         Effect::Open => client.opened(0), // a real socket opens later
//!         Effect::Send(message) => sent.push(message),
//!         Effect::Store(request) => client.answer(Ok(store.run(request)), 0),
//!         Effect::Deliver(delivery) => client.taken(&delivery.subscriptions, delivery.bytes),
//!         _ => {} // close the socket, or report to the application
//!     }
//! }
//! assert_eq!(sent.len(), 1); // the hello
//! assert!(client.deadline().is_some()); // the handshake has a time limit
//! ```

mod backoff;
mod clone_detector;
mod credential;
mod credit;
mod effect;
mod expected;
mod follower_frames;
mod greeting;
mod history;
mod identity;
mod inspecting;
mod link;
mod memory;
mod outbox;
mod presence;
mod publishing;
mod reading;
mod requests;
mod sharing;
mod signing;
mod state;
mod store;
mod store_requests;
mod subscriptions;
mod tab_presence;
mod timers;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use crate::rights::Rights;
use crate::wire::frame::{FromClient, FromPeer};
use crate::{FrameKind, Millis};
use backoff::Backoff;
use clone_detector::CloneDetector;
pub use credit::Window;
pub use effect::{
    ConnectionState, Delivery, Effect, HistoryError, Occupants, Older, Outcome, ProofRequest,
    RequestError, RequestId,
};
use identity::Identity;
use link::Connection;
pub(crate) use link::PeerSays;
pub use memory::MemoryOutbox;
use outbox::{Outbox, OutboxEntry};
use presence::PresenceState;
pub use publishing::{PublishError, PublishOptions};
use requests::Requests;
pub(crate) use sharing::MAX_BASE;
use state::ClientState;
pub use store::{
    OutboxRow, SavedState, Secret, StoreError, StoreFailed, StoreRequest, StoreResponse, TabId,
};
use store_requests::StoreRequests;
pub use subscriptions::SubscriptionId;
pub use subscriptions::SubscriptionState;
use subscriptions::Subscriptions;

/// Fills bytes with unpredictable randomness, for identities and jitter.
pub type Entropy = Box<dyn FnMut(&mut [u8])>;

/// The limits of a client.
#[derive(Debug, Clone)]
pub struct Options {
    /// The maximum number of events in the outbox.
    pub outbox_events: usize,
    /// The maximum number of bytes in the outbox.
    pub outbox_bytes: usize,
    /// The maximum size of an event's body, in bytes.
    pub max_event: usize,
    /// The time limit for opening a socket, and again for the handshake, in milliseconds.
    pub connect_timeout: Millis,
    /// Whether the peer requires a credential. If so, [`Effect::FetchCredential`] comes before each connection.
    pub credentials: bool,
    /// Whether the client proves that it has the device's key. If so, [`Effect::Prove`] comes before each hello.
    pub proves: bool,
    /// Identifies this page among those that share its store. Random, new with each load of the page.
    pub tab: TabId,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            outbox_events: 10_000,
            outbox_bytes: 16 << 20,
            max_event: (1 << 20) - 1_024,
            connect_timeout: 10_000,
            credentials: false,
            proves: false,
            tab: [0; 16],
        }
    }
}

/// The state machine. See the [module](self) for how to drive it.
pub struct Client {
    options: Options,
    entropy: Rc<RefCell<Entropy>>,
    identity: Identity,
    /// Used in place of `identity` while the store has not said what it holds.
    stranger: Option<Identity>,
    /// The source of the events that the device's key has signed.
    key_source: Option<Rc<str>>,
    state: ClientState,
    clone_detector: CloneDetector,
    backoff: Backoff,
    outbox: Outbox,
    store_requests: StoreRequests,
    /// Rows that this page has kept under the numbers of a client that it has not loaded yet.
    renumbered: Vec<OutboxRow>,
    /// The wall clock minus the clock of `now`, in milliseconds.
    wall_is_ahead: i64,
    subscriptions: Subscriptions,
    /// Settled events that subscriptions have not read past, each with its position, in the order of their answers.
    expected: VecDeque<OutboxEntry>,
    requests: Requests,
    presence_state: PresenceState,
    /// Whether another tab has the socket.
    following: bool,
    /// The outcomes of the last events, in this tab or others: a row may still arrive, or a tab may ask.
    recent: VecDeque<(String, Outcome)>,
    connection: Connection,
    effects: VecDeque<Effect>,
}

/// Messages are cut at about this size, so that many frames do not become one large message.
const MESSAGE_BYTES: usize = 64 << 10;

impl Client {
    /// Creates a client that continues from what its store holds. It is not connected. Events that wait in the outbox
    /// are reported as [`Effect::Pending`].
    pub fn new(options: Options, entropy: Entropy, saved: SavedState) -> Self {
        let mut client = Self {
            identity: Identity::of(&saved),
            stranger: None,
            key_source: None,
            state: ClientState::Stopped,
            clone_detector: CloneDetector::default(),
            backoff: Backoff::default(),
            outbox: Outbox::new(options.outbox_events, options.outbox_bytes),
            store_requests: StoreRequests::default(),
            renumbered: Vec::new(),
            wall_is_ahead: 0,
            subscriptions: Subscriptions::default(),
            expected: VecDeque::new(),
            requests: Requests::default(),
            presence_state: PresenceState::default(),
            following: false,
            recent: VecDeque::new(),
            connection: Connection::default(),
            effects: VecDeque::new(),
            options,
            entropy: Rc::new(RefCell::new(entropy)),
        };
        client.restore(saved, 0);
        client
    }

    /// Creates another client for this page, with its own identity and an in-memory store.
    pub(crate) fn another(&self) -> (Self, MemoryOutbox) {
        let entropy = Rc::clone(&self.entropy);
        let mut entropy: Entropy = Box::new(move |bytes| entropy.borrow_mut()(bytes));
        let saved = SavedState::new(&mut entropy);
        let mut other = Self::new(self.options.clone(), entropy, saved.clone());
        other.key_source.clone_from(&self.key_source);
        (other, MemoryOutbox::new(saved))
    }

    /// Sets the wall clock, in milliseconds since 1970, by which events expire. Call it again when the page wakes up.
    /// Until the first call, the clock of all other calls counts as the wall clock.
    pub fn set_clock(&mut self, now: Millis, since_1970: Millis) {
        self.wall_is_ahead = since_1970 as i64 - now as i64;
    }

    fn wall(&self, now: Millis) -> Millis {
        now.saturating_add_signed(self.wall_is_ahead)
    }

    /// Returns the next effect to carry out.
    pub fn poll(&mut self) -> Option<Effect> {
        if self.effects.is_empty() {
            self.flush();
            self.ask_store_for_the_rest();
            self.pass();
        }
        self.effects.pop_front()
    }

    /// The id under which the peer knows this client. Events in the log name it in their source.
    pub fn id(&self) -> [u8; 16] {
        self.identity.client
    }

    /// Whether events with this source, which the peer attests, are this client's. Their source is `/clients/<id>` or
    /// [that of its key](Self::signs_as), followed by what the client itself wrote.
    pub fn is_own(&self, source: &str) -> bool {
        let rest = self.key_source.as_deref().and_then(|own| source.strip_prefix(own));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            || self.identity.is_own(source)
    }

    /// The peer's id as it occurs on the path of events, once the peer has welcomed this client.
    pub fn peer(&self) -> Option<&str> {
        self.is_online().then_some(self.connection.peer.id.as_str())
    }

    /// Whose connection the peer says this is: an account's name, or `~` and a client id. `None` while offline, and if
    /// the peer does not say.
    pub fn subject(&self) -> Option<&str> {
        self.connection.peer.subject.as_deref().filter(|_| self.is_online())
    }

    /// What this client may do, as the peer says.
    pub fn rights(&self) -> &Rights {
        &self.connection.peer.rights
    }

    pub(crate) fn peer_says(&self) -> PeerSays {
        let mut peer = self.connection.peer.clone();
        // A leader passes on only frames of the kinds that it knows.
        peer.kinds.retain(|kind| FrameKind::from_number(*kind).is_some());
        peer
    }

    /// Handles a binary message from the socket.
    pub fn received(&mut self, message: &[u8], now: Millis) {
        self.connection.heard = now;
        self.connection.probe = None;
        self.connection.owing = None;
        for frame in FromPeer::decode_with_bytes(message) {
            if !matches!(self.state, ClientState::Greeting { .. } | ClientState::Online { .. }) {
                return;
            }
            match frame {
                Ok((frame, bytes)) => self.frame(frame, bytes, now),
                Err(_) => return self.out_of_step(now),
            }
        }
        if self.outbox.has_unanswered() {
            self.connection.owing = Some(now);
        }
        self.pump(now);
    }

    fn frame(&mut self, frame: FromPeer, bytes: &[u8], now: Millis) {
        if self.pass_on(&frame, bytes) {
            return;
        }
        match frame {
            FromPeer::Welcome(welcome) => self.welcomed(welcome, now),
            FromPeer::ChangedRights(rights) => self.connection.peer.rights = rights,
            FromPeer::Ack(ack) => self.acked(ack),
            FromPeer::Reject(reject) => self.rejected(reject, now),
            FromPeer::Subscribed(subscribed) => self.subscribed(subscribed),
            FromPeer::Refused(refused) => self.refused(refused),
            FromPeer::CaughtUp(caught_up) => self.caught_up(caught_up),
            FromPeer::Gap(gap) => self.gap(gap),
            FromPeer::Event(event) => self.event(event, now),
            FromPeer::Ping(ping) => self.send(&FromClient::Pong(ping)),
            FromPeer::Pong(_) => self.ponged(now),
            FromPeer::Bye(bye) => self.bye(&bye, now),
            FromPeer::Expiring(_) => self.expiring(),
            FromPeer::Page(page) => self.page(page, now),
            FromPeer::Present(present) => self.present(present),
            FromPeer::Presence(presence) => self.presence(presence),
            FromPeer::NotPresent(not_present) => self.not_present(not_present),
            FromPeer::Denied(denied) => self.denied(denied),
            FromPeer::Deleted(deleted) => self.deleted(deleted, now),
            FromPeer::Tallied(tallied) => self.tallied(tallied, now),
        }
    }

    fn send(&mut self, frame: &FromClient) {
        frame.encode(&mut self.connection.message);
        self.flush_if_long();
    }

    fn flush_if_long(&mut self) {
        if self.connection.message.len() >= MESSAGE_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.connection.message.is_empty() {
            let message = std::mem::take(&mut self.connection.message);
            self.effects.push_back(Effect::Send(message));
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the identity: its secret must not be logged.
        out.debug_struct("Client")
            .field("state", &self.state)
            .field("outbox", &self.outbox.len())
            .finish_non_exhaustive()
    }
}
