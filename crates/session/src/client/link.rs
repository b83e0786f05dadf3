//! The link: opens connections one after the other, performs the handshake, detects a dead peer, and decides when to
//! reconnect.

use std::cmp::Ordering;

use super::clone_detector::CloneDetector;
use super::signing::Proof;
use super::state::ClientState;
use super::tab_presence::TabPresence;
use super::{Client, ConnectionState, Effect, SavedState, StoreRequest};
use crate::rights::Rights;
use crate::wire::frame::{Bye, FromClient, Ping, Welcome};
use crate::wire::topic_numbers::{TopicNames, TopicNumbers};
use crate::{CloseCode, FrameKind, Millis};

/// What the peer says of itself and of the client when it admits it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct PeerSays {
    pub(crate) id: String,
    pub(crate) subject: Option<String>,
    pub(crate) rights: Rights,
    /// The kinds of frames beyond version 1 that it supports.
    pub(crate) kinds: Vec<u64>,
}

/// The state that ends with a connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) topics_in: TopicNames,
    pub(super) topics_out: TopicNumbers,
    pub(super) message: Vec<u8>,
    /// The fencing token for the hello, once the store has given it.
    pub(super) fence: Option<u64>,
    pub(super) proof: Proof,
    /// The fencing token of the hello, if it had no proof.
    pub(super) unproven: Option<u64>,
    /// An unexpected welcome, kept while the store is asked whether another tab explains it.
    pub(super) strange: Option<Welcome>,
    pub(super) peer: PeerSays,
    /// Whether the peer has not recorded this client yet. Until it has, no durable event may be sent.
    pub(super) is_reading: bool,
    /// Whether the client has asked to be recorded.
    pub(super) is_asked: bool,
    pub(super) heartbeat: Millis,
    pub(super) heard: Millis,
    /// When the answer to a probe is due.
    pub(super) probe: Option<Millis>,
    /// When the ping was sent whose answer tells the round trip.
    pub(super) pinged: Option<Millis>,
    pub(super) round_trip: Option<Millis>,
    /// Since when the peer owes an answer and has sent nothing.
    pub(super) owing: Option<Millis>,
    /// For a follower: the client id of the leader's link.
    pub(super) client: [u8; 16],
    /// The numbers of the followers' subscriptions.
    pub(super) followers: Vec<u32>,
    /// Frames from the peer for the followers, not yet fetched.
    pub(super) for_followers: Vec<u8>,
    /// Which tabs are present at which topics.
    pub(super) tab_presence: TabPresence,
    /// The credential for the hello.
    pub(super) token: Option<String>,
    /// Whether a credential was shown since the peer last announced the end of one.
    pub(super) is_refreshed: bool,
    /// When to ask for a credential again.
    pub(super) fetch_at: Option<Millis>,
    /// Until when the peer wants publishes to be held back.
    pub(super) hold_until: Option<Millis>,
}

/// How long a link must last for the backoff to start over.
const STABLE: Millis = 10_000;
/// How long the peer may owe an answer in silence before it is probed. Waiting for a missed heartbeat would take too
/// long on a half-open link.
const OWING: Millis = 5_000;
/// How long a probe may stay unanswered.
const PROBE: Millis = 3_000;

impl Client {
    /// Connects, and reconnects from then on. Between two attempts, this makes the next one now.
    pub fn connect(&mut self, now: Millis) {
        if matches!(self.state, ClientState::Stopped | ClientState::Waiting { .. }) {
            self.open(now);
        }
    }

    /// Stops the link.
    pub fn stop(&mut self) {
        self.flush();
        self.effects.push_back(Effect::Close(CloseCode::GoingAway));
        self.disconnected();
        self.stopped(1_000, "the application closed the link");
    }

    /// Whether the link is stopped, so that it does not connect by itself.
    pub(crate) fn is_stopped(&self) -> bool {
        self.state == ClientState::Stopped
    }

    /// Call this when the page or the network is back: it checks the link at once. A hidden page may have missed the
    /// timer that would.
    pub fn wake(&mut self, now: Millis) {
        match self.state {
            ClientState::Waiting { .. } => self.open(now),
            ClientState::Online { .. } if !self.following => self.probe(now),
            _ => {}
        }
    }

    pub(super) fn probe(&mut self, now: Millis) {
        if self.connection.probe.is_none() {
            self.connection.probe = Some(now + PROBE);
            self.connection.pinged.get_or_insert(now);
            self.send(&FromClient::Ping(Ping { number: 0 }));
        }
    }

    /// The socket is open.
    pub fn opened(&mut self, now: Millis) {
        if !matches!(self.state, ClientState::Opening { .. }) {
            return;
        }
        self.state = ClientState::Greeting { until: now + self.options.connect_timeout };
        self.greet();
    }

    /// Takes a fencing token from the store. Only the last one requested belongs to this connection.
    pub(super) fn fence(&mut self, fence: u64) {
        if self.store_requests.fences == 0 {
            let fence = self.clone_detector.taken(fence);
            self.identity.fence = self.identity.fence.max(fence);
            self.connection.fence = Some(fence);
            self.greet();
        }
    }

    /// The socket has closed, or could not be opened.
    pub fn closed(&mut self, code: u16, reason: &str, now: Millis) {
        if !self.has_socket() {
            return;
        }
        if self.must_renew(code) {
            return self.renew(self.outbox.decided().0);
        }
        let is_final = self.ends(code);
        self.disconnected();
        if is_final {
            self.stopped(code, reason);
        } else {
            self.wait(now, 0);
        }
    }

    pub(super) fn welcomed(&mut self, welcome: Welcome, now: Millis) {
        let is_expected = matches!(self.state, ClientState::Greeting { .. })
            || (self.is_online() && self.connection.is_reading);
        if !is_expected {
            return self.out_of_step(now);
        }
        if self.is_strange(&welcome) || self.clone_detector.give_way(&self.options.tab) {
            // Another tab may have progressed meanwhile. The store knows.
            self.connection.strange = Some(welcome);
            return self.load();
        }
        self.admitted(welcome, now);
    }

    /// Whether the peer has decided an event that this client does not know. If so, the client is a copy of another
    /// one (a restored profile), or its store has lost its newest rows.
    fn is_strange(&mut self, welcome: &Welcome) -> bool {
        let highest = welcome.highest;
        let (decided, decided_id) = self.outbox.decided();
        let known = match highest.cmp(decided) {
            Ordering::Less => return false,
            Ordering::Equal => decided_id.clone(),
            Ordering::Greater => match self.outbox.get(highest) {
                Some(entry) => entry.row.id.clone(),
                None => return true,
            },
        };
        welcome.highest_id.as_ref().is_some_and(|id| highest > 0 && *id != known)
    }

    /// The store was loaded.
    pub(super) fn loaded(&mut self, now: Millis) {
        if self.state == ClientState::Storing {
            return self.open(now);
        }
        let Some(welcome) = self.connection.strange.take() else { return };
        if !self.is_strange(&welcome) && !self.clone_detector.give_way(&self.options.tab) {
            return self.admitted(welcome, now);
        }
        self.renew(welcome.highest);
    }

    /// Whether the peer admits this client only with a key that it does not have. Such a client continues as a new one.
    fn must_renew(&self, code: u16) -> bool {
        code == CloseCode::OtherKey.code()
            && self.stranger.is_none()
            && matches!(self.state, ClientState::Greeting { .. })
    }

    /// Gives up the identity. The peer may have decided its numbers up to `highest`.
    fn renew(&mut self, highest: u64) {
        self.clone_detector = CloneDetector::default();
        self.effects.push_back(Effect::Close(CloseCode::GoingAway));
        self.disconnected();
        self.state = ClientState::Storing;
        let SavedState { client, secret, .. } = SavedState::new(&mut self.entropy.borrow_mut());
        let from = self.identity.client;
        self.ask_store(StoreRequest::Renew { from, highest, client, secret });
    }

    /// The store now holds another client. What this connection says is about the old one.
    pub(super) fn other_client(&mut self, now: Millis) {
        self.clone_detector = CloneDetector::default();
        if self.has_socket() || matches!(self.state, ClientState::Waiting { .. }) {
            self.effects.push_back(Effect::Close(CloseCode::GoingAway));
            self.disconnected();
            self.open(now);
        }
    }

    /// The store has taken the new identity.
    pub(super) fn renewed(&mut self, now: Millis) {
        if self.state == ClientState::Storing {
            self.open(now);
        }
    }

    fn admitted(&mut self, welcome: Welcome, now: Millis) {
        if welcome.forgotten {
            self.uncertain();
        }
        self.connection.is_reading = welcome.reading;
        if self.is_online() {
            return self.pump(now);
        }
        self.state = ClientState::Online { since: now };
        self.outbox.sign_again();
        let Welcome { peer, subject, rights, kinds, heartbeat, .. } = welcome;
        self.connection.peer = PeerSays { id: peer, subject, rights, kinds };
        self.connection.heartbeat = heartbeat.into();
        self.effects.push_back(Effect::Link(ConnectionState::Online));
        self.ask_for_all();
        self.connection.owing = (!self.connection.message.is_empty()).then_some(now);
        self.pump(now);
    }

    /// Sends all subscriptions, requests and presences to a new connection.
    pub(super) fn ask_for_all(&mut self) {
        for id in self.subscriptions.ids() {
            self.ask(id);
        }
        self.send_requests();
        self.announce_presence();
    }

    /// Records how a connection ended, and returns whether that stops the link.
    fn ends(&mut self, code: u16) -> bool {
        if code == CloseCode::Fenced.code() {
            self.clone_detector.fenced(self.has_held());
        }
        self.is_final(code)
    }

    /// Handles a bye at once: not every WebSocket client sees the code of the close frame that follows.
    pub(super) fn bye(&mut self, bye: &Bye, now: Millis) {
        if self.must_renew(bye.code) {
            return self.renew(self.outbox.decided().0);
        }
        let is_final = self.ends(bye.code);
        self.effects.push_back(Effect::Close(CloseCode::GoingAway));
        self.disconnected();
        if is_final {
            self.stopped(bye.code, &bye.message);
        } else {
            self.wait(now, bye.retry.unwrap_or(0).into());
        }
    }

    /// The peer has broken the protocol. A new connection starts from a known state.
    pub(super) fn out_of_step(&mut self, now: Millis) {
        self.effects.push_back(Effect::Close(CloseCode::OutOfStep));
        self.disconnected();
        self.wait(now, 0);
    }

    /// Whether the peer supports frames of this kind. It would skip others, and never answer them. In a follower:
    /// whether the leader also passes them on.
    pub fn takes(&self, kind: u64) -> bool {
        self.is_online()
            && (kind <= FrameKind::LAST_OF_VERSION_1 || self.connection.peer.kinds.contains(&kind))
    }

    pub(super) fn is_online(&self) -> bool {
        matches!(self.state, ClientState::Online { .. })
    }

    /// Whether this client sends the events that wait. A follower leaves that to its leader.
    pub(super) fn sends(&self) -> bool {
        !self.following && self.stranger.is_none()
    }

    /// Whether there is a socket, or one is opening.
    pub(super) fn has_socket(&self) -> bool {
        let open = matches!(
            self.state,
            ClientState::Opening { .. } | ClientState::Greeting { .. } | ClientState::Online { .. }
        );
        open && !self.following
    }

    /// When to probe the peer, because it owes an answer.
    pub(super) fn probe_at(&self) -> Option<Millis> {
        self.connection.owing.filter(|_| self.connection.probe.is_none()).map(|since| since + OWING)
    }

    /// When the silence exceeds what the peer's heartbeat allows.
    pub(super) fn silence_ends(&self) -> Millis {
        self.connection.heard + 2 * self.connection.heartbeat + PROBE
    }

    /// Whether the connection counts as stable.
    fn has_held(&self) -> bool {
        matches!(self.state, ClientState::Online { since } if self.connection.heard >= since + STABLE)
    }

    pub(super) fn open(&mut self, now: Millis) {
        self.effects.push_back(Effect::Link(ConnectionState::Connecting));
        if self.options.credentials {
            self.state = ClientState::Fetching;
            self.effects.push_back(Effect::FetchCredential);
        } else {
            self.dial(now);
        }
    }

    pub(super) fn dial(&mut self, now: Millis) {
        self.state = ClientState::Opening { until: now + self.options.connect_timeout };
        self.effects.push_back(Effect::Open);
        (self.connection.fence, self.connection.proof) = (None, Proof::NotAsked);
        self.store_requests.fences += 1;
        self.ask_store(StoreRequest::TakeFence { used: self.identity.fence });
    }

    pub(super) fn give_up(&mut self, now: Millis) {
        self.effects.push_back(Effect::Close(CloseCode::Silent));
        self.disconnected();
        self.wait(now, 0);
    }

    pub(super) fn disconnected(&mut self) {
        if self.has_held() {
            self.backoff.reset();
        }
        self.connection = Connection::default();
        self.subscriptions.disconnected();
        self.requests.disconnected();
        self.presence_state.disconnected();
        self.requeue(0);
    }

    pub(super) fn wait(&mut self, now: Millis, at_least: Millis) {
        if self.following {
            return self.state = ClientState::Following;
        }
        let mut random = [0; 8];
        self.entropy.borrow_mut()(&mut random);
        let retry_in = at_least + self.backoff.next(u64::from_le_bytes(random));
        self.state = ClientState::Waiting { until: now + retry_in };
        self.effects.push_back(Effect::Link(ConnectionState::Offline { retry_in }));
    }

    fn stopped(&mut self, code: u16, reason: &str) {
        self.state = ClientState::Stopped;
        let reason = reason.to_owned();
        self.effects.push_back(Effect::Link(ConnectionState::Stopped { code, reason }));
    }
}
