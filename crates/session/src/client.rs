//! The bridge's end of a link: outlives connections, keeps what has no answer, knows how far it read.
//!
//! Its owner tells it what the application wants, what the socket says and what time it is, and
//! carries out its [`Effect`]s in order. It reconnects by itself: [`Effect::Open`] asks for a socket,
//! [`Client::deadline`] says when [`Client::tick`] wants to be called.

mod backoff;
mod interests;
mod outbox;

use std::collections::VecDeque;
use std::fmt;

use bus::{Pattern, Topic};

use crate::frame::{self, FromClient, FromPeer, Head};
use crate::topics::{TopicNames, TopicNumbers};
use crate::{Body, CloseCode, Durability, MAX_UNANSWERED, Millis, Position, RejectCode, Start};
use backoff::Backoff;
use interests::{Interests, Turn};
use outbox::Outbox;

/// Names a subscription of a [`Client`], over all its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(u64);

/// Fills bytes with randomness that nobody can guess: identities and jitter are made of it.
pub type Entropy = Box<dyn FnMut(&mut [u8])>;

/// What the owner of a [`Client`] is to do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Open a socket; then call [`Client::opened`] or [`Client::closed`].
    Open,
    /// Send a binary message.
    Send(Vec<u8>),
    /// Close the socket, if there is one, and forget it: nothing it says counts any more.
    Close(CloseCode),
    /// The link has changed.
    Link(LinkState),
    /// An event for some subscriptions; once, however many they are.
    Deliver(Delivery),
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
    /// Everything that was there when the subscription started has been delivered.
    CaughtUp(SubscriptionId),
    /// Events that the subscription asked for are gone from the log: the first and last offset.
    Gap(SubscriptionId, u64, u64),
    /// The log is another one than the subscription has read so far; it starts anew.
    Reset(SubscriptionId),
    /// The peer does not make the subscription; it has ended.
    Refused(SubscriptionId, RejectCode, String),
}

/// The state of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// A socket is being opened, or greeted.
    Connecting,
    /// Frames flow.
    Online,
    /// The next try comes in so many milliseconds.
    Offline {
        /// Milliseconds.
        retry_in: Millis,
    },
    /// There is no next try before [`Client::connect`]: the peer said so with this close code, or the
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
}

/// The answer to a durable publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log.
    Stored(Position, Durability),
    /// It is not, and will not be. [`RejectCode::Uncertain`]: nobody knows.
    Rejected(RejectCode, String),
}

/// Why a publish was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The bound of the outbox is reached.
    #[error("the outbox is full: wait until the link has taken some of the events")]
    OutboxFull,
    /// The event is larger than any peer takes.
    #[error("the event has {0} bytes: more than a message may have")]
    TooLarge(usize),
}

/// The bounds of a client.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most events in the outbox.
    pub outbox_events: usize,
    /// The most bytes in the outbox.
    pub outbox_bytes: usize,
    /// The most bytes of an event's body.
    pub max_event: usize,
    /// How long opening and greeting may take, each, in milliseconds.
    pub connect_timeout: Millis,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            outbox_events: 10_000,
            outbox_bytes: 16 << 20,
            max_event: (1 << 20) - 1_024,
            connect_timeout: 10_000,
        }
    }
}

/// The state machine. See the [module](self).
pub struct Client {
    options: Options,
    entropy: Entropy,
    identity: Identity,
    state: State,
    backoff: Backoff,
    outbox: Outbox,
    interests: Interests,
    connection: Connection,
    effects: VecDeque<Effect>,
}

struct Identity {
    client: [u8; 16],
    secret: [u8; 32],
    fence: u64,
    known: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Stopped,
    Waiting { until: Millis },
    Opening { until: Millis },
    Greeting { until: Millis },
    Online { since: Millis },
}

/// What is forgotten when a connection ends.
#[derive(Debug, Default)]
struct Connection {
    topics_in: TopicNames,
    topics_out: TopicNumbers,
    message: Vec<u8>,
    peer: String,
    heartbeat: Millis,
    heard: Millis,
    /// An answer to a probe is due.
    probe: Option<Millis>,
    /// The peer asked to hold back publishes.
    hold_until: Option<Millis>,
}

/// How long a link must have held for the next wait to be short again.
const STABLE: Millis = 10_000;
/// How long a probe may go without an answer.
const PROBE: Millis = 3_000;
const MESSAGE_BYTES: usize = 64 << 10;

impl Client {
    /// A client with a new identity that is not connected.
    pub fn new(options: Options, mut entropy: Entropy) -> Self {
        Self {
            identity: Identity::new(&mut entropy),
            state: State::Stopped,
            backoff: Backoff::default(),
            outbox: Outbox::new(options.outbox_events, options.outbox_bytes),
            interests: Interests::default(),
            connection: Connection::default(),
            effects: VecDeque::new(),
            options,
            entropy,
        }
    }

    /// Connects, and keeps connecting.
    pub fn connect(&mut self, now: Millis) {
        if self.state == State::Stopped {
            self.open(now);
        }
    }

    /// Gives the link up.
    pub fn stop(&mut self) {
        self.flush();
        self.effects.push_back(Effect::Close(CloseCode::GoingAway));
        self.disconnected();
        self.stopped(1_000, "the application closed the link");
    }

    /// Subscribes, over all connections to come, until [`Client::unsubscribe`].
    pub fn subscribe(&mut self, pattern: Pattern, start: Start) -> SubscriptionId {
        let id = self.interests.insert(pattern, start);
        if self.is_online() {
            self.ask(id);
        }
        id
    }

    /// Ends a subscription.
    pub fn unsubscribe(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.interests.remove(id)
            && self.is_online()
        {
            self.send(&FromClient::Unsubscribe(frame::Unsubscribe { subscription }));
        }
    }

    /// Takes a durable event into the outbox. Its answer comes as [`Effect::Settled`].
    ///
    /// # Errors
    /// [`PublishError`]; nothing was taken.
    pub fn publish(&mut self, topic: Topic, body: &Body, now: Millis) -> Result<(), PublishError> {
        let bytes = body.encode();
        if bytes.len() > self.options.max_event {
            return Err(PublishError::TooLarge(bytes.len()));
        }
        self.outbox
            .push(topic, body.id.clone(), bytes)
            .map_err(|outbox::Full| PublishError::OutboxFull)?;
        self.pump(now);
        Ok(())
    }

    /// Sends an ephemeral event if the link is up, and says whether it was.
    pub fn send_ephemeral(&mut self, topic: &Topic, body: &Body) -> bool {
        let body = body.encode();
        if !self.is_online() || body.len() > self.options.max_event {
            return false;
        }
        let (topic, name) = self.connection.topics_out.number(topic);
        self.send(&FromClient::Publish(frame::Publish {
            number: None,
            topic,
            name,
            body,
            lowest: None,
        }));
        true
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Effect> {
        if self.effects.is_empty() {
            self.flush();
        }
        self.effects.pop_front()
    }

    /// How many durable events wait for an answer.
    pub fn outbox_len(&self) -> usize {
        self.outbox.len()
    }

    /// The id under which the peer knows this client; events in the log name it in their source.
    pub fn id(&self) -> [u8; 16] {
        self.identity.client
    }

    /// The id of the peer, once it has welcomed this client: as it stands on the path of events.
    pub fn peer(&self) -> Option<&str> {
        self.is_online().then_some(self.connection.peer.as_str())
    }

    /// When [`Client::tick`] wants to be called.
    pub fn deadline(&self) -> Option<Millis> {
        match self.state {
            State::Stopped => None,
            State::Waiting { until } | State::Opening { until } | State::Greeting { until } => {
                Some(until)
            }
            State::Online { .. } => {
                let Connection { probe, hold_until, .. } = self.connection;
                [Some(self.silence_ends()), probe, hold_until].into_iter().flatten().min()
            }
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Millis) {
        match self.state {
            State::Waiting { until } if now >= until => self.open(now),
            State::Opening { until } | State::Greeting { until } if now >= until => {
                self.give_up(now)
            }
            State::Online { .. } => {
                let overdue = self.connection.probe.is_some_and(|probe| now >= probe);
                if overdue || now >= self.silence_ends() {
                    return self.give_up(now);
                }
                self.pump(now);
            }
            _ => {}
        }
    }

    /// The page is back, or the network: whether the link still holds is asked now, not at the next
    /// timer, which a hidden page may have missed.
    pub fn wake(&mut self, now: Millis) {
        match self.state {
            State::Waiting { .. } => self.open(now),
            State::Online { .. } if self.connection.probe.is_none() => {
                self.connection.probe = Some(now + PROBE);
                self.send(&FromClient::Ping(frame::Ping { number: 0 }));
            }
            _ => {}
        }
    }

    /// The socket is open.
    pub fn opened(&mut self, now: Millis) {
        if !matches!(self.state, State::Opening { .. }) {
            return;
        }
        self.state = State::Greeting { until: now + self.options.connect_timeout };
        self.identity.fence += 1;
        let Identity { client, secret, fence, known } = self.identity;
        let lowest = self.outbox.lowest();
        self.send(&FromClient::Hello(frame::Hello {
            client,
            secret,
            fence,
            lowest,
            returning: known,
        }));
    }

    /// The socket is closed, or was refused.
    pub fn closed(&mut self, code: u16, reason: &str, now: Millis) {
        if matches!(self.state, State::Stopped | State::Waiting { .. }) {
            return;
        }
        self.disconnected();
        if CloseCode::is_reconnect(code) {
            self.wait(now, 0);
        } else {
            self.stopped(code, reason);
        }
    }

    /// A binary message has arrived.
    pub fn received(&mut self, message: &[u8], now: Millis) {
        self.connection.heard = now;
        self.connection.probe = None;
        for frame in FromPeer::decode(message) {
            if !matches!(self.state, State::Greeting { .. } | State::Online { .. }) {
                return;
            }
            match frame {
                Ok(frame) => self.frame(frame, now),
                Err(_) => return self.out_of_step(now),
            }
        }
        self.pump(now);
    }

    fn frame(&mut self, frame: FromPeer, now: Millis) {
        match frame {
            FromPeer::Welcome(welcome) => self.welcomed(welcome, now),
            FromPeer::Ack(ack) => {
                self.settle(ack.number, Outcome::Stored(ack.position, ack.durability));
            }
            FromPeer::Reject(frame::Reject { number, retry: Some(retry), .. }) => {
                self.requeue(number);
                let until = now + Millis::from(retry);
                let hold = &mut self.connection.hold_until;
                *hold = Some(hold.map_or(until, |hold| hold.max(until)));
            }
            FromPeer::Reject(reject) => {
                self.settle(reject.number, Outcome::Rejected(reject.code, reject.message));
            }
            FromPeer::Subscribed(frame::Subscribed { subscription, reset: true, .. }) => {
                if let Some(id) = self.interests.reset(subscription) {
                    self.effects.push_back(Effect::Reset(id));
                    self.ask(id);
                }
            }
            FromPeer::Subscribed(frame) => {
                self.interests.subscribed(frame.subscription, &frame.head)
            }
            FromPeer::Refused(frame) => {
                if let Some(id) = self.interests.id(frame.subscription) {
                    self.interests.remove(id);
                    self.effects.push_back(Effect::Refused(id, frame.code, frame.message));
                }
            }
            FromPeer::CaughtUp(frame) => {
                if let Some(id) = self.interests.caught_up(frame.subscription, frame.head) {
                    self.effects.push_back(Effect::CaughtUp(id));
                }
            }
            FromPeer::Gap(frame) => {
                if let Some(id) = self.interests.id(frame.subscription) {
                    self.effects.push_back(Effect::Gap(id, frame.from, frame.to));
                }
            }
            FromPeer::Event(event) => self.event(event, now),
            FromPeer::Ping(ping) => self.send(&FromClient::Pong(ping)),
            FromPeer::Pong(_) => {}
            // The close frame that follows says the same to those who see it.
            FromPeer::Bye(bye) if CloseCode::is_reconnect(bye.code) => {
                self.effects.push_back(Effect::Close(CloseCode::GoingAway));
                self.disconnected();
                self.wait(now, bye.retry.unwrap_or(0).into());
            }
            FromPeer::Bye(bye) => {
                self.effects.push_back(Effect::Close(CloseCode::GoingAway));
                self.disconnected();
                self.stopped(bye.code, &bye.message);
            }
        }
    }

    fn welcomed(&mut self, welcome: frame::Welcome, now: Millis) {
        if !matches!(self.state, State::Greeting { .. }) {
            return self.out_of_step(now);
        }
        if welcome.highest >= self.outbox.next() {
            // Numbers that this client never gave: it is a copy of another. It takes an identity of
            // its own; what it had sent is known to the peer under numbers that may be the other's.
            self.effects.push_back(Effect::Close(CloseCode::GoingAway));
            self.disconnected();
            self.uncertain("this client was a copy of another: the event may be stored or not");
            self.identity = Identity::new(&mut self.entropy);
            self.outbox.renumber();
            return self.open(now);
        }
        if welcome.forgotten {
            self.uncertain("the peer has forgotten this client: the event may be stored or not");
        }
        self.identity.known = true;
        self.state = State::Online { since: now };
        self.connection.peer = welcome.peer;
        self.connection.heartbeat = welcome.heartbeat.into();
        self.effects.push_back(Effect::Link(LinkState::Online));
        for id in self.interests.ids() {
            self.ask(id);
        }
        self.pump(now);
    }

    fn event(&mut self, event: frame::Event, now: Millis) {
        let Ok(topic) = self.connection.topics_in.topic(event.topic, event.name.as_deref()) else {
            return self.out_of_step(now);
        };
        let Ok(body) = Body::decode(&event.body) else { return self.out_of_step(now) };
        let mut subscriptions = Vec::new();
        let mut position = None;
        for head in event.heads {
            match event.offset {
                None => subscriptions.extend(self.interests.id(head.subscription)),
                Some(offset) => {
                    let (turn, epoch) = self.take(head, offset, &body.id);
                    position = Some(Position { epoch, offset, id: Some(body.id.clone()) });
                    subscriptions.extend(turn);
                }
            }
        }
        if !subscriptions.is_empty() {
            self.effects.push_back(Effect::Deliver(Delivery {
                subscriptions,
                topic,
                body,
                position,
            }));
        }
    }

    fn take(&mut self, head: Head, offset: u64, event_id: &str) -> (Option<SubscriptionId>, u64) {
        let (turn, epoch) = self.interests.take(head, offset, event_id);
        match turn {
            Turn::Next(id) => (Some(id), epoch),
            Turn::Known => (None, epoch),
            Turn::Hole(id) => {
                let subscription = head.subscription;
                self.send(&FromClient::Unsubscribe(frame::Unsubscribe { subscription }));
                self.ask(id);
                (None, epoch)
            }
        }
    }

    /// Sends what may be sent.
    fn pump(&mut self, now: Millis) {
        if !self.is_online() || self.connection.hold_until.is_some_and(|until| now < until) {
            return;
        }
        self.connection.hold_until = None;
        let lowest = self.outbox.lowest();
        for number in self.outbox.sendable(MAX_UNANSWERED) {
            let Some(row) = self.outbox.sent(number) else { continue };
            let (topic, name) = self.connection.topics_out.number(&row.topic);
            let (body, id) = (row.body.clone(), row.id.clone());
            let publish =
                frame::Publish { number: Some(number), topic, name, body, lowest: Some(lowest) };
            self.send(&FromClient::Publish(publish));
            self.flush();
            self.effects.push_back(Effect::Sent(id));
        }
    }

    fn settle(&mut self, number: u64, outcome: Outcome) {
        if let Some(row) = self.outbox.remove(number) {
            self.effects.push_back(Effect::Settled { id: row.id, outcome });
        }
    }

    fn uncertain(&mut self, message: &str) {
        for row in self.outbox.take_uncertain() {
            let outcome = Outcome::Rejected(RejectCode::Uncertain, message.to_owned());
            self.effects.push_back(Effect::Settled { id: row.id, outcome });
        }
    }

    fn requeue(&mut self, from: u64) {
        self.effects.extend(self.outbox.unsend_from(from).into_iter().map(Effect::Requeued));
    }

    fn ask(&mut self, id: SubscriptionId) {
        if let Some((subscription, pattern, start)) = self.interests.ask(id) {
            let pattern = pattern.to_string();
            self.send(&FromClient::Subscribe(frame::Subscribe { subscription, pattern, start }));
        }
    }

    fn is_online(&self) -> bool {
        matches!(self.state, State::Online { .. })
    }

    /// When nothing will have been heard for longer than the peer's heartbeat allows.
    fn silence_ends(&self) -> Millis {
        self.connection.heard + 2 * self.connection.heartbeat + PROBE
    }

    fn open(&mut self, now: Millis) {
        self.state = State::Opening { until: now + self.options.connect_timeout };
        self.effects.push_back(Effect::Link(LinkState::Connecting));
        self.effects.push_back(Effect::Open);
    }

    /// The peer speaks what this end does not understand; a new connection starts from what is sure.
    fn out_of_step(&mut self, now: Millis) {
        self.effects.push_back(Effect::Close(CloseCode::OutOfStep));
        self.disconnected();
        self.wait(now, 0);
    }

    fn give_up(&mut self, now: Millis) {
        self.effects.push_back(Effect::Close(CloseCode::Silent));
        self.disconnected();
        self.wait(now, 0);
    }

    fn disconnected(&mut self) {
        if let State::Online { since } = self.state
            && self.connection.heard >= since + STABLE
        {
            self.backoff.reset();
        }
        self.connection = Connection::default();
        self.interests.disconnected();
        self.requeue(0);
    }

    fn wait(&mut self, now: Millis, at_least: Millis) {
        let mut random = [0; 8];
        (self.entropy)(&mut random);
        let retry_in = at_least + self.backoff.next(u64::from_le_bytes(random));
        self.state = State::Waiting { until: now + retry_in };
        self.effects.push_back(Effect::Link(LinkState::Offline { retry_in }));
    }

    fn stopped(&mut self, code: u16, reason: &str) {
        self.state = State::Stopped;
        let reason = reason.to_owned();
        self.effects.push_back(Effect::Link(LinkState::Stopped { code, reason }));
    }

    fn send(&mut self, frame: &FromClient) {
        frame.encode(&mut self.connection.message);
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
        // Without the identity: its secret is nobody's to log.
        out.debug_struct("Client")
            .field("state", &self.state)
            .field("outbox", &self.outbox.len())
            .finish_non_exhaustive()
    }
}

impl Identity {
    fn new(entropy: &mut Entropy) -> Self {
        let (mut client, mut secret) = ([0; 16], [0; 32]);
        entropy(&mut client);
        entropy(&mut secret);
        Self { client, secret, fence: 0, known: false }
    }
}
