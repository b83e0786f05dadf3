//! A peer in the page: `session`'s server machine behind each fake socket, and a log in memory.

use std::collections::HashMap;
use std::sync::Arc;

use event_driven_kit::{Pattern, Topic};
use session::server::{
    Append, Decided, Effect, Ephemeral, Located, Logged, Message, Opened, Options, Page, Place,
    Server, Wire,
};
use session::{Body, Durability, Position, RejectCode, SUBPROTOCOL, Start};

use crate::fake_socket::{self as socket, OPEN};

/// Serves when [`Peer::serve`] is called, so that a test can look at every step.
#[derive(Default)]
pub struct Peer {
    connections: Vec<Connection>,
    pub log: Vec<Arc<Logged>>,
    clients: HashMap<[u8; 16], Client>,
    /// Refuses events for good.
    pub refuses: bool,
    /// Takes events into the log, and dies before it answers.
    pub dies: bool,
    pub ephemeral: Vec<Topic>,
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
        let number = socket::count() - 1;
        assert_eq!(socket::asked(number), SUBPROTOCOL);
        let options = Options { peer: "/peer".to_owned(), ..Options::default() };
        let server = Server::new(options.into(), Wire::Frames, &[self.log.len() as u64], 0);
        self.connections.push(Connection { number, server, told: self.log.len() });
        socket::accept(number, SUBPROTOCOL);
    }

    /// Takes what was sent, answers, and lets the page take that, until all is quiet.
    pub async fn serve(&mut self) {
        for _ in 0..12 {
            self.step();
            socket::sleep(0).await;
        }
    }

    /// Somebody else publishes.
    pub fn append(&mut self, topic: &str, id: &str, json: &str) {
        let data = json.as_bytes().to_vec();
        let body = Body {
            id: id.to_owned(),
            source: "/clients/other".to_owned(),
            data,
            ..Body::default()
        };
        self.log(Topic::parse(topic).unwrap(), &body);
    }

    /// Somebody else sends an ephemeral event.
    pub fn forward(&mut self, topic: &str, id: &str, json: &str) {
        let data = json.as_bytes().to_vec();
        let body = Body { id: id.to_owned(), data, ..Body::default() }.encode();
        let topic = Topic::parse(topic).unwrap();
        let event = Ephemeral { topic, key: "".into(), body: body.into() };
        for connection in &mut self.connections {
            connection.server.forwarded(&event);
        }
    }

    /// All connections are gone.
    pub fn hang_up(&mut self, code: u16, reason: &str) {
        for connection in self.connections.drain(..) {
            socket::hang_up(connection.number, code, reason);
        }
    }

    /// The same once, without waiting.
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
        for connection in &mut self.connections {
            connection.server.committed(&self.log[connection.told..]);
            connection.told = self.log.len();
            while let Some(effect) = connection.server.poll() {
                if let Effect::Send(Message::Binary(message)) = effect {
                    socket::deliver(connection.number, &message);
                }
            }
        }
        self.connections.retain(|connection| socket::state(connection.number) == OPEN);
    }

    fn carry_out(&mut self, at: usize, effect: Effect) {
        let number = self.connections[at].number;
        match effect {
            Effect::Send(Message::Binary(message)) => socket::deliver(number, &message),
            Effect::Send(_) => panic!("text on a binary wire"),
            Effect::Close(code, reason) => socket::hang_up(number, code.code(), &reason),
            Effect::Open(hello) => {
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
            Effect::Locate { ticket, pattern, start } => {
                let located = self.locate(&pattern, &start);
                self.connections[at].server.located(ticket, located);
            }
            Effect::Read { ticket, pattern, from, limit, .. } => {
                let matching = self
                    .log
                    .iter()
                    .filter(|event| event.offset >= from && pattern.matches(&event.topic));
                let events: Vec<_> = matching.take(limit).cloned().collect();
                let next = match events.last() {
                    Some(last) if events.len() == limit => last.offset + 1,
                    _ => self.log.len() as u64 + 1,
                };
                self.connections[at].server.page(ticket, &Page { events, next, gap: None });
            }
            other => panic!("{other:?}"),
        }
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

    fn log(&mut self, topic: Topic, body: &Body) -> Position {
        let offset = self.log.len() as u64 + 1;
        self.log.push(Arc::new(Logged { stream: 0, offset, topic, body: body.encode().into() }));
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
        Located::At(vec![Place { next, previous, head, gap: None }])
    }
}
