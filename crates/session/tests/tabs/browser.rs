//! A browser with tabs that share a store, a lock and a channel, with a peer and virtual time. Everything is delayed
//! at random; tabs close, crash, freeze and are deposed.

mod effects;
mod sockets;

use std::collections::{BTreeSet, VecDeque};

use model::Peer;
use session::client::{
    Entropy, MemoryOutbox, Options, Outcome, PublishOptions, RequestError, RequestId, SavedState,
    StoreError, StoreFailed, StoreRequest, StoreResponse,
};
use session::tabs::{Lane, Tab};
use session::*;
use topic::{Pattern, Topic};

use crate::socket::Socket;
use crate::world::{body, next_random};

/// What the device makes of every event.
pub const SIGNATURE: [u8; 64] = [7; 64];

pub struct Browser {
    pub tabs: Vec<Page>,
    pub store: MemoryOutbox,
    /// Whether the store rejects writes.
    pub fails: bool,
    /// Whether the store cannot even be read.
    pub is_broken: bool,
    /// Whether the device has a key, with which every other event must be signed.
    pub signs: bool,
    pub peer: Peer,
    pub now: Millis,
    /// The tab that holds the lock, and the tabs that wait for it.
    holder: Option<usize>,
    waiting: VecDeque<usize>,
    random: u64,
    pub published: usize,
}

/// A tab, and what its application has seen.
pub struct Page {
    pub tab: Tab,
    pub alive: bool,
    pub frozen: bool,
    /// In the back/forward cache.
    pub left: bool,
    /// It is closing, while its store may still be busy.
    closing: bool,
    /// Events whose outcomes were reported while it was away.
    pub missed: BTreeSet<String>,
    /// What will happen to it, in order for each source.
    inbox: Vec<VecDeque<Vec<u8>>>,
    lock_events: VecDeque<bool>,
    asked: VecDeque<StoreRequest>,
    answers: VecDeque<Result<StoreResponse, StoreFailed>>,
    /// Events that the device has not signed yet.
    to_sign: VecDeque<(Lane, String)>,
    socket: Option<Socket>,
    /// The fallback client's.
    pub fallback: Option<Socket>,
    /// Events in an outbox, on disk or in memory.
    pub kept: Vec<String>,
    /// Those in memory.
    pub in_memory: BTreeSet<String>,
    /// How often the store was reported as failed.
    pub failures: usize,
    pub delivered: Vec<(u64, String)>,
    pub pending: Vec<String>,
    pub published: Vec<String>,
    pub settled: Vec<(String, Outcome)>,
    pub shared: Vec<String>,
    pub deletions: Vec<(RequestId, Result<Position, RequestError>)>,
}

impl Page {
    fn is_settled(&self, id: &str) -> bool {
        self.settled.iter().any(|(settled, _)| settled == id)
    }
}

impl Browser {
    pub fn new(seed: u64) -> Self {
        let mut entropy = entropy(seed);
        let store = MemoryOutbox::new(SavedState::new(&mut entropy));
        Self {
            tabs: Vec::new(),
            store,
            fails: false,
            is_broken: false,
            signs: false,
            peer: Peer::new(server::Options { page: 7, ..server::Options::default() }),
            now: 1_000,
            holder: None,
            waiting: VecDeque::new(),
            random: seed.wrapping_mul(77).wrapping_add(3),
            published: 0,
        }
    }

    /// Another machine with a copy of the profile, at the same peer.
    pub fn copy(&self) -> Self {
        let mut copy =
            Self { store: self.store.clone(), now: self.now, published: 100, ..Self::new(21) };
        copy.peer.store = self.peer.store.clone();
        copy
    }

    pub fn random(&mut self, below: usize) -> usize {
        next_random(&mut self.random) as usize % below
    }

    /// Opens a tab that reads everything from the first event on.
    pub fn open(&mut self) -> usize {
        let index = self.tabs.len();
        let mut entropy = entropy(self.random ^ index as u64);
        let mut id = [0; 16];
        entropy(&mut id);
        let options = Options { tab: id, proves: self.signs, ..Options::default() };
        let mut tab = Tab::new(options, entropy, self.store.saved().clone());
        tab.client().subscribe(Pattern::parse(">").unwrap(), Start::Earliest);
        tab.start(self.now);
        self.tabs.push(Page {
            tab,
            alive: true,
            frozen: false,
            left: false,
            closing: false,
            missed: BTreeSet::new(),
            inbox: Vec::new(),
            lock_events: VecDeque::new(),
            asked: VecDeque::new(),
            answers: VecDeque::new(),
            to_sign: VecDeque::new(),
            socket: None,
            fallback: None,
            kept: Vec::new(),
            in_memory: BTreeSet::new(),
            failures: 0,
            delivered: Vec::new(),
            pending: Vec::new(),
            published: Vec::new(),
            settled: Vec::new(),
            shared: Vec::new(),
            deletions: Vec::new(),
        });
        for page in &mut self.tabs {
            page.inbox.resize_with(index + 1, VecDeque::new);
        }
        index
    }

    /// Lets everything happen that takes no time.
    pub fn rest(&mut self) {
        let mut idle = 0;
        while idle < 200 {
            idle = if self.step() { 0 } else { idle + 1 };
        }
    }

    pub fn publish(&mut self, tab: usize) {
        self.published += 1;
        let id = format!("{tab}-{}", self.published);
        let options =
            PublishOptions { signed: self.must_be_signed(&id), ..PublishOptions::default() };
        let page = &mut self.tabs[tab];
        let body = Body { time: Some(1), ..body(&id) };
        page.tab.client().publish_with(topic("a"), &body, options, self.now).unwrap();
        page.published.push(id);
    }

    /// Whether an event must be signed. Its id ends with its number.
    pub fn must_be_signed(&self, id: &str) -> bool {
        self.signs && id.ends_with(['1', '3', '5', '7', '9'])
    }

    /// The device signs the next event of a tab. Returns whether there was one.
    fn sign(&mut self, tab: usize) -> bool {
        let page = &mut self.tabs[tab];
        let Some((lane, id)) = page.to_sign.pop_front() else { return false };
        if let Some(client) = page.tab.client_on(lane, self.now) {
            client.signed(&id, SIGNATURE, self.now);
        }
        true
    }

    /// A tab crashes. Its store requests may be applied or not.
    pub fn crash(&mut self, tab: usize) {
        let done = self.random(self.tabs[tab].asked.len() + 1);
        for asked in self.tabs[tab].asked.drain(..).take(done) {
            self.store.run(asked);
        }
        self.end(tab);
    }

    /// The page closes. What its store still does may be applied, and answered, or not.
    pub fn close(&mut self, tab: usize) {
        self.tabs[tab].tab.leave(self.now);
        self.tabs[tab].closing = true;
        self.carry(tab, usize::MAX);
    }

    pub fn end(&mut self, tab: usize) {
        let page = &mut self.tabs[tab];
        page.alive = false;
        (page.socket, page.fallback) = (None, None);
        self.release(tab);
    }

    /// The page goes into the back/forward cache.
    pub fn leave(&mut self, tab: usize) {
        self.tabs[tab].tab.leave(self.now);
        self.tabs[tab].left = true;
        self.carry(tab, usize::MAX);
    }

    pub fn come_back(&mut self, tab: usize) {
        self.tabs[tab].tab.start(self.now);
        self.tabs[tab].left = false;
    }

    /// Whether the peer knows of a member at a topic.
    pub fn is_present(&self, at: &Topic) -> bool {
        self.tabs.iter().flat_map(|page| &page.socket).any(|socket| socket.present.contains(at))
    }

    pub fn cut(&mut self) {
        for page in &mut self.tabs {
            for socket in page.socket.iter_mut().chain(&mut page.fallback) {
                socket.cut();
            }
        }
    }

    pub fn running(&self) -> Vec<usize> {
        let running = |page: &Page| page.alive && !page.frozen && !page.left && !page.closing;
        (0..self.tabs.len()).filter(|tab| running(&self.tabs[*tab])).collect()
    }

    /// Advances the time to the next deadline of a running tab.
    pub fn advance(&mut self) {
        let running = self.running();
        self.deliver(&running);
        let deadlines = running.iter().filter_map(|tab| self.tabs[*tab].tab.deadline());
        if let Some(deadline) = deadlines.min() {
            self.now = self.now.max(deadline);
        }
        for tab in running {
            let page = &mut self.tabs[tab];
            page.tab.tick(self.now);
            for socket in page.socket.iter_mut().chain(&mut page.fallback) {
                socket.tick(&mut self.peer, self.now);
            }
        }
    }

    /// Messages between running tabs arrive before any of them times out.
    fn deliver(&mut self, running: &[usize]) {
        for round in 0.. {
            assert!(round < 1_000, "tabs talk without an end: {:?}", self.tabs[running[0]].tab);
            let mut busy = false;
            for &tab in running {
                busy |= self.carry(tab, usize::MAX);
                while self.sign(tab) {
                    busy = true;
                }
                for from in 0..self.tabs.len() {
                    while let Some(message) = self.tabs[tab].inbox[from].pop_front() {
                        busy = true;
                        self.tabs[tab].tab.heard(&message, self.now);
                    }
                }
            }
            if !busy {
                return;
            }
        }
    }

    /// Makes one random step of a tab. Returns whether there was one.
    pub fn step(&mut self) -> bool {
        let active = |tab: &usize| self.tabs[*tab].alive && !self.tabs[*tab].frozen;
        let active: Vec<usize> = (0..self.tabs.len()).filter(active).collect();
        let Some(&tab) = active.get(self.random(active.len().max(1))) else { return false };
        if self.tabs[tab].left || self.tabs[tab].closing {
            return self.step_away(tab);
        }
        let mut busy = self.carry(tab, 3);
        if !self.tabs[tab].to_sign.is_empty() {
            busy |= self.random(3) > 0 || self.sign(tab);
        }
        match self.random(6) {
            0 => {
                if let Some(granted) = self.tabs[tab].lock_events.pop_front() {
                    busy = true;
                    let page = &mut self.tabs[tab];
                    if granted {
                        page.tab.lock_granted(self.now);
                    } else {
                        page.tab.lock_lost(self.now);
                    }
                }
            }
            1 => {
                busy |= self.run_store(tab);
                let page = &mut self.tabs[tab];
                if self.random & 1 == 0
                    && let Some(answer) = page.answers.pop_front()
                {
                    page.tab.answer(answer, self.now);
                }
                busy |= !page.answers.is_empty();
            }
            2 => {
                let from = self.random(self.tabs.len());
                if let Some(message) = self.tabs[tab].inbox[from].pop_front() {
                    busy = true;
                    self.tabs[tab].tab.heard(&message, self.now);
                }
            }
            3 => busy |= self.run_fallback(tab),
            _ => busy |= self.run_socket(tab),
        }
        busy
    }

    /// A tab that has left receives only its store's responses, and may end at any time.
    fn step_away(&mut self, tab: usize) -> bool {
        self.run_store(tab);
        let answer = self.tabs[tab].answers.pop_front();
        let busy = answer.is_some();
        if self.tabs[tab].closing && (!busy || self.random(10) == 0) {
            self.end(tab);
        } else if let Some(answer) = answer {
            self.tabs[tab].tab.answer(answer, self.now);
        }
        busy
    }

    /// Runs until all tabs are idle, advancing the time for those that wait.
    pub fn settle(&mut self) {
        for _ in 0..300 {
            self.rest();
            let head = self.peer.store.last_offsets().next().unwrap();
            let at_rest = |tab: &usize| {
                let page = &self.tabs[*tab];
                page.delivered.last().map_or(0, |(offset, _)| *offset) == head
                    && page.published.iter().chain(&page.pending).all(|id| page.is_settled(id))
            };
            if self.running().iter().all(at_rest) && self.store.saved().rows.is_empty() {
                return;
            }
            self.advance();
        }
        for tab in self.running() {
            let page = &self.tabs[tab];
            let (read, unread) = (page.delivered.len(), self.peer.store.events(0).count());
            let all = page.published.iter().chain(&page.pending);
            let open: Vec<&String> = all.filter(|id| !page.is_settled(id)).collect();
            println!("{tab} has read {read} of {unread}, waits for {open:?}: {:?}", page.tab);
        }
        panic!("it does not settle: {:?}", self.store.saved().rows);
    }

    /// The store applies a tab's next request. Returns whether there was one.
    pub fn run_store(&mut self, tab: usize) -> bool {
        self.carry(tab, usize::MAX);
        let page = &mut self.tabs[tab];
        let Some(asked) = page.asked.pop_front() else { return false };
        let fails = self.fails && !matches!(asked, StoreRequest::Load);
        page.answers.push_back(if fails || self.is_broken {
            Err(StoreFailed { asked, error: StoreError::Full })
        } else {
            Ok(self.store.run(asked))
        });
        true
    }
}

pub fn topic(text: &str) -> Topic {
    Topic::parse(text).unwrap()
}

pub fn entropy(seed: u64) -> Entropy {
    let mut state = seed.wrapping_mul(31).wrapping_add(1);
    Box::new(move |bytes: &mut [u8]| {
        for byte in bytes {
            *byte = next_random(&mut state) as u8;
        }
    })
}
