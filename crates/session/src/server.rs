//! The peer's end of one connection: frames in, requests to the store and frames out.
//!
//! Its owner feeds it messages, the answers to its requests, what was committed since the connection
//! began, and the time; and carries out its [`Effect`]s. It holds positions, never events: while the
//! socket takes nothing its owner feeds it nothing, and it catches up from the log.

mod subscriptions;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bus::{Pattern, Topic};

use crate::frame::{self, FromClient, FromPeer};
use crate::topics::{TopicNames, TopicNumbers, UnknownTopic};
use crate::{Body, CloseCode, Durability, MAX_UNANSWERED, Millis, Position, RejectCode, Start};
use subscriptions::{Subscriptions, Taken};

/// The bounds of a connection.
#[derive(Debug, Clone)]
pub struct Options {
    /// The peer's id, which it puts on the path of events.
    pub peer: String,
    /// The most bytes of a message that is taken.
    pub max_message: usize,
    /// The most bytes of an event's body.
    pub max_event: usize,
    /// The most subscriptions of a connection.
    pub max_subscriptions: usize,
    /// The most events that are asked of the store at a time.
    pub page: usize,
    /// After so much silence the peer pings, and after as much again it closes.
    pub heartbeat: Millis,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            peer: String::new(),
            max_message: 1 << 20,
            max_event: 256 << 10,
            max_subscriptions: 256,
            page: 128,
            heartbeat: 20_000,
        }
    }
}

/// What the other end speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// CBOR frames, binary.
    Frames,
    /// One CloudEvents JSON event per text message; there is no hello.
    #[cfg(feature = "json")]
    Json,
}

/// A WebSocket message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Bytes.
    Binary(Vec<u8>),
    /// Text.
    Text(String),
    /// The WebSocket's own ping, for a wire without frames for it.
    Ping,
}

/// An event as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its offset.
    pub offset: u64,
    /// Its topic.
    pub topic: Topic,
    /// Its body, encoded once for all receivers.
    pub body: Arc<[u8]>,
}

/// What names a request until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

/// What the owner of a [`Server`] is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send a message.
    Send(Message),
    /// Close the socket; nothing follows.
    Close(CloseCode, String),
    /// Look the client up, and fence its older connections. Answer with [`Server::opened`].
    Open(frame::Hello),
    /// Log an event and answer with [`Server::decided`], after the commit. Several may be asked for
    /// at a time. When the answer is that the same may be tried again, the higher numbers of this
    /// client get [`RejectCode::HeldBack`] until that number has come again: they stand in the order
    /// of their numbers.
    Append(Append),
    /// Hand an ephemeral event to the other connections.
    Forward(Topic, Arc<[u8]>),
    /// Find where a subscription starts. Answer with [`Server::located`].
    Locate {
        /// Names the request.
        ticket: Ticket,
        /// What is subscribed to.
        pattern: Pattern,
        /// Where to start.
        start: Start,
    },
    /// Read matching events from an offset on. Answer with [`Server::page`].
    Read {
        /// Names the request.
        ticket: Ticket,
        /// Which events.
        pattern: Pattern,
        /// The first offset to read.
        from: u64,
        /// The most events to answer with.
        limit: usize,
    },
}

/// An event that is to be logged.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// Names the request.
    pub ticket: Ticket,
    /// Whose it is; none for a client without hello.
    pub client: Option<Numbered>,
    /// Its topic.
    pub topic: Topic,
    /// Its body; source and path are the peer's already.
    pub body: Body,
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
        /// The client was not known.
        new: bool,
    },
    /// The secret is not this client's.
    WrongSecret,
    /// A connection with this or a higher fencing token was there.
    Fenced,
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
    /// The subscription starts.
    At {
        /// The first offset to look at.
        next: u64,
        /// The offset up to which the receiver has been told everything; none if it starts anew.
        previous: Option<u64>,
        /// The position of the last event in the log.
        head: Position,
        /// The range that was asked for and is gone.
        gap: Option<(u64, u64)>,
    },
    /// The position is of another life of the log.
    Reset(Position),
    /// The store cannot be used now.
    Unavailable,
}

/// The answer to [`Effect::Read`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Matching events, ascending.
    pub events: Vec<Arc<Logged>>,
    /// The first offset that was not looked at.
    pub next: u64,
}

/// The state machine. See the [module](self).
#[derive(Debug)]
pub struct Server {
    options: Arc<Options>,
    wire: Wire,
    state: State,
    /// The first offset that has not been committed to this machine's knowledge.
    seen: u64,
    subscriptions: Subscriptions,
    unanswered: HashMap<Ticket, Waiting>,
    /// A number that is to come again before any higher one is taken.
    held_back: Option<u64>,
    topics_in: TopicNames,
    topics_out: TopicNumbers,
    next_ticket: u64,
    message: Vec<u8>,
    effects: VecDeque<Effect>,
    heard: Millis,
    pinged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was said yet.
    Greeting,
    /// The client is being looked up.
    Opening {
        client: [u8; 16],
        fence: u64,
        lowest: u64,
        returning: bool,
    },
    /// Frames are taken.
    Open {
        client: Option<([u8; 16], u64, u64)>,
    },
    Closed,
}

/// What an [`Append`] is answered by.
#[derive(Debug)]
enum Waiting {
    Number(u64),
    #[cfg(feature = "json")]
    Id(String),
}

/// Messages are cut at about this many bytes, so that a page of large events is not one message.
const MESSAGE_BYTES: usize = 64 << 10;

impl Server {
    /// A connection that has just been made, to a log whose last event has the offset `head`.
    pub fn new(options: Arc<Options>, wire: Wire, head: u64, now: Millis) -> Self {
        let state = match wire {
            Wire::Frames => State::Greeting,
            #[cfg(feature = "json")]
            Wire::Json => State::Open { client: None },
        };
        Self {
            options,
            wire,
            state,
            seen: head + 1,
            subscriptions: Subscriptions::default(),
            unanswered: HashMap::new(),
            held_back: None,
            topics_in: TopicNames::default(),
            topics_out: TopicNumbers::default(),
            next_ticket: 0,
            message: Vec::new(),
            effects: VecDeque::new(),
            heard: now,
            pinged: false,
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Effect> {
        if self.effects.is_empty() {
            self.flush();
        }
        self.effects.pop_front()
    }

    /// When [`Server::tick`] wants to be called.
    pub fn deadline(&self) -> Millis {
        self.heard + self.options.heartbeat * if self.pinged { 2 } else { 1 }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Millis) {
        if self.state == State::Closed || now < self.deadline() {
            return;
        }
        if self.pinged || self.state == State::Greeting {
            return self.close(CloseCode::Silent, "nothing was heard from you");
        }
        self.pinged = true;
        match self.wire {
            Wire::Frames => self.send(&FromPeer::Ping(frame::Ping { number: 0 })),
            #[cfg(feature = "json")]
            Wire::Json => self.effects.push_back(Effect::Send(Message::Ping)),
        }
    }

    /// The socket gave a sign of life.
    pub fn heard(&mut self, now: Millis) {
        self.heard = now;
        self.pinged = false;
    }

    /// A binary message has arrived.
    pub fn received(&mut self, message: &[u8], now: Millis) {
        self.heard(now);
        if message.len() > self.options.max_message {
            return self.too_large();
        }
        if self.wire != Wire::Frames {
            return self
                .close(CloseCode::ProtocolError, "this subprotocol is spoken in text messages");
        }
        for frame in FromClient::decode(message) {
            match frame {
                Ok(frame) => self.frame(frame),
                Err(error) => self.close(CloseCode::ProtocolError, &error.to_string()),
            }
            if self.state == State::Closed {
                return;
            }
        }
    }

    /// The peer shuts down: says so, and closes with a code after which clients come again.
    pub fn shut_down(&mut self, message: &str) {
        self.close(CloseCode::GoingAway, message);
    }

    /// Closes the connection with `code`.
    pub fn close(&mut self, code: CloseCode, message: &str) {
        if self.state == State::Closed {
            return;
        }
        let bye = frame::Bye { code: code.code(), message: message.to_owned(), retry: None };
        if self.wire == Wire::Frames {
            self.send(&FromPeer::Bye(bye));
        }
        self.flush();
        self.state = State::Closed;
        self.effects.push_back(Effect::Close(code, message.to_owned()));
    }

    /// Closes because a message was larger than [`Options::max_message`].
    pub fn too_large(&mut self) {
        let message = format!("a message may have {} bytes", self.options.max_message);
        self.close(CloseCode::MessageTooLarge, &message);
    }

    /// The answer to [`Effect::Open`].
    pub fn opened(&mut self, opened: Opened) {
        let State::Opening { client, fence, lowest, returning } = self.state else { return };
        match opened {
            Opened::Welcome { highest, highest_id, new } => {
                self.state = State::Open { client: Some((client, fence, lowest)) };
                self.send(&FromPeer::Welcome(frame::Welcome {
                    peer: self.options.peer.clone(),
                    highest,
                    highest_id,
                    heartbeat: self.options.heartbeat.try_into().unwrap_or(u32::MAX),
                    max_message: self.options.max_message.try_into().unwrap_or(u32::MAX),
                    forgotten: new && returning,
                }));
            }
            Opened::WrongSecret => {
                self.close(CloseCode::Unauthorized, "the secret is not this client's")
            }
            Opened::Fenced => self.fenced(),
            Opened::Unavailable => {
                self.close(CloseCode::Unavailable, "the store cannot be used now")
            }
        }
    }

    /// A newer connection of this client has taken over.
    pub fn fenced(&mut self) {
        self.close(CloseCode::Fenced, "a newer connection of this client has taken over");
    }

    /// The answer to [`Effect::Append`].
    pub fn decided(&mut self, ticket: Ticket, decided: Decided) {
        let Some(waiting) = self.unanswered.remove(&ticket) else { return };
        if self.state == State::Closed {
            return;
        }
        match (waiting, decided) {
            (_, Decided::Fenced) => self.fenced(),
            (Waiting::Number(number), Decided::Stored(position, durability)) => {
                self.send(&FromPeer::Ack(frame::Ack { number, position, durability }));
            }
            (Waiting::Number(number), Decided::Rejected { code, message, retry }) => {
                self.reject(number, code, &message, retry);
            }
            #[cfg(feature = "json")]
            (Waiting::Id(id), Decided::Stored(position, _)) => {
                self.text(crate::json::ack(&id, &position));
            }
            #[cfg(feature = "json")]
            (Waiting::Id(id), Decided::Rejected { code, message, .. }) => {
                self.text(crate::json::reject(&id, code, &message));
            }
        }
    }

    /// The answer to [`Effect::Locate`].
    pub fn located(&mut self, ticket: Ticket, located: Located) {
        let Some(subscription) = self.subscriptions.locating(ticket) else { return };
        match located {
            Located::Unavailable => {
                self.close(CloseCode::Unavailable, "the store cannot be used now")
            }
            Located::Reset(head) => {
                let ended = self.subscriptions.remove(subscription);
                self.subscribed(subscription, ended.as_ref(), head, true);
            }
            Located::At { next, previous, head, gap } => {
                let pattern = self.subscriptions.start(subscription, next, previous, &head);
                self.subscribed(subscription, pattern.as_ref(), head, false);
                if let Some((from, to)) = gap {
                    self.gap(subscription, from, to);
                }
                self.advance(subscription);
            }
        }
    }

    /// The answer to [`Effect::Read`].
    pub fn page(&mut self, ticket: Ticket, page: &Page) {
        let Some(subscription) = self.subscriptions.reading(ticket) else { return };
        for event in &page.events {
            if let Some(head) = self.subscriptions.replay(subscription, event.offset) {
                self.event(&event.topic, vec![head], Some(event.offset), &event.body);
            }
        }
        self.subscriptions.looked_up_to(subscription, page.next);
        self.advance(subscription);
    }

    /// Events have been committed: all of them, in order, each once.
    pub fn committed(&mut self, events: &[Arc<Logged>]) {
        for event in
            events.iter().filter(|event| event.offset >= self.seen).cloned().collect::<Vec<_>>()
        {
            self.seen = event.offset + 1;
            let heads = self.subscriptions.live(&event.topic, Some(event.offset));
            if !heads.is_empty() {
                self.event(&event.topic, heads, Some(event.offset), &event.body);
            }
        }
    }

    /// Another connection has sent an ephemeral event.
    pub fn forwarded(&mut self, topic: &Topic, body: &Arc<[u8]>) {
        let heads = self.subscriptions.live(topic, None);
        if !heads.is_empty() {
            self.event(topic, heads, None, body);
        }
    }

    fn frame(&mut self, frame: FromClient) {
        match (self.state, frame) {
            (State::Closed, _) => {}
            (State::Greeting, FromClient::Hello(hello)) => {
                let frame::Hello { client, fence, lowest, returning, .. } = hello;
                self.state = State::Opening { client, fence, lowest, returning };
                self.effects.push_back(Effect::Open(hello));
            }
            (_, FromClient::Hello(_)) => {
                self.close(CloseCode::UnexpectedHello, "one hello is enough")
            }
            (State::Open { client: Some(client) }, FromClient::Publish(publish)) => {
                self.publish(client, publish);
            }
            // Unreachable: who said no hello speaks JSON, not frames.
            (State::Open { client: None }, FromClient::Publish(_)) => {
                self.close(CloseCode::UnexpectedHello, "say hello first");
            }
            (State::Open { .. }, FromClient::Subscribe(subscribe)) => {
                self.subscribe(subscribe.subscription, &subscribe.pattern, subscribe.start);
            }
            (State::Open { .. }, FromClient::Unsubscribe(unsubscribe)) => {
                self.subscriptions.remove(unsubscribe.subscription);
            }
            (State::Open { .. }, FromClient::Ping(ping)) => self.send(&FromPeer::Pong(ping)),
            // Room in the grammar: what is granted is not counted yet, the socket's own back-pressure
            // holds a slow receiver.
            (State::Open { .. }, FromClient::Pong(_) | FromClient::Credit(_)) => {}
            (State::Greeting | State::Opening { .. }, _) => {
                self.close(CloseCode::UnexpectedHello, "say hello first, and wait for the welcome");
            }
        }
    }

    fn publish(
        &mut self,
        (client, fence, mut lowest): ([u8; 16], u64, u64),
        publish: frame::Publish,
    ) {
        if let Some(raised) = publish.lowest {
            lowest = lowest.max(raised);
            self.state = State::Open { client: Some((client, fence, lowest)) };
        }
        let topic = self.topics_in.topic(publish.topic, publish.name.as_deref());
        let body = self.checked(topic, &publish.body, Some(&client));
        let Some(number) = publish.number else {
            return match body {
                Ok((topic, body)) => {
                    self.effects.push_back(Effect::Forward(topic, body.encode().into()));
                }
                Err((_, message)) => self.close(CloseCode::ProtocolError, &message),
            };
        };
        if self.held_back.is_some_and(|held| number > held) {
            return self.reject(
                number,
                RejectCode::HeldBack,
                "a lower number comes first",
                Some(0),
            );
        }
        self.held_back = None;
        let (topic, body) = match body {
            Ok(fine) => fine,
            Err((code, message)) => return self.reject(number, code, &message, None),
        };
        let client = Numbered { client, fence, number, lowest };
        self.append(Waiting::Number(number), Some(client), topic, body);
    }

    fn append(&mut self, waiting: Waiting, client: Option<Numbered>, topic: Topic, body: Body) {
        if self.unanswered.len() >= MAX_UNANSWERED {
            let message = format!("{MAX_UNANSWERED} publishes wait for an answer already");
            return self.close(CloseCode::TooManyUnanswered, &message);
        }
        let ticket = self.ticket();
        self.unanswered.insert(ticket, waiting);
        self.effects.push_back(Effect::Append(Append { ticket, client, topic, body }));
    }

    /// A topic and signed body that may be published, or why they may not.
    fn checked(
        &self,
        topic: Result<Topic, UnknownTopic>,
        body: &[u8],
        client: Option<&[u8; 16]>,
    ) -> Result<(Topic, Body), (RejectCode, String)> {
        let topic = topic.map_err(|unknown| {
            let message = match unknown {
                UnknownTopic::Number => "the topic's number has no name".to_owned(),
                UnknownTopic::Name(error) => error.to_string(),
            };
            (RejectCode::IllegalTopic, message)
        })?;
        if topic.is_system() {
            let message = "topics that begin with `$` are not bridged".to_owned();
            return Err((RejectCode::IllegalTopic, message));
        }
        if body.len() > self.options.max_event {
            let message = format!("an event may have {} bytes", self.options.max_event);
            return Err((RejectCode::TooLarge, message));
        }
        let illegal = |error: crate::BodyError| (RejectCode::IllegalEvent, error.to_string());
        let mut body = Body::decode(body).map_err(illegal)?;
        self.sign(&mut body, client);
        // What the peer adds may pass a bound, and what is logged must be readable again.
        body.check().map_err(illegal)?;
        Ok((topic, body))
    }

    /// Puts what only the peer can say into the body: who it is from, and that it passed here.
    fn sign(&self, body: &mut Body, client: Option<&[u8; 16]>) {
        let mut source = match client {
            Some(id) => format!("/clients/{}", hex(id)),
            None => "/guests".to_owned(),
        };
        if !body.source.is_empty() {
            source.push('/');
            source.push_str(body.source.trim_start_matches('/'));
        }
        body.source = source;
        body.path.push(self.options.peer.clone());
    }

    fn subscribe(&mut self, subscription: u32, pattern: &str, start: Start) {
        let pattern = match Pattern::parse(pattern) {
            Ok(pattern) => pattern,
            Err(error) => {
                let message = error.to_string();
                return self.send(&FromPeer::Refused(frame::Refused {
                    subscription,
                    code: RejectCode::IllegalTopic,
                    message,
                }));
            }
        };
        if self.subscriptions.len() >= self.options.max_subscriptions {
            let message =
                format!("a connection may have {} subscriptions", self.options.max_subscriptions);
            return self.close(CloseCode::TooManySubscriptions, &message);
        }
        let ticket = self.ticket();
        match self.subscriptions.insert(subscription, pattern.clone(), ticket) {
            Ok(()) => self.effects.push_back(Effect::Locate { ticket, pattern, start }),
            Err(Taken) => {
                self.close(CloseCode::ProtocolError, "the subscription's number is taken already");
            }
        }
    }

    /// Reads on for a subscription that has not reached the live events yet.
    fn advance(&mut self, subscription: u32) {
        let ticket = self.ticket();
        match self.subscriptions.advance(subscription, self.seen, ticket) {
            subscriptions::Next::Read { pattern, from } => {
                let limit = self.options.page;
                self.effects.push_back(Effect::Read { ticket, pattern, from, limit });
            }
            subscriptions::Next::Live { count, head } => match self.wire {
                Wire::Frames => {
                    self.send(&FromPeer::CaughtUp(frame::CaughtUp { subscription, count, head }));
                }
                #[cfg(feature = "json")]
                Wire::Json => {}
            },
            subscriptions::Next::Gone => {}
        }
    }

    fn subscribed(
        &mut self,
        subscription: u32,
        pattern: Option<&Pattern>,
        head: Position,
        reset: bool,
    ) {
        match self.wire {
            Wire::Frames => {
                self.send(&FromPeer::Subscribed(frame::Subscribed { subscription, head, reset }));
            }
            #[cfg(feature = "json")]
            Wire::Json => {
                if let Some(pattern) = pattern {
                    self.text(crate::json::subscribed(pattern, &head, reset));
                }
            }
        }
        #[cfg(not(feature = "json"))]
        let _ = pattern;
    }

    fn gap(&mut self, subscription: u32, from: u64, to: u64) {
        match self.wire {
            Wire::Frames => self.send(&FromPeer::Gap(frame::Gap { subscription, from, to })),
            #[cfg(feature = "json")]
            Wire::Json => {
                if let Some(pattern) = self.subscriptions.pattern(subscription) {
                    self.text(crate::json::gap(pattern, from, to));
                }
            }
        }
    }

    fn reject(&mut self, number: u64, code: RejectCode, message: &str, retry: Option<u32>) {
        if retry.is_some() {
            self.held_back = Some(self.held_back.map_or(number, |held| held.min(number)));
        }
        let message = message.to_owned();
        self.send(&FromPeer::Reject(frame::Reject { number, code, message, retry }));
    }

    fn event(
        &mut self,
        topic: &Topic,
        heads: Vec<frame::Head>,
        offset: Option<u64>,
        body: &Arc<[u8]>,
    ) {
        match self.wire {
            Wire::Frames => {
                let (topic, name) = self.topics_out.number(topic);
                let body = body.to_vec();
                self.send(&FromPeer::Event(frame::Event { topic, name, heads, offset, body }));
            }
            #[cfg(feature = "json")]
            Wire::Json => {
                let previous = heads.first().and_then(|head| head.previous);
                let place = offset.map(|offset| crate::json::Place {
                    epoch: self.subscriptions.epoch(),
                    offset,
                    previous,
                });
                if let Ok(body) = Body::decode(body) {
                    self.text(crate::json::event(topic, &body, place));
                }
            }
        }
    }

    fn send(&mut self, frame: &FromPeer) {
        if self.state == State::Closed {
            return;
        }
        #[cfg(feature = "json")]
        if self.wire == Wire::Json {
            if let FromPeer::Refused(refused) = frame {
                self.text(crate::json::reject("", refused.code, &refused.message));
            }
            return;
        }
        frame.encode(&mut self.message);
        if self.message.len() >= MESSAGE_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.message.is_empty() {
            let message = std::mem::take(&mut self.message);
            self.effects.push_back(Effect::Send(Message::Binary(message)));
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }
}

#[cfg(feature = "json")]
mod text {
    //! The `cloudevents.json` end of a connection.

    use super::*;
    use crate::json::{self, Incoming};

    impl Server {
        /// A text message has arrived.
        pub fn received_text(&mut self, message: &str, now: Millis) {
            self.heard(now);
            if message.len() > self.options.max_message {
                return self.too_large();
            }
            if self.wire != Wire::Json {
                let message = "this subprotocol is spoken in binary messages";
                return self.close(CloseCode::ProtocolError, message);
            }
            match json::read(message) {
                Ok(Incoming::Publish { topic, body, ephemeral }) => {
                    self.publish_text(&topic, body, ephemeral);
                }
                Ok(Incoming::Subscribe { id, pattern, start }) => {
                    self.subscribe_text(&id, &pattern, start);
                }
                Ok(Incoming::Unsubscribe { pattern }) => {
                    if let Some(subscription) = self.subscriptions.find(&pattern) {
                        self.subscriptions.remove(subscription);
                    }
                }
                Err(json::ReadError::Event { id, message }) => {
                    self.text(json::reject(&id, RejectCode::IllegalEvent, &message));
                }
                Err(json::ReadError::Text(message)) => {
                    self.close(CloseCode::ProtocolError, &message)
                }
            }
        }

        fn publish_text(&mut self, topic: &str, body: Body, ephemeral: bool) {
            let id = body.id.clone();
            let topic = Topic::parse(topic).map_err(UnknownTopic::Name);
            match self.checked(topic, &body.encode(), None) {
                Err((code, message)) => self.text(json::reject(&id, code, &message)),
                Ok((topic, body)) => {
                    if ephemeral {
                        self.effects.push_back(Effect::Forward(topic, body.encode().into()));
                    } else {
                        self.append(Waiting::Id(id), None, topic, body);
                    }
                }
            }
        }

        fn subscribe_text(&mut self, id: &str, pattern: &str, start: Start) {
            if let Err(error) = Pattern::parse(pattern) {
                return self.text(json::reject(id, RejectCode::IllegalTopic, &error.to_string()));
            }
            if self.subscriptions.find(pattern).is_some() {
                let message = "the pattern is subscribed to already";
                return self.text(json::reject(id, RejectCode::AlreadySubscribed, message));
            }
            // The number never leaves this machine; tickets are not used twice.
            let subscription = self.next_ticket as u32;
            self.subscribe(subscription, pattern, start);
        }

        pub(super) fn text(&mut self, text: String) {
            if self.state != State::Closed {
                self.effects.push_back(Effect::Send(Message::Text(text)));
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [b >> 4, b & 15])
        .map(|n| char::from(DIGITS[usize::from(n)]))
        .collect()
}
