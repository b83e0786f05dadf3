//! Clients and a peer in one process, with virtual time and links that can be cut.
#![allow(dead_code)] // each test file uses its part

use std::collections::VecDeque;

use model::{ConnectionNo, Peer};
use session::client::{self, Client, MemoryOutbox, Outcome, SavedState, SubscriptionId, Window};
use session::server::{Options, StreamNo, Wire};
use session::*;
use topic::{Pattern, Topic};

pub struct World {
    pub clients: Vec<End>,
    pub peer: Peer,
    pub now: Millis,
    links: Vec<Option<Link>>,
    opened: ConnectionNo,
    random: u64,
}

/// A client and what its application has seen.
pub struct End {
    pub machine: Client,
    pub store: MemoryOutbox,
    pub kept: Vec<String>,
    pub delivered: Vec<(u64, String)>,
    pub ephemeral: Vec<String>,
    pub settled: Vec<(String, Outcome)>,
    pub published: Vec<String>,
    pub resets: usize,
    /// Events that the application has not taken yet.
    pub untaken: VecDeque<(Vec<SubscriptionId>, usize)>,
    /// Whether it takes events only when the test says so.
    pub is_slow: bool,
}

struct Link {
    connection: ConnectionNo,
    up: VecDeque<Vec<u8>>,
}

impl End {
    /// The application takes this many more events.
    pub fn take(&mut self, events: usize) {
        for (subscriptions, bytes) in self.untaken.drain(..events.min(self.untaken.len())) {
            self.machine.taken(&subscriptions, bytes);
        }
    }
}

pub fn body(id: &str) -> Body {
    Body { id: id.to_owned(), data: b"{}".to_vec(), ..Body::default() }
}

impl World {
    pub fn new(clients: usize, seed: u64) -> Self {
        let end = |number: usize| {
            let mut state = seed.wrapping_mul(31).wrapping_add(number as u64 + 1);
            let entropy = move |bytes: &mut [u8]| {
                for byte in bytes {
                    *byte = next_random(&mut state) as u8;
                }
            };
            let mut entropy: client::Entropy = Box::new(entropy);
            let store = MemoryOutbox::new(SavedState::new(&mut entropy));
            let options = client::Options::default();
            let mut machine = Client::new(options, entropy, store.saved().clone());
            machine.connect(0);
            End {
                machine,
                store,
                kept: Vec::new(),
                delivered: Vec::new(),
                ephemeral: Vec::new(),
                settled: Vec::new(),
                published: Vec::new(),
                resets: 0,
                untaken: VecDeque::new(),
                is_slow: false,
            }
        };
        Self {
            clients: (0..clients).map(end).collect(),
            peer: peer(&[Stream::MAIN]),
            now: 0,
            links: (0..clients).map(|_| None).collect(),
            opened: 0,
            random: seed.wrapping_add(0x9e37_79b9),
        }
    }

    /// The same, where topics below `b` have their own stream.
    pub fn split(clients: usize, seed: u64) -> Self {
        Self { peer: peer(&[Stream::MAIN, Stream::named("b")]), ..Self::new(clients, seed) }
    }

    /// The events of a stream: topics and ids by offset from 1.
    pub fn logged(&self, stream: StreamNo) -> Vec<(&Topic, &str)> {
        self.peer.store.events(stream).map(|(event, id)| (&event.topic, id)).collect()
    }

    pub fn random(&mut self, below: u64) -> u64 {
        next_random(&mut self.random) % below
    }

    pub fn subscribe_within(&mut self, client: usize, pattern: &str, start: Start, window: Window) {
        let pattern = Pattern::parse(pattern).unwrap();
        self.clients[client].machine.subscribe_within(pattern, start, window);
    }

    pub fn subscribe(&mut self, client: usize, pattern: &str, start: Start) {
        self.clients[client].machine.subscribe(Pattern::parse(pattern).unwrap(), start);
    }

    pub fn publish(&mut self, client: usize, topic: &str, id: &str) {
        let end = &mut self.clients[client];
        end.machine.publish(Topic::parse(topic).unwrap(), &body(id), self.now).unwrap();
        end.published.push(id.to_owned());
    }

    /// Cuts one link. Messages in flight are lost in both directions.
    pub fn cut(&mut self) {
        let client = self.random(self.clients.len() as u64) as usize;
        self.hang_up(client, 1006);
    }

    /// Kills the peer: all links break, and uncommitted appends are lost.
    pub fn restart(&mut self) {
        self.peer.crash();
        for client in 0..self.clients.len() {
            self.hang_up(client, 1006);
        }
    }

    pub fn lose_the_log(&mut self) {
        self.restart();
        let epoch = self.peer.store.heads()[0].epoch + 1;
        let streams = self.peer.options().streams.clone();
        self.peer = peer(&streams);
        (0..streams.len()).for_each(|stream| self.peer.store.recovered(stream, epoch));
    }

    /// Advances the time to the next deadline.
    pub fn advance(&mut self) {
        let deadlines = self.clients.iter().filter_map(|end| end.machine.deadline());
        if let Some(deadline) = deadlines.min() {
            self.now = self.now.max(deadline);
        }
        for end in &mut self.clients {
            end.machine.tick(self.now);
        }
    }

    /// Runs until all are idle, advancing the time for those that wait.
    pub fn settle(&mut self) {
        for _ in 0..200 {
            while self.run(1) {}
            let quiet = self.clients.iter().all(|end| end.machine.outbox_len() == 0);
            let online = self.clients.iter().all(|end| end.machine.peer().is_some());
            if quiet && online {
                return;
            }
            self.advance();
        }
        panic!(
            "it does not settle: {:?}",
            self.clients.iter().map(|end| &end.machine).collect::<Vec<_>>()
        );
    }

    /// Makes this many steps on each end. Returns whether there was one.
    pub fn run(&mut self, times: usize) -> bool {
        let mut busy = false;
        for _ in 0..times {
            for client in 0..self.clients.len() {
                busy |= self.run_client(client);
                busy |= self.run_server(client);
            }
        }
        busy
    }

    fn hang_up(&mut self, client: usize, code: u16) {
        if let Some(link) = self.links[client].take() {
            self.peer.disconnect(link.connection, self.now);
            self.clients[client].machine.closed(code, "", self.now);
        }
    }

    fn run_client(&mut self, client: usize) -> bool {
        let end = &mut self.clients[client];
        let connection = self.links[client].as_ref().map(|link| link.connection);
        let connection = connection.and_then(|it| self.peer.connections.get_mut(&it));
        let message = connection.and_then(|connection| connection.sent.pop_front());
        let mut busy = message.is_some();
        if let Some(message) = message {
            end.machine.received(&message, self.now);
        }
        while let Some(effect) = end.machine.poll() {
            busy = true;
            match effect {
                client::Effect::Open => {
                    self.opened += 1;
                    self.peer.accept(self.opened, Wire::Frames, self.now);
                    let link = Link { connection: self.opened, up: VecDeque::new() };
                    self.links[client] = Some(link);
                    end.machine.opened(self.now);
                }
                client::Effect::Send(message) => {
                    if let Some(link) = &mut self.links[client] {
                        link.up.push_back(message);
                    }
                }
                client::Effect::Close(_) => {
                    if let Some(link) = self.links[client].take() {
                        self.peer.disconnect(link.connection, self.now);
                    }
                }
                client::Effect::Deliver(delivery) => {
                    match delivery.position {
                        Some(position) => {
                            let stream = self.peer.store.stream_of(&delivery.topic);
                            assert_eq!(position.stream, self.peer.options().streams[stream]);
                            end.delivered.push((position.offset, delivery.body.id));
                        }
                        None => end.ephemeral.push(delivery.body.id),
                    }
                    end.untaken.push_back((delivery.subscriptions, delivery.bytes));
                    if !end.is_slow {
                        end.take(usize::MAX);
                    }
                }
                client::Effect::Store(asked) => {
                    end.machine.answer(Ok(end.store.run(asked)), self.now);
                }
                client::Effect::Kept(id) => end.kept.push(id),
                client::Effect::Settled { id, outcome, .. } => end.settled.push((id, outcome)),
                client::Effect::Reset(..) => end.resets += 1,
                _ => {}
            }
        }
        busy
    }

    fn run_server(&mut self, client: usize) -> bool {
        let Some(link) = &mut self.links[client] else { return false };
        let connection = link.connection;
        let message = link.up.pop_front();
        let mut busy = message.is_some();
        if let Some(message) = message {
            self.peer.received(connection, &message, self.now);
        }
        busy |= self.peer.commit_next(connection);
        busy |= self.peer.feed(connection);
        while self.peer.step(connection) {
            busy = true;
        }
        busy |= self.peer.answer(connection);
        let closed = self.peer.connections.get(&connection).and_then(|it| it.closed);
        if let Some(code) = closed {
            self.hang_up(client, code.code());
        }
        busy
    }
}

fn peer(streams: &[Stream]) -> Peer {
    Peer::new(Options { page: 7, streams: streams.to_vec(), ..Options::default() })
}

pub fn next_random(state: &mut u64) -> u64 {
    // SplitMix64.
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
