//! Clients, a peer and its log in one process, with virtual time and links that can be cut.
#![allow(dead_code)] // each test file uses its part

mod log;

use std::collections::VecDeque;

use session::client::{self, Client, MemoryOutbox, Outcome, SavedState, SubscriptionId, Window};
use session::server::{self, Append, Options, Server, SocketMessage, Wire};
use session::*;
use topic::{Pattern, Topic};

pub use log::Log;

pub struct World {
    pub clients: Vec<End>,
    pub log: Log,
    pub now: Millis,
    links: Vec<Option<Link>>,
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
    server: Server,
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Vec<u8>>,
    /// Appends that are not committed yet. They are lost when the peer restarts.
    appends: VecDeque<Append>,
    /// By stream.
    cursors: Vec<u64>,
    opened: bool,
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
            log: Log::default(),
            now: 0,
            links: (0..clients).map(|_| None).collect(),
            random: seed.wrapping_add(0x9e37_79b9),
        }
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
        for client in 0..self.clients.len() {
            self.hang_up(client, 1006);
        }
    }

    pub fn lose_the_log(&mut self) {
        self.restart();
        let (epoch, is_split) = (self.log.epoch + 1, self.log.is_split);
        self.log = Log { epoch, is_split, ..Log::default() };
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
        if self.links[client].take().is_some() {
            self.clients[client].machine.closed(code, "", self.now);
        }
    }

    fn run_client(&mut self, client: usize) -> bool {
        let end = &mut self.clients[client];
        let message = self.links[client].as_mut().and_then(|link| link.down.pop_front());
        let mut busy = message.is_some();
        if let Some(message) = message {
            end.machine.received(&message, self.now);
        }
        while let Some(effect) = end.machine.poll() {
            busy = true;
            match effect {
                client::Effect::Open => {
                    let heads = self.log.heads();
                    let options =
                        Options { page: 7, streams: self.log.streams(), ..Options::default() };
                    self.links[client] = Some(Link {
                        server: Server::new(options.into(), Wire::Frames, &heads, self.now),
                        up: VecDeque::new(),
                        down: VecDeque::new(),
                        appends: VecDeque::new(),
                        cursors: heads,
                        opened: false,
                    });
                    end.machine.opened(self.now);
                }
                client::Effect::Send(message) => {
                    if let Some(link) = &mut self.links[client] {
                        link.up.push_back(message);
                    }
                }
                client::Effect::Close(_) => self.links[client] = None,
                client::Effect::Deliver(delivery) => {
                    match delivery.position {
                        Some(position) => {
                            let stream = self.log.stream(&delivery.topic);
                            assert_eq!(position.stream, self.log.streams()[stream]);
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
        let mut busy = false;
        if let Some(message) = link.up.pop_front() {
            busy = true;
            link.server.received(&message, self.now);
        }
        if let Some(append) = link.appends.pop_front() {
            busy = true;
            let decided = self.log.decide(&append);
            link.server.decided(append.ticket, decided);
        }
        for (stream, head) in self.log.heads().into_iter().enumerate() {
            if link.cursors[stream] < head {
                busy = true;
                let from = std::mem::replace(&mut link.cursors[stream], head) + 1;
                let events = self.log.read(stream, from, usize::MAX, |_| true).events;
                link.server.committed(&events);
            }
        }
        let mut forward = Vec::new();
        let mut close = None;
        while let Some(effect) = link.server.poll() {
            busy = true;
            match effect {
                server::Effect::Send(SocketMessage::Binary(message)) => {
                    link.down.push_back(message)
                }
                server::Effect::Send(_) => panic!("text on a binary wire"),
                server::Effect::Close(code, _) => close = Some(code),
                server::Effect::Open(hello) => {
                    assert!(!link.opened, "opened twice");
                    link.opened = true;
                    link.server.opened(self.log.open(&hello));
                }
                server::Effect::Append(append) => link.appends.push_back(append),
                server::Effect::Forward(event) => forward.push(event),
                server::Effect::Query(ticket, query) => {
                    link.server.answer(ticket, self.log.answer(&query));
                }
                other => panic!("{other:?}"),
            }
        }
        if let Some(code) = close {
            self.hang_up(client, code.code());
        }
        for event in forward {
            for (_, other) in
                self.links.iter_mut().enumerate().filter(|(other, _)| *other != client)
            {
                if let Some(other) = other {
                    other.server.forwarded(&event);
                }
            }
        }
        busy
    }
}

pub fn next_random(state: &mut u64) -> u64 {
    // SplitMix64.
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
