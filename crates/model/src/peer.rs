//! A peer that its world drives step by step.

mod connection;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use session::server::{
    Answer, Effect, Joiner, News, Opened, Options, Page, PresenceRegistry, Server, StreamNo,
    Ticket, Wire,
};
use session::{Hello, Millis};

use crate::store::{Outcome, Store, Write};
pub use connection::Connection;

/// The number of a connection, which the world chooses.
pub type ConnectionNo = usize;

/// A peer: its store, and all that its process holds. See the [crate](crate) for how to drive it.
#[derive(Debug)]
pub struct Peer {
    /// What survives a crash.
    pub store: Store,
    /// The occupants of each topic.
    pub presence: PresenceRegistry,
    /// The connections, until the world ends them.
    pub connections: BTreeMap<ConnectionNo, Connection>,
    /// The writes that are in no commit yet, in the order of their arrival.
    pub writes: VecDeque<(ConnectionNo, Write)>,
    /// Decides whether the proof of a hello is valid. By default every proof is.
    pub verifies: fn(&Hello) -> bool,
    options: Arc<Options>,
}

/// The result of a read, on its way to a server.
#[derive(Debug)]
pub enum Found {
    /// Committed events of a stream.
    Committed(StreamNo, Page),
    /// The answer to a query.
    Answered(Ticket, Answer),
}

impl Peer {
    /// Creates a peer with an empty store and no connections.
    pub fn new(options: Options) -> Self {
        Self {
            store: Store::new(&options.streams),
            presence: PresenceRegistry::default(),
            connections: BTreeMap::new(),
            writes: VecDeque::new(),
            verifies: |_| true,
            options: Arc::new(options),
        }
    }

    /// The limits of its connections.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// A client has connected.
    pub fn accept(&mut self, number: ConnectionNo, wire: Wire, now: Millis) {
        let heads: Vec<u64> = self.store.last_offsets().collect();
        let server = Server::new(Arc::clone(&self.options), wire, &heads, now);
        self.connections.insert(number, Connection::new(server, &heads));
    }

    /// The server of a connection, unless the world has ended the connection.
    pub fn server(&mut self, number: ConnectionNo) -> Option<&mut Server> {
        self.connections.get_mut(&number).map(|connection| &mut connection.server)
    }

    /// A binary message has arrived.
    pub fn received(&mut self, number: ConnectionNo, message: &[u8], now: Millis) {
        if let Some(server) = self.server(number) {
            server.received(message, now);
        }
    }

    /// The next effect of a connection, for the world to carry out or to pass to [`Peer::carry_out`].
    pub fn poll(&mut self, number: ConnectionNo) -> Option<Effect> {
        self.server(number)?.poll()
    }

    /// Carries out the next effect of a connection. Returns whether there was one.
    pub fn step(&mut self, number: ConnectionNo) -> bool {
        let effect = self.poll(number);
        effect.map(|effect| self.carry_out(number, effect)).is_some()
    }

    /// Carries out an effect of a connection, as far as that takes no time. There is no authority: a world that has one
    /// takes the effects that concern it.
    pub fn carry_out(&mut self, number: ConnectionNo, effect: Effect) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let member = number as u64;
        match effect {
            Effect::Send(message) => connection.send(message),
            Effect::Close(code, _) => connection.closed = Some(code),
            Effect::Open(hello) if !(self.verifies)(&hello) => {
                connection.server.opened(Opened::WrongProof);
            }
            Effect::Open(hello) => {
                connection.client = Some((hello.client, hello.fence));
                self.writes.push_back((number, Write::Open(hello)));
            }
            Effect::Record(hello) => self.writes.push_back((number, Write::Open(hello))),
            Effect::Append(append) => self.writes.push_back((number, Write::Append(append))),
            Effect::Delete(deletion) => self.writes.push_back((number, Write::Delete(deletion))),
            Effect::Refresh(_) => {}
            Effect::Query(ticket, query) => connection.queries.push_back((ticket, query)),
            Effect::Forward(event) => {
                let others = self.connections.iter_mut().filter(|(other, _)| **other != number);
                others.for_each(|(_, other)| other.server.forwarded(&event));
            }
            Effect::Join { topic, key, data } => {
                let Some((client, _)) = connection.client else { return };
                let joiner = Joiner { connection: member, client, share: None };
                if let Err(code) = self.presence.join(joiner, &topic, &key, &data, ()) {
                    connection.server.not_present(&topic, code, "");
                }
            }
            Effect::Leave(topic) => self.presence.leave(member, &topic),
            Effect::Watch(topic) => self.presence.watch(member, &topic),
            Effect::Unwatch(topic) => self.presence.unwatch(member, &topic),
        }
    }

    /// Commits all waiting writes, and passes the outcomes to their connections. Returns whether there were any.
    pub fn commit(&mut self) -> bool {
        let is_busy = !self.writes.is_empty();
        while let Some((number, write)) = self.writes.pop_front() {
            self.commit_one(number, &write);
        }
        is_busy
    }

    /// Commits the oldest waiting write of one connection. Returns whether there was one.
    pub fn commit_next(&mut self, number: ConnectionNo) -> bool {
        let at = self.writes.iter().position(|(from, _)| *from == number);
        let write = at.and_then(|at| self.writes.remove(at));
        write.map(|(_, write)| self.commit_one(number, &write)).is_some()
    }

    fn commit_one(&mut self, number: ConnectionNo, write: &Write) {
        let (outcome, logged) = self.store.write(write, true);
        if let Some(logged) = logged {
            self.store.supersede(logged.stream);
        }
        for fenced in self.fenced_by(number, &outcome) {
            self.server(fenced).into_iter().for_each(Server::fenced);
        }
        self.tell(number, outcome);
    }

    /// Passes the outcome of a write to its connection.
    pub fn tell(&mut self, number: ConnectionNo, outcome: Outcome) {
        let Some(server) = self.server(number) else { return };
        match outcome {
            Outcome::Opened(opened) => server.opened(opened),
            Outcome::Decided(ticket, decided) => server.decided(ticket, decided),
        }
    }

    /// The connections that end because of the answer to a connection's hello. A welcome ends the older ones of its
    /// client. Without a record of the client, the connection itself may be an older one.
    pub fn fenced_by(&self, number: ConnectionNo, outcome: &Outcome) -> Vec<ConnectionNo> {
        let client = self.connections.get(&number).and_then(|connection| connection.client);
        let (Some((client, fence)), Outcome::Opened(opened)) = (client, outcome) else {
            return Vec::new();
        };
        let others = || {
            let others = self.connections.iter().filter(|(other, _)| **other != number);
            let fences = others.filter_map(|(other, it)| Some((*other, it.client?)));
            fences.filter_map(|(other, (id, fence))| (id == client).then_some((other, fence)))
        };
        match opened {
            Opened::Reader if others().any(|(_, other)| other >= fence) => vec![number],
            Opened::Welcome { .. } | Opened::Reader => {
                others().filter(|(_, other)| *other < fence).map(|(other, _)| other).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Begins the next read of a connection: committed events come before queries. The world passes the result to
    /// [`Peer::found`], now or later; no other read begins until then. `look_at` returns the maximum number of events
    /// that a page of history looks at.
    pub fn read(&mut self, number: ConnectionNo, look_at: impl FnOnce() -> usize) -> Option<Found> {
        self.connections.get_mut(&number)?.read(&self.store, look_at)
    }

    /// Feeds a connection the result of its read.
    pub fn found(&mut self, number: ConnectionNo, found: Found) {
        if let Some(connection) = self.connections.get_mut(&number) {
            connection.found(found);
        }
    }

    /// Feeds a connection the committed events that it has not seen. Returns whether there were any.
    pub fn feed(&mut self, number: ConnectionNo) -> bool {
        let Some(connection) = self.connections.get_mut(&number) else { return false };
        let mut is_busy = false;
        while let Some(unread) = connection.unread(&self.store) {
            connection.found(unread);
            is_busy = true;
        }
        is_busy
    }

    /// Answers the queries of a connection. Returns whether there were any.
    pub fn answer(&mut self, number: ConnectionNo) -> bool {
        let Some(connection) = self.connections.get_mut(&number) else { return false };
        let is_busy = !connection.queries.is_empty();
        while let Some((ticket, query)) = connection.queries.pop_front() {
            connection.server.answer(ticket, self.store.answer(&query, usize::MAX));
        }
        is_busy
    }

    /// Reports to a connection how far the log goes, instead of feeding it the committed events.
    pub fn lag(&mut self, number: ConnectionNo) {
        if let Some(connection) = self.connections.get_mut(&number) {
            connection.lag(&self.store);
        }
    }

    /// Feeds a connection the changes at a topic that it watches. Returns whether there were any.
    pub fn tell_news(&mut self, number: ConnectionNo) -> bool {
        let Some((topic, news)) = self.presence.news(number as u64) else { return false };
        if let Some(server) = self.server(number) {
            match news {
                News::State(entries) => server.present(&topic, entries),
                News::Changes(joined, left) => server.presence(&topic, joined, left),
            }
        }
        true
    }

    /// Does everything that waits, until only the messages in [`Connection::sent`] are left.
    pub fn run(&mut self) {
        let mut is_busy = true;
        while is_busy {
            is_busy = self.commit();
            for number in self.connections.keys().copied().collect::<Vec<_>>() {
                while self.step(number) {
                    is_busy = true;
                }
                is_busy |= self.feed(number);
                is_busy |= self.answer(number);
            }
            while let Some(number) = self.presence.wake() {
                while self.tell_news(number as ConnectionNo) {
                    is_busy = true;
                }
            }
        }
    }

    /// Whether no write waits, no read has begun, and every connection was fed all committed events.
    pub fn is_idle(&self) -> bool {
        let mut connections = self.connections.values();
        self.writes.is_empty() && connections.all(|connection| connection.is_idle(&self.store))
    }

    /// A connection is gone. Writes that wait are committed nevertheless.
    pub fn disconnect(&mut self, number: ConnectionNo, now: Millis) {
        if self.connections.remove(&number).is_some() {
            self.presence.gone(number as u64, now);
        }
    }

    /// The process dies: everything but the store is gone. Returns the connections that it had.
    pub fn crash(&mut self) -> Vec<ConnectionNo> {
        self.writes.clear();
        self.presence = PresenceRegistry::default();
        std::mem::take(&mut self.connections).into_keys().collect()
    }
}
