//! A peer in the page: the model of a peer, with a fake socket for each of its connections.

use std::sync::Arc;

use event_driven_kit::Topic;
use model::ConnectionNo;
use session::server::{
    Append, Effect, Ephemeral, Joiner, Logged, Options, Refusal, Server, SocketMessage, Wire,
};
use session::{Body, FromPeer, Millis, RejectCode, SUBPROTOCOL};

use crate::fake_socket::{self as socket, OPEN};

/// Serves only when [`Peer::serve`] is called, so that a test can check every step.
pub struct Peer {
    /// Its connections have the numbers of their sockets.
    pub model: model::Peer,
    /// Whether it rejects events.
    pub refuses: bool,
    /// Whether it crashes after storing events and before acking them.
    pub dies: bool,
    pub ephemeral: Vec<Topic>,
    /// The number of events sent to the page.
    pub sent_events: usize,
    /// The credentials from hellos and refreshes.
    pub credentials: Vec<String>,
}

const EPOCH: u64 = 7;
/// Its clock stands still.
const NOW: Millis = 0;

impl Default for Peer {
    fn default() -> Self {
        let options = Options { peer: "/peer".to_owned(), ..Options::default() };
        let mut model = model::Peer::new(options);
        model.store.recovered(0, EPOCH);
        let (ephemeral, credentials) = (Vec::new(), Vec::new());
        Self { model, refuses: false, dies: false, ephemeral, sent_events: 0, credentials }
    }
}

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
        self.model.accept(number as ConnectionNo, Wire::Frames, NOW);
        socket::accept(number, SUBPROTOCOL);
    }

    /// Exchanges frames with the page until both are idle.
    pub async fn serve(&mut self) {
        for _ in 0..12 {
            self.step();
            socket::sleep(0).await;
        }
    }

    /// The events in the log.
    pub fn log(&self) -> Vec<Arc<Logged>> {
        self.model.store.events(0).map(|(event, _)| Arc::clone(event)).collect()
    }

    /// Another client publishes.
    pub fn append(&mut self, topic: &str, id: &str, json: &str) {
        self.append_from("/clients/other", topic, id, json);
    }

    /// A client publishes, and the peer attests this source.
    pub fn append_from(&mut self, source: &str, topic: &str, id: &str, json: &str) {
        let data = json.as_bytes().to_vec();
        let (id, source) = (id.to_owned(), source.to_owned());
        self.append_body(topic, &Body { id, source, data, ..Body::default() });
    }

    /// Appends an event to the log as it is.
    pub fn append_body(&mut self, topic: &str, body: &Body) {
        self.model.store.append(0, &Topic::parse(topic).unwrap(), body);
    }

    /// Another client sends an ephemeral event.
    pub fn forward(&mut self, topic: &str, id: &str, json: &str) {
        let data = json.as_bytes().to_vec();
        let body = Body { id: id.to_owned(), data, ..Body::default() }.encode();
        let topic = Topic::parse(topic).unwrap();
        let event = Ephemeral::new(topic, "".into(), body.into());
        for connection in self.model.connections.values_mut() {
            connection.server.forwarded(&event);
        }
    }

    /// The server of the newest connection.
    pub fn server(&mut self) -> &mut Server {
        &mut self.model.connections.values_mut().next_back().unwrap().server
    }

    /// Closes all connections.
    pub fn hang_up(&mut self, code: u16, reason: &str) {
        for number in std::mem::take(&mut self.model.connections).into_keys() {
            socket::hang_up(number as u32, code, reason);
        }
    }

    /// Exchanges frames once, without waiting.
    pub fn step(&mut self) {
        for number in self.numbers() {
            while let Some(message) = socket::take_sent(number as u32) {
                self.model.received(number, &message, NOW);
            }
        }
        self.carry_out();
        if std::mem::take(&mut self.dies) {
            for (_, write) in self.model.writes.drain(..) {
                self.model.store.write(&write, true);
            }
            return self.hang_up(1006, "");
        }
        while let Some(number) = self.model.presence.wake() {
            while self.model.tell_news(number as ConnectionNo) {}
        }
        for number in self.numbers() {
            self.model.feed(number);
        }
        self.carry_out();
        self.model.connections.retain(|number, _| socket::state(*number as u32) == OPEN);
    }

    fn numbers(&self) -> Vec<ConnectionNo> {
        self.model.connections.keys().copied().collect()
    }

    /// Carries out all effects. Writes come before queries, and wait if the peer is about to crash.
    fn carry_out(&mut self) {
        for number in self.numbers() {
            loop {
                while let Some(effect) = self.model.poll(number) {
                    self.carry(number, effect);
                }
                let commits = !self.dies && self.model.commit_next(number);
                if !commits && !self.model.answer(number) {
                    break;
                }
            }
        }
    }

    fn carry(&mut self, number: ConnectionNo, effect: Effect) {
        let effect = match effect {
            Effect::Send(SocketMessage::Binary(message)) => {
                let frames = FromPeer::decode(&message).map(Result::unwrap);
                let events = frames.filter(|frame| matches!(frame, FromPeer::Event(_)));
                self.sent_events += events.count();
                return socket::deliver(number as u32, &message);
            }
            Effect::Close(code, reason) => {
                return socket::hang_up(number as u32, code.code(), &reason);
            }
            Effect::Forward(event) => return self.ephemeral.push(event.topic),
            Effect::Refresh(credential) => return self.credentials.push(credential),
            Effect::Append(append) if self.refuses => {
                let (code, message) = (RejectCode::IllegalEvent, "not today".to_owned());
                let refusal = Refusal { code, message, id: None };
                Effect::Append(Append { event: Err(refusal), ..append })
            }
            Effect::Open(hello) => {
                self.credentials.extend(hello.token.clone());
                Effect::Open(hello)
            }
            effect => effect,
        };
        self.model.carry_out(number, effect);
    }

    /// Another client joins a topic, with a connection of this number.
    pub fn join(&mut self, number: u64, topic: &str, key: &str, json: &str) {
        let topic = Topic::parse(topic).unwrap();
        let joiner = Joiner { connection: number, client: [number as u8; 16], share: None };
        self.model.presence.join(joiner, &topic, key, json.as_bytes(), ()).unwrap();
    }
}
