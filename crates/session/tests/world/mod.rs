//! Clients, a peer and its log in one place, with virtual time and links that can be cut.
#![allow(dead_code)] // each test file uses its part

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bus::{Pattern, Topic};
use session::client::{self, Client, MemoryOutbox, Outcome, Saved, SubscriptionId, Window};
use session::server::{
    self, Append, Decided, Located, Logged, Message, Opened, Options, Page, Place, Server,
    StreamNo, Wire,
};
use session::*;

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
    /// Events that the application has and is not done with.
    pub untaken: VecDeque<(Vec<SubscriptionId>, usize)>,
    /// It takes nothing by itself.
    pub is_slow: bool,
}

struct Link {
    server: Server,
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Vec<u8>>,
    /// Asked of the log and not committed yet: lost when the peer restarts.
    appends: VecDeque<Append>,
    /// By stream.
    cursors: Vec<u64>,
    opened: bool,
}

/// A log that decides as a store does.
pub struct Log {
    /// Of all streams, in the order of their commits.
    pub events: Vec<(Topic, String, Arc<[u8]>)>,
    /// Topics below `b` have a stream of their own.
    pub is_split: bool,
    pub refuse_next: usize,
    epoch: u64,
    clients: HashMap<[u8; 16], ClientRow>,
}

#[derive(Default)]
struct ClientRow {
    fence: u64,
    highest: u64,
    highest_id: Option<String>,
    held_back: Option<u64>,
    outcomes: HashMap<u64, Position>,
}

impl End {
    /// The application is done with so many more events.
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
            let store = MemoryOutbox::new(Saved::new(&mut entropy));
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

    /// Cuts one link; what was on the way is lost in both directions.
    pub fn cut(&mut self) {
        let client = self.random(self.clients.len() as u64) as usize;
        self.hang_up(client, 1006);
    }

    /// Kills the peer: all links break, and what was not committed is gone.
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

    /// Lets time pass up to the next deadline.
    pub fn advance(&mut self) {
        let deadlines = self.clients.iter().filter_map(|end| end.machine.deadline());
        if let Some(deadline) = deadlines.min() {
            self.now = self.now.max(deadline);
        }
        for end in &mut self.clients {
            end.machine.tick(self.now);
        }
    }

    /// Runs until all is quiet, with time passing where somebody waits.
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

    /// Lets each end do something, so many times; whether anybody did.
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
                client::Effect::Settled { id, outcome } => end.settled.push((id, outcome)),
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
                server::Effect::Send(Message::Binary(message)) => link.down.push_back(message),
                server::Effect::Send(_) => panic!("text on a binary wire"),
                server::Effect::Close(code, _) => close = Some(code),
                server::Effect::Open(hello) => {
                    assert!(!link.opened, "opened twice");
                    link.opened = true;
                    link.server.opened(self.log.open(&hello));
                }
                server::Effect::Append(append) => link.appends.push_back(append),
                server::Effect::Forward(event) => forward.push(event),
                server::Effect::Locate { ticket, pattern, start } => {
                    let located = self.log.locate(&pattern, &start);
                    link.server.located(ticket, located);
                }
                server::Effect::Read { ticket, stream, pattern, from, limit } => {
                    let page = self.log.read(stream, from, limit, |it| pattern.matches(it));
                    link.server.page(ticket, &page);
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

impl Default for Log {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            is_split: false,
            refuse_next: 0,
            epoch: 1,
            clients: HashMap::new(),
        }
    }
}

impl Log {
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn streams(&self) -> Vec<Stream> {
        let mut streams = vec![Stream::MAIN];
        streams.extend(self.is_split.then(|| Stream::named("b")));
        streams
    }

    pub fn stream(&self, topic: &Topic) -> StreamNo {
        usize::from(self.is_split && topic.as_str().starts_with("b."))
    }

    /// The events of a stream, with their offsets.
    pub fn of(
        &self,
        stream: StreamNo,
    ) -> impl DoubleEndedIterator<Item = (u64, &(Topic, String, Arc<[u8]>))> {
        let events = self.events.iter().filter(move |(topic, ..)| self.stream(topic) == stream);
        (1..).zip(events).collect::<Vec<_>>().into_iter()
    }

    fn heads(&self) -> Vec<u64> {
        (0..self.streams().len()).map(|stream| self.of(stream).count() as u64).collect()
    }

    fn position(&self, stream: StreamNo, offset: u64) -> Position {
        let id = self.of(stream).find(|(at, _)| *at == offset).map(|(_, (_, id, _))| id.clone());
        Position { stream: self.streams()[stream].clone(), epoch: self.epoch, offset, id }
    }

    pub fn open(&mut self, hello: &Hello) -> Opened {
        let new = !self.clients.contains_key(&hello.client);
        let row = self.clients.entry(hello.client).or_default();
        if hello.fence <= row.fence {
            return Opened::Fenced;
        }
        row.fence = hello.fence;
        row.outcomes.retain(|number, _| *number >= hello.lowest);
        Opened::Welcome { highest: row.highest, highest_id: row.highest_id.clone(), new }
    }

    pub fn decide(&mut self, append: &Append) -> Decided {
        let numbered = append.client.unwrap();
        if self.clients[&numbered.client].fence != numbered.fence {
            return Decided::Fenced;
        }
        let row = self.clients.get_mut(&numbered.client).unwrap();
        row.outcomes.retain(|number, _| *number >= numbered.lowest);
        if let Some(position) = row.outcomes.get(&numbered.number) {
            return Decided::Stored(position.clone(), Durability::Disk);
        }
        let highest = self.clients[&numbered.client].highest;
        assert!(numbered.number > highest, "a number goes back: {append:?} after {highest}");
        let row = self.clients.get_mut(&numbered.client).unwrap();
        let (code, refuse) = match row.held_back {
            Some(held) if numbered.number > held => (RejectCode::HeldBack, true),
            _ => (RejectCode::Unavailable, self.refuse_next > 0),
        };
        if refuse {
            self.refuse_next = self.refuse_next.saturating_sub(1);
            row.held_back = Some(row.held_back.unwrap_or(numbered.number).min(numbered.number));
            return Decided::Rejected { code, message: String::new(), retry: Some(50) };
        }
        row.held_back = None;
        let (topic, body) = append.event.clone().unwrap();
        let stream = self.stream(&topic);
        self.events.push((topic, body.id.clone(), body.encode().into()));
        let position = self.position(stream, self.of(stream).count() as u64);
        let row = self.clients.get_mut(&numbered.client).unwrap();
        row.highest = numbered.number;
        row.highest_id = position.id.clone();
        row.outcomes.insert(numbered.number, position.clone());
        Decided::Stored(position, Durability::Disk)
    }

    pub fn locate(&self, pattern: &Pattern, start: &Start) -> Located {
        let heads = self.heads();
        let head = |stream: StreamNo| self.position(stream, heads[stream]);
        let (mut places, mut strange) = (Vec::new(), Vec::new());
        for (stream, name) in self.streams().iter().enumerate() {
            let (next, previous) = match start {
                Start::Latest => (heads[stream] + 1, Some(heads[stream])),
                Start::Earliest => (1, None),
                Start::Last(n) => {
                    let matching =
                        self.of(stream).rev().filter(|(_, (it, ..))| pattern.matches(it));
                    let oldest = matching.take(*n as usize).last();
                    (oldest.map_or(heads[stream] + 1, |(offset, _)| offset), None)
                }
                Start::After(positions) => match positions.iter().find(|it| it.stream == *name) {
                    Some(it) if it.epoch != self.epoch || it.offset > heads[stream] => {
                        strange.push(head(stream));
                        (1, None)
                    }
                    Some(it) => (it.offset + 1, Some(it.offset)),
                    None => (1, None),
                },
            };
            places.push(Place { next, previous, head: head(stream), gap: None });
        }
        if strange.is_empty() { Located::At(places) } else { Located::Reset(strange) }
    }

    pub fn read(
        &self,
        stream: StreamNo,
        from: u64,
        limit: usize,
        matches: impl Fn(&Topic) -> bool,
    ) -> Page {
        let mut page = Page { events: Vec::new(), next: self.heads()[stream] + 1, gap: None };
        for (offset, (topic, _, body)) in self.of(stream).skip(from as usize - 1) {
            if page.events.len() == limit {
                page.next = offset;
                break;
            }
            if matches(topic) {
                page.events.push(Arc::new(Logged {
                    stream,
                    offset,
                    topic: topic.clone(),
                    body: body.clone(),
                }));
            }
        }
        page
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
