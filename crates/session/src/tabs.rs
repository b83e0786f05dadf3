//! Tabs of one origin that share a link: one leads and has the socket, the others follow it.
//!
//! The leader's client sends the rows of all tabs, in the order of their numbers. Once a row is answered, it reports
//! the outcome to the other tabs and then deletes the row; so the next leader asks again for an answer that is lost
//! with its leader. A follower's subscriptions are made on the leader's connection and resume from the follower's own
//! positions: a new leader is like a new connection.
//!
//! The lock decides which tab leads. Terms tell a leader that it was deposed, and followers which leader to believe,
//! before the lock does. The peer's fencing token is the last safeguard.
//!
//! # How to drive this machine
//!
//! A [`Tab`] owns the tab's [`Client`] and is driven like one: feed inputs, then call [`Tab::poll`] until it returns
//! `None`, and carry out the [`Effect`]s in order. Call [`Tab::tick`] at [`Tab::deadline`]. A tab also needs:
//!
//! - **A shared store** for all tabs of the origin. Answer the client's store requests with [`Tab::answer`], not with
//!   [`Client::answer`].
//! - **A lock** that one tab holds at a time (a Web Lock). [`Effect::RequestLock`] waits for it and
//!   [`Effect::StealLock`] takes it: call [`Tab::lock_granted`] when the tab has it, and [`Tab::lock_lost`] if another
//!   tab steals it. [`Effect::ReleaseLock`] releases it, or ends the wait.
//! - **A channel** to all other tabs (a `BroadcastChannel`). [`Effect::Post`] sends a message; pass each message of
//!   another tab to [`Tab::heard`].
//! - **Up to two sockets.** [`Effect::Client`] carries the effects of the shared client, and [`Effect::Fallback`] those
//!   of the client that sends what the store could not take. Report what happens on a socket to
//!   [`Tab::client_on`] with its [`Lane`].
//!
//! [`Tab::start`] begins; [`Tab::leave`] ends, for example before a page is frozen. Without a lock, a channel or a
//! shared store, call [`Tab::go_alone`] instead of waiting for the lock. The application publishes and subscribes with
//! [`Tab::client`], but reconnects, cancels and sends ephemeral events with the tab's own methods.
//!
//! ```
//! use session::client::{self, MemoryOutbox, Options, SavedState};
//! use session::tabs::{Effect, Lane, Tab};
//!
//! let mut entropy: client::Entropy = Box::new(|bytes| bytes.fill(7)); // use real randomness
//! let mut store = MemoryOutbox::new(SavedState::new(&mut entropy));
//! let options = Options { tab: [1; 16], ..Options::default() };
//! let mut tab = Tab::new(options, entropy, store.saved().clone());
//! let mut sent = Vec::new();
//! tab.start(0);
//! while let Some(effect) = tab.poll() {
//!     match effect {
//!         Effect::RequestLock => tab.lock_granted(0), // no other tab holds it
//!         Effect::Client(client::Effect::Store(request)) => tab.answer(Ok(store.run(request)), 0),
//!         Effect::Client(client::Effect::Open) => {
//!             if let Some(client) = tab.client_on(Lane::Shared, 0) {
//!                 client.opened(0); // a real socket opens later
//!             }
//!         }
//!         Effect::Client(client::Effect::Send(message)) => sent.push(message),
//!         _ => {} // the channel, the fallback's socket, and reports for the application
//!     }
//! }
//! assert!(tab.leads());
//! assert_eq!(sent.len(), 1); // the hello
//! ```

mod broadcasting;
mod effect;
mod fallback;
mod leading;
mod message;
mod receiving;
mod signing;
mod timers;

use std::collections::VecDeque;
use std::fmt;

use topic::Topic;

use crate::client::{
    Client, ConnectionState, Entropy, Options, SavedState, StoreFailed, StoreRequest,
    StoreResponse, TabId,
};
use crate::{Body, Millis};
pub use effect::Effect;
use fallback::FallbackClient;
pub use fallback::Lane;
use leading::Follower;
use message::{Envelope, TabMessage};

/// The state machine. See the [module](self) for how to drive it.
pub struct Tab {
    client: Client,
    /// Sends events that the store could not take.
    fallback: Option<Box<FallbackClient>>,
    id: TabId,
    role: Role,
    /// The highest term seen. A leader's own term.
    term: u64,
    /// For a follower: the leader.
    leader: Option<TabId>,
    /// For a follower: the base of its subscriptions' numbers; 0 while it has no link.
    base: u32,
    /// Whether the leader has listed this tab among its followers.
    placed: bool,
    /// How often this tab became a follower. What a leader says about an earlier visit is outdated.
    visit: u32,
    followers: Vec<Follower>,
    last_base: u32,
    /// The last state of the leader's link.
    link: ConnectionState,
    /// When the leader was last heard, or when its time to answer began.
    heard: Millis,
    /// When the leader was asked for a sign of life.
    asked: Option<Millis>,
    spoke: Millis,
    beat: Millis,
    beat_is_due: bool,
    /// When to request the lock again.
    lock_at: Option<Millis>,
    /// When to register with the leader again.
    join_at: Option<Millis>,
    /// Events whose outcome another tab has reported.
    reported: Vec<String>,
    /// The number of store requests without an answer.
    asked_store: usize,
    effects: VecDeque<Effect>,
    now: Millis,
    ignored: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Out,
    /// Leaving, but not yet announced.
    Leaving,
    Following,
    Leading,
}

/// After this much silence of the leader a follower asks for a sign of life.
const QUIET: Millis = 3_000;
/// How long the leader has to answer. Each tab waits up to twice this time, so that not all of them steal the lock at
/// once.
const PATIENCE: Millis = 2_000;
/// How often a leader with followers announces itself.
const BEAT: Millis = 20_000;
/// A follower that has sent something within this time does not answer a beat.
const SPOKEN: Millis = 15_000;
/// How long a fenced leader does not request the lock, and how long a follower that lost its place waits before it
/// asks again.
const AWAY: Millis = 1_000;

impl Tab {
    /// Creates a tab that does not take part yet. [`Options::tab`] is its id. An event that the store cannot take is
    /// sent from memory by the [fallback client](Self::fallback), because the store could give the event's number to
    /// another tab.
    pub fn new(options: Options, entropy: Entropy, saved: SavedState) -> Self {
        Self {
            id: options.tab,
            client: Client::new(options, entropy, saved),
            fallback: None,
            role: Role::Out,
            term: 0,
            leader: None,
            base: 0,
            placed: false,
            visit: 0,
            followers: Vec::new(),
            last_base: 0,
            link: ConnectionState::Connecting,
            heard: 0,
            asked: None,
            spoke: 0,
            beat: 0,
            beat_is_due: false,
            lock_at: None,
            join_at: None,
            reported: Vec::new(),
            asked_store: 0,
            effects: VecDeque::new(),
            now: 0,
            ignored: 0,
        }
    }

    /// The tab's client, for publishing, subscribing and queries. Report what happens to its store to the tab, and
    /// what happens on its socket to [`Tab::client_on`].
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Whether this tab leads and has the socket.
    pub fn leads(&self) -> bool {
        self.role == Role::Leading
    }

    /// The number of messages that were invalid, or that their sender must not send.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Takes part, and loads the store.
    pub fn start(&mut self, now: Millis) {
        self.now = now;
        match self.role {
            Role::Out => {}
            Role::Leaving => self.effects.push_back(Effect::ReleaseLock),
            Role::Following | Role::Leading => return,
        }
        self.role = Role::Following;
        (self.heard, self.asked) = (now, None);
        self.client.follow();
        self.client.load();
        self.effects.push_back(Effect::RequestLock);
        self.visit_anew();
        self.use_fallback();
    }

    /// Stops taking part, because the page closes or is frozen. Gives up the socket at once, and the lock after the
    /// store has answered everything. So the remaining tabs load the store after the last row was written; otherwise
    /// they hear of that row, or find out that this page ended silently.
    pub fn leave(&mut self, now: Millis) {
        self.now = now;
        if self.takes_part() {
            if !self.leads() {
                self.part(ConnectionState::Connecting);
            }
            self.follow();
            self.role = Role::Leaving;
            self.rest_fallback();
            (self.lock_at, self.join_at) = (None, None);
        }
    }

    fn takes_part(&self) -> bool {
        matches!(self.role, Role::Following | Role::Leading)
    }

    /// The browser has granted the lock to this tab.
    pub fn lock_granted(&mut self, now: Millis) {
        self.now = now;
        match self.role {
            Role::Out | Role::Leaving => self.effects.push_back(Effect::ReleaseLock),
            Role::Leading => {}
            Role::Following => {
                self.role = Role::Leading;
                self.term += 1;
                (self.leader, self.base, self.lock_at, self.join_at) = (None, 0, None, None);
                self.link = ConnectionState::Connecting;
                self.client.lead();
                self.beat_is_due = true;
            }
        }
    }

    /// The browser has neither lock nor channel: this tab continues alone, with its own store. Rows in the shared
    /// store stay there.
    pub fn go_alone(&mut self, now: Millis) {
        self.client.leave_rows();
        self.lock_granted(now);
    }

    /// Another tab has stolen the lock from this one.
    pub fn lock_lost(&mut self, now: Millis) {
        self.now = now;
        if self.leads() {
            self.follow();
            self.effects.push_back(Effect::RequestLock);
        }
    }

    /// Handles a message from another tab.
    pub fn heard(&mut self, message: &[u8], now: Millis) {
        self.now = now;
        if !self.takes_part() {
            return;
        }
        match Envelope::decode(message) {
            Some(Envelope { from, message }) if from != self.id => {
                self.handle_message(from, message)
            }
            _ => self.ignored += 1,
        }
    }

    /// Like [`Client::connect`], from any tab: the cause of a stopped link is fixed, or a user does not want to wait
    /// for the next attempt.
    pub fn connect(&mut self, now: Millis) {
        self.now = now;
        match self.role {
            Role::Out | Role::Leaving => {}
            Role::Leading => self.client.connect(now),
            Role::Following => self.post(TabMessage::Connect),
        }
        self.connect_fallback(|_| true);
    }

    /// See [`Client::answer`].
    pub fn answer(&mut self, answer: Result<StoreResponse, StoreFailed>, now: Millis) {
        self.now = now;
        self.asked_store = self.asked_store.saturating_sub(1);
        match &answer {
            Ok(StoreResponse::Kept { .. }) => self.rest_fallback(),
            Err(StoreFailed { asked: StoreRequest::Keep { .. }, .. }) => self.spill(),
            _ => {}
        }
        let renewed = matches!(answer, Ok(StoreResponse::Renewed { .. }));
        let loaded = matches!(answer, Ok(StoreResponse::Loaded { .. }));
        self.client.answer(answer, now);
        if loaded && self.leads() {
            self.tell_answered();
        }
        if loaded {
            for id in self.client.lost() {
                self.post(TabMessage::Lost { id });
            }
        }
        if renewed {
            self.post(TabMessage::Renewed);
        }
    }

    /// Call this when the page or the network is back: it checks the link at once.
    pub fn wake(&mut self, now: Millis) {
        self.now = now;
        match self.role {
            Role::Leading => self.client.wake(now),
            Role::Following if self.asked.is_none() => self.ask(),
            _ => {}
        }
        if let Some(fallback) = self.fallback() {
            fallback.wake(now);
        }
    }

    /// Sends an ephemeral event to the other tabs, and to the peer if this tab leads or the leader receives the
    /// event. Returns whether it may reach the peer.
    pub fn send_ephemeral(&mut self, topic: &Topic, body: &Body) -> bool {
        let event =
            TabMessage::Event { topic: topic.clone(), body: body.encode(), ephemeral: true };
        self.post(event);
        match self.role {
            Role::Leading => self.client.send_ephemeral(topic, body),
            _ => self.base != 0,
        }
    }

    /// Sends a local event to the other tabs.
    pub fn share(&mut self, topic: &Topic, body: &Body) {
        let event =
            TabMessage::Event { topic: topic.clone(), body: body.encode(), ephemeral: false };
        self.post(event);
    }

    /// Returns the next effect to carry out.
    pub fn poll(&mut self) -> Option<Effect> {
        loop {
            if let Some(effect) = self.effects.pop_front() {
                return Some(effect);
            }
            if let Some(effect) = self.poll_fallback() {
                return Some(effect);
            }
            if let Some(effect) = self.poll_client() {
                self.broadcast(effect);
                continue;
            }
            if std::mem::take(&mut self.beat_is_due) && self.leads() {
                self.say_who_leads();
                continue;
            }
            if self.role == Role::Leaving && self.asked_store == 0 {
                self.post(TabMessage::Bye);
                self.role = Role::Out;
                self.effects.push_back(Effect::ReleaseLock);
                continue;
            }
            let frames = self.client.for_followers();
            if frames.is_empty() {
                return None;
            }
            self.post(TabMessage::FromPeer { term: self.term, frames });
        }
    }

    fn post(&mut self, message: TabMessage) {
        if self.role != Role::Out {
            self.spoke = self.now;
            let envelope = Envelope { from: self.id, message };
            self.effects.push_back(Effect::Post(envelope.encode()));
        }
    }
}

impl fmt::Debug for Tab {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tab")
            .field("client", &self.client)
            .field("role", &self.role)
            .field("term", &self.term)
            .field("leader", &self.leader)
            .field("base", &self.base)
            .field("followers", &self.followers)
            .finish_non_exhaustive()
    }
}
