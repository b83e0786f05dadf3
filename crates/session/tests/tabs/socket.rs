//! A leader's socket, with the peer on its other end.

use std::collections::{BTreeSet, VecDeque};

use model::{ConnectionNo, Peer};
use session::Millis;
use session::server::{Effect, Wire};
use topic::Topic;

pub struct Socket {
    connection: ConnectionNo,
    up: VecDeque<Vec<u8>>,
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
    /// Connects to a peer, which keeps the connections of sockets that were dropped.
    pub fn new(peer: &mut Peer, now: Millis) -> Self {
        let connection = peer.connections.len();
        peer.accept(connection, Wire::Frames, now);
        Self { connection, up: VecDeque::new(), present: BTreeSet::new(), closed: None }
    }

    pub fn send(&mut self, message: Vec<u8>) {
        self.up.push_back(message);
    }

    pub fn cut(&mut self) {
        self.closed = Some(1006);
    }

    pub fn tick(&mut self, peer: &mut Peer, now: Millis) {
        peer.server(self.connection).unwrap().tick(now);
    }

    /// Makes one step. Messages to the client arrive before anything else.
    pub fn run(&mut self, peer: &mut Peer, now: Millis) -> Happened {
        let connection = peer.connections.get_mut(&self.connection).unwrap();
        if let Some(message) = connection.sent.pop_front() {
            return Happened::Received(message);
        }
        if let Some(code) = self.closed.or(connection.closed.map(|code| code.code())) {
            return Happened::Closed(code);
        }
        if self.run_peer(peer, now) { Happened::AtThePeer } else { Happened::Nothing }
    }

    fn run_peer(&mut self, peer: &mut Peer, now: Millis) -> bool {
        let message = self.up.pop_front();
        let mut busy = message.is_some();
        if let Some(message) = message {
            peer.received(self.connection, &message, now);
        }
        busy |= peer.commit_next(self.connection);
        busy |= peer.feed(self.connection);
        while let Some(effect) = peer.poll(self.connection) {
            busy = true;
            match effect {
                Effect::Join { topic, .. } => _ = self.present.insert(topic),
                Effect::Leave(topic) => _ = self.present.remove(&topic),
                Effect::Forward(_) => {}
                other => peer.carry_out(self.connection, other),
            }
        }
        busy | peer.answer(self.connection)
    }
}
