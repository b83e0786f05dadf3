//! A peer in the page: `session`'s server state machine behind each fake socket, and a log in memory.

use std::collections::HashMap;
use std::sync::Arc;

use event_driven_kit::{Pattern, Topic};
use session::server::{
    Answer, Append, Decided, Effect, Ephemeral, Joiner, Located, Logged, News, Older, Opened,
    Options, Page, PresenceRegistry, Query, Server, SocketMessage, StartPoint, Wire,
};
use session::{Body, Durability, FromPeer, Position, RejectCode, SUBPROTOCOL, Start};

use crate::fake_socket::{self as socket, OPEN};

/// Serves only when [`Peer::serve`] is called, so that a test can check every step.
#[derive(Default)]
pub struct Peer {
    connections: Vec<Connection>,
    pub log: Vec<Arc<Logged>>,
    clients: HashMap<[u8; 16], Client>,
    /// Whether it rejects events.
    pub refuses: bool,
    /// Whether it crashes after storing events and before acking them.
    pub dies: bool,
    pub ephemeral: Vec<Topic>,
    /// The number of events sent to the page.
    pub sent_events: usize,
    /// The credentials from hellos and refreshes.
    pub credentials: Vec<String>,
    pub presence: PresenceRegistry,
}

struct Connection {
    number: u32,
    server: Server,
    told: usize,
}

#[derive(Default)]
struct Client {
    fence: u64,
    highest: u64,
    outcomes: HashMap<u64, Decided>,
}

const EPOCH: u64 = 7;

impl Peer {
    /// Accepts the newest socket.
    pub fn accept(&mut self) {
        self.accept_at(socket::count() - 1);
    }

    /// Accepts every waiting socket.
    pub fn accept_all(&mut self) {
        for number in (0..socket::count()).filter(|number| socket::state(*number) == 0) {
            self.accept_at(number);
        }
    }

    fn accept_at(&mut self, number: u32) {
        assert_eq!(socket::asked(number), SUBPROTOCOL);
        let options = Options { peer: "/peer".to_owned(), ..Options::default() };
        let server = Server::new(options.into(), Wire::Frames, &[self.log.len() as u64], 0);
        self.connections.push(Connection { number, server, told: self.log.len() });
        socket::accept(number, SUBPROTOCOL);
    }

    /// Exchanges frames with the page until both are idle.
    pub async fn serve(&mut self) {
        for _ in 0..12 {
            self.step();
            socket::sleep(0).await;
        }
    }

    /// Another client publishes.
    pub fn append(&mut self, topic: &str, id: &str, json: &str) {
        self.append_from("/clients/other", topic, id, json);
    }

    /// A client publishes, and the peer attests this source.
    pub fn append_from(&mut self, source: &str, topic: &str, id: &str, json: &str) {
        let data = json.as_bytes().to_vec();
        let (id, source) = (id.to_owned(), source.to_owned());
        let body = Body { id, source, data, ..Body::default() };
        self.log(Topic::parse(topic).unwrap(), &body);
    }

    /// Another client sends an ephemeral event.
    pub fn forward(&mut self, topic: &str, id: &str, json: &str) {
        let data = json.as_bytes().to_vec();
        let body = Body { id: id.to_owned(), data, ..Body::default() }.encode();
        let topic = Topic::parse(topic).unwrap();
        let event = Ephemeral::new(topic, "".into(), body.into());
        for connection in &mut self.connections {
            connection.server.forwarded(&event);
        }
    }

    /// The server of the newest connection.
    pub fn server(&mut self) -> &mut Server {
        &mut self.connections.last_mut().unwrap().server
    }

    /// Closes all connections.
    pub fn hang_up(&mut self, code: u16, reason: &str) {
        for connection in self.connections.drain(..) {
            socket::hang_up(connection.number, code, reason);
        }
    }

    /// Exchanges frames once, without waiting.
    pub fn step(&mut self) {
        for at in 0..self.connections.len() {
            while let Some(message) = socket::take_sent(self.connections[at].number) {
                self.connections[at].server.received(&message, 0);
            }
            while let Some(effect) = self.connections[at].server.poll() {
                self.carry_out(at, effect);
            }
        }
        if self.dies {
            self.dies = false;
            return self.hang_up(1006, "");
        }
        self.tell_news();
        let mut messages = Vec::new();
        for connection in &mut self.connections {
            connection.server.committed(&self.log[connection.told..]);
            connection.told = self.log.len();
            while let Some(effect) = connection.server.poll() {
                if let Effect::Send(SocketMessage::Binary(message)) = effect {
                    messages.push((connection.number, message));
                }
            }
        }
        for (number, message) in messages {
            self.deliver(number, &message);
        }
        self.connections.retain(|connection| socket::state(connection.number) == OPEN);
    }

    fn carry_out(&mut self, at: usize, effect: Effect) {
        let number = self.connections[at].number;
        match effect {
            Effect::Send(SocketMessage::Binary(message)) => self.deliver(number, &message),
            Effect::Send(_) => panic!("text on a binary wire"),
            Effect::Close(code, reason) => socket::hang_up(number, code.code(), &reason),
            Effect::Open(hello) => {
                self.credentials.extend(hello.token);
                let new = !self.clients.contains_key(&hello.client);
                let client = self.clients.entry(hello.client).or_default();
                assert!(hello.fence > client.fence);
                client.fence = hello.fence;
                let highest = client.highest;
                let welcome = Opened::Welcome { highest, highest_id: None, new };
                self.connections[at].server.opened(welcome);
            }
            Effect::Append(append) => {
                let decided = self.decide(&append);
                if !self.dies {
                    self.connections[at].server.decided(append.ticket, decided);
                }
            }
            Effect::Forward(event) => self.ephemeral.push(event.topic),
            Effect::Query(ticket, query) => {
                let answer = self.answer(&query);
                self.connections[at].server.answer(ticket, answer);
            }
            Effect::Refresh(credential) => self.credentials.push(credential),
            Effect::Join { topic, key, data } => {
                let client = [at as u8; 16];
                let joiner = Joiner { connection: number.into(), client, share: None };
                self.presence.join(joiner, &topic, &key, &data, ()).unwrap();
            }
            Effect::Leave(topic) => self.presence.leave(number.into(), &topic),
            Effect::Watch(topic) => self.presence.watch(number.into(), &topic),
            Effect::Unwatch(topic) => self.presence.unwatch(number.into(), &topic),
        }
    }

    /// Another client joins a topic, with a connection of this number.
    pub fn join(&mut self, number: u64, topic: &str, key: &str, json: &str) {
        let topic = Topic::parse(topic).unwrap();
        let joiner = Joiner { connection: number, client: [number as u8; 16], share: None };
        self.presence.join(joiner, &topic, key, json.as_bytes(), ()).unwrap();
    }

    fn deliver(&mut self, number: u32, message: &[u8]) {
        let frames = FromPeer::decode(message).map(Result::unwrap);
        self.sent_events += frames.filter(|frame| matches!(frame, FromPeer::Event(_))).count();
        socket::deliver(number, message);
    }

    fn tell_news(&mut self) {
        while self.presence.wake().is_some() {}
        for connection in &mut self.connections {
            while let Some((topic, news)) = self.presence.news(connection.number.into()) {
                match news {
                    News::State(all) => connection.server.present(&topic, all),
                    News::Changes(joined, left) => connection.server.presence(&topic, joined, left),
                }
            }
        }
    }

    fn answer(&self, query: &Query) -> Answer {
        match query {
            Query::Locate { pattern, start } => Answer::Located(self.locate(pattern, start)),
            Query::Read { pattern, from, limit, .. } => {
                Answer::Page(self.read(pattern, *from, *limit))
            }
            Query::History { pattern, before, limit, .. } => {
                Answer::Older(self.older(pattern, *before, *limit))
            }
        }
    }

    fn read(&self, pattern: &Pattern, from: u64, limit: usize) -> Page {
        let matching =
            self.log.iter().filter(|event| event.offset >= from && pattern.matches(&event.topic));
        let events: Vec<_> = matching.take(limit).cloned().collect();
        let next = match events.last() {
            Some(last) if events.len() == limit => last.offset + 1,
            _ => self.log.len() as u64 + 1,
        };
        Page { events, next, gap: None }
    }

    fn older(&self, pattern: &Pattern, before: Option<u64>, limit: usize) -> Older {
        let before = before.unwrap_or(u64::MAX);
        let mut matching = self
            .log
            .iter()
            .rev()
            .filter(|event| event.offset < before && pattern.matches(&event.topic));
        let events: Vec<_> = matching.by_ref().take(limit).cloned().collect();
        let next = matching.next().and_then(|_| events.last()).map(|last| last.offset);
        Older { epoch: EPOCH, events, next }
    }

    fn decide(&mut self, append: &Append) -> Decided {
        let Some(numbered) = append.client else { panic!("an event without a client") };
        if let Some(known) = self.clients[&numbered.client].outcomes.get(&numbered.number) {
            return known.clone();
        }
        let decided = if self.refuses {
            let message = "not today".to_owned();
            Decided::Rejected { code: RejectCode::IllegalEvent, message, retry: None }
        } else {
            let (topic, body) = append.event.clone().unwrap();
            Decided::Stored(self.log(topic, &body), Durability::Disk)
        };
        let client = self.clients.entry(numbered.client).or_default();
        assert!(numbered.number > client.highest, "a number goes back");
        client.highest = numbered.number;
        client.outcomes.insert(numbered.number, decided.clone());
        decided
    }

    /// Appends an event to the log as it is.
    pub fn log(&mut self, topic: Topic, body: &Body) -> Position {
        let offset = self.log.len() as u64 + 1;
        self.log.push(Arc::new(Logged::new(0, offset, topic, body.encode().into())));
        Position { offset, id: Some(body.id.clone()), ..Position::start_of(EPOCH) }
    }

    fn locate(&self, pattern: &Pattern, start: &Start) -> Located {
        let last = self.log.len() as u64;
        let (next, previous) = match start {
            Start::Latest => (last + 1, Some(last)),
            Start::Earliest => (1, None),
            Start::Last(n) => {
                let matching = self.log.iter().rev().filter(|event| pattern.matches(&event.topic));
                let first = matching.take(*n as usize).last();
                (first.map_or(last + 1, |event| event.offset), None)
            }
            Start::After(positions) => (positions[0].offset + 1, Some(positions[0].offset)),
        };
        let head = Position { offset: last, ..Position::start_of(EPOCH) };
        Located::At(vec![StartPoint { next, previous, head, gap: None }])
    }
}
