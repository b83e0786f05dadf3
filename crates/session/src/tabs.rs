//! Tabs of one origin that share a link: one leads and has the socket, the others are its followers.
//!
//! A [`Tab`] holds a tab's [`Client`] and says what to do with a lock that one tab has at a time (a Web
//! Lock) and a channel that all tabs hear (a `BroadcastChannel`). It must be given a store that all
//! these tabs share. Where there is no lock, no channel or no such store, a tab has a client of its own.
//!
//! The leader's client sends the rows of all tabs, in the order of their numbers, and deletes what is
//! answered; before it does, it tells the others. So an answer that is lost with a leader is asked for
//! again by the next. A follower's subscriptions stand on the leader's connection and resume from the
//! follower's own positions: another leader is no more to it than another connection.
//!
//! The lock decides who leads; terms tell a leader that it was deposed, and followers whom to believe,
//! before the lock does. The peer's fence is the last guard.

mod broadcasting;
mod effect;
mod receiving;
mod leading;
mod message;
mod fallback;
mod timers;

use std::collections::VecDeque;
use std::fmt;

use topic::Topic;

use crate::client::{
    StoreResponse, Client, Entropy, ConnectionState, Options, Outcome, SavedState, StoreRequest, StoreFailed, TabId,
};
use crate::{Body, Millis, RejectCode};
pub use effect::Effect;
use message::{Envelope, TabMessage};
pub use fallback::Lane;
use fallback::FallbackClient;

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
    told: Vec<String>,
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

#[derive(Debug)]
struct Follower {
    tab: TabId,
    visit: u32,
    base: u32,
    /// Beats since it was last heard.
    missed: u32,
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
            told: Vec::new(),
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
            Some(Envelope { from, message }) if from != self.id => self.handle_message(from, message),
            _ => self.ignored += 1,
        }
    }

    /// See [`Client::opened`].
    pub fn opened(&mut self, now: Millis) {
        if let Some(client) = self.client_on(Lane::Shared, now) {
            client.opened(now);
        }
    }

    /// See [`Client::received`].
    pub fn received(&mut self, message: &[u8], now: Millis) {
        if let Some(client) = self.client_on(Lane::Shared, now) {
            client.received(message, now);
        }
    }

    /// See [`Client::closed`].
    pub fn closed(&mut self, code: u16, reason: &str, now: Millis) {
        if let Some(client) = self.client_on(Lane::Shared, now) {
            client.closed(code, reason, now);
        }
    }

    /// See [`Client::credential`].
    pub fn credential(&mut self, credential: Option<String>, now: Millis) {
        if let Some(client) = self.client_on(Lane::Shared, now) {
            client.credential(credential, now);
        }
    }

    /// Like [`Client::connect`]: the application of any tab has fixed the cause of a stopped link.
    pub fn connect(&mut self, now: Millis) {
        self.now = now;
        match self.role {
            Role::Out | Role::Leaving => {}
            Role::Leading => self.client.connect(now),
            Role::Following => self.post(TabMessage::Connect),
        }
        self.use_fallback();
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
        let event = TabMessage::Event { topic: topic.clone(), body: body.encode(), ephemeral: true };
        self.post(event);
        match self.role {
            Role::Leading => self.client.send_ephemeral(topic, body),
            _ => self.base != 0,
        }
    }

    /// Sends a local event to the other tabs.
    pub fn share(&mut self, topic: &Topic, body: &Body) {
        let event = TabMessage::Event { topic: topic.clone(), body: body.encode(), ephemeral: false };
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

/// Whether the outcome is unknown to the tab that reports it. Others may know it.
fn is_uncertain(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected(RejectCode::Uncertain, _))
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
