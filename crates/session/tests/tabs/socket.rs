//! A leader's socket, with the peer on its other end.

use std::collections::{BTreeSet, VecDeque};

use session::Millis;
use session::server::{Append, Effect, Options, Server, SocketMessage, Wire};
use topic::Topic;

use crate::world::Log;

pub struct Socket {
    server: Server,
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Vec<u8>>,
    appends: VecDeque<Append>,
    cursor: usize,
    opened: bool,
    /// The topics at which the client is present.
    pub present: BTreeSet<Topic>,
    closed: Option<u16>,
}

/// What has happened on a socket.
pub enum Happened {
    Nothing,
    AtThePeer,
    /// For the tab.
    Received(Vec<u8>),
    Closed(u16),
}

impl Socket {
    pub fn new(log: &Log, now: Millis) -> Self {
        let cursor = log.events.len();
        let options = Options { page: 7, ..Options::default() };
        Self {
            server: Server::new(options.into(), Wire::Frames, &[cursor as u64], now),
            up: VecDeque::new(),
            down: VecDeque::new(),
            appends: VecDeque::new(),
            cursor,
            opened: false,
            present: BTreeSet::new(),
            closed: None,
        }
    }

    pub fn send(&mut self, message: Vec<u8>) {
        self.up.push_back(message);
    }

    pub fn cut(&mut self) {
        self.closed = Some(1006);
    }

    pub fn tick(&mut self, now: Millis) {
        self.server.tick(now);
    }

    /// Makes one step. Messages to the client arrive before anything else.
    pub fn run(&mut self, log: &mut Log, now: Millis) -> Happened {
        if let Some(message) = self.down.pop_front() {
            return Happened::Received(message);
        }
        if let Some(code) = self.closed {
            return Happened::Closed(code);
        }
        if self.run_peer(log, now) { Happened::AtThePeer } else { Happened::Nothing }
    }

    fn run_peer(&mut self, log: &mut Log, now: Millis) -> bool {
        let mut busy = false;
        if let Some(message) = self.up.pop_front() {
            busy = true;
            self.server.received(&message, now);
        }
        if let Some(append) = self.appends.pop_front() {
            busy = true;
            let decided = log.decide(&append);
            self.server.decided(append.ticket, decided);
        }
        if self.cursor < log.events.len() {
            busy = true;
            let events = log.read(0, self.cursor as u64 + 1, usize::MAX, |_| true).events;
            self.cursor = log.events.len();
            self.server.committed(&events);
        }
        while let Some(effect) = self.server.poll() {
            busy = true;
            self.serve(effect, log);
        }
        busy
    }

    fn serve(&mut self, effect: Effect, log: &mut Log) {
        match effect {
            Effect::Send(SocketMessage::Binary(message)) => self.down.push_back(message),
            Effect::Close(code, _) => self.closed = Some(code.code()),
            Effect::Open(hello) => {
                assert!(!self.opened, "opened twice");
                self.opened = true;
                self.server.opened(log.open(&hello));
            }
            Effect::Append(append) => self.appends.push_back(append),
            Effect::Query(ticket, query) => self.server.answer(ticket, log.answer(&query)),
            Effect::Join { topic, .. } => _ = self.present.insert(topic),
            Effect::Leave(topic) => _ = self.present.remove(&topic),
            Effect::Forward(_) => {}
            other => panic!("{other:?}"),
        }
    }
}
