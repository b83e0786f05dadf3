//! A page with a client, with a scripted store and peer.

use session::client::{
    Client, Effect, Entropy, MemoryOutbox, Options, Outcome, PublishOptions, SavedState,
    StoreError, StoreFailed, StoreRequest,
};
use session::*;
use topic::Topic;

/// A client, its store, and a record of both.
pub struct Page {
    pub client: Client,
    pub store: MemoryOutbox,
    /// Whether the store waits for the test before it answers.
    pub holds: bool,
    pub asked: Vec<StoreRequest>,
    pub fails: Option<fn(&StoreRequest) -> bool>,
    pub sent: Vec<FromClient>,
    pub settled: Vec<(String, Outcome)>,
    pub kept: Vec<String>,
    pub pending: Vec<String>,
    pub failures: Vec<StoreError>,
    pub opens: usize,
    pub now: Millis,
}

fn entropy(seed: u8) -> Entropy {
    let mut state = seed;
    Box::new(move |bytes| {
        for byte in bytes {
            state = state.wrapping_mul(5).wrapping_add(1);
            *byte = state;
        }
    })
}

impl Page {
    pub fn new(options: Options) -> Self {
        Self::on(options, MemoryOutbox::new(SavedState::new(&mut entropy(1))), 2)
    }

    /// Reloads the page.
    pub fn reload(self, seed: u8) -> Self {
        let mut page =
            Self::on(Options { tab: [seed; 16], ..Options::default() }, self.store, seed);
        page.now = self.now;
        page
    }

    pub fn on(options: Options, store: MemoryOutbox, seed: u8) -> Self {
        let client = Client::new(options, entropy(seed), store.saved().clone());
        let mut page = Self {
            client,
            store,
            holds: false,
            asked: Vec::new(),
            fails: None,
            sent: Vec::new(),
            settled: Vec::new(),
            kept: Vec::new(),
            pending: Vec::new(),
            failures: Vec::new(),
            opens: 0,
            now: 1_000,
        };
        page.run();
        page
    }

    pub fn run(&mut self) {
        while let Some(effect) = self.client.poll() {
            match effect {
                Effect::Store(asked) if self.fails.is_some_and(|fails| fails(&asked)) => {
                    let failed = StoreFailed { asked, error: StoreError::Full };
                    self.client.answer(Err(failed), self.now);
                }
                Effect::Store(asked) => {
                    self.asked.push(asked);
                    if !self.holds {
                        self.answer();
                    }
                }
                Effect::Send(message) => {
                    self.sent.extend(FromClient::decode(&message).map(Result::unwrap));
                }
                Effect::Settled { id, outcome, .. } => self.settled.push((id, outcome)),
                Effect::Kept(id) => self.kept.push(id),
                Effect::Pending { body, .. } => self.pending.push(body.id),
                Effect::StoreFailed(error) => self.failures.push(error),
                Effect::Open => self.opens += 1,
                _ => {}
            }
        }
    }

    /// The browser clears the site data; the next request finds an empty store.
    pub fn clear_site_data(&mut self) {
        self.store = MemoryOutbox::new(SavedState::new(&mut entropy(99)));
    }

    /// The store applies earlier requests first.
    pub fn answer(&mut self) {
        let answer = self.store.run(self.asked.remove(0));
        self.client.answer(Ok(answer), self.now);
    }

    pub fn publish(&mut self, id: &str, options: PublishOptions) {
        let body = Body { id: id.to_owned(), ..Body::default() };
        self.client.publish_with(Topic::parse("a").unwrap(), &body, options, self.now).unwrap();
        self.run();
    }

    pub fn tell(&mut self, frame: FromPeer) {
        let mut message = Vec::new();
        frame.encode(&mut message);
        self.client.received(&message, self.now);
        self.run();
    }

    pub fn go_online(&mut self, highest: u64, highest_id: &str, forgotten: bool) {
        self.client.connect(self.now);
        self.run();
        self.welcome(highest, highest_id, forgotten);
    }

    pub fn welcome(&mut self, highest: u64, highest_id: &str, forgotten: bool) {
        self.client.opened(self.now);
        self.run();
        self.tell(FromPeer::Welcome(Welcome {
            peer: "peer".into(),
            highest,
            highest_id: (highest > 0).then(|| highest_id.to_owned()),
            heartbeat: 20_000,
            max_message: 1 << 20,
            forgotten,
            subject: None,
            rights: Default::default(),
            kinds: Vec::new(),
            reading: false,
        }));
    }

    pub fn ack(&mut self, number: u64, durability: Durability) {
        let position = Position { offset: number, ..Position::start_of(1) };
        self.tell(FromPeer::Ack(Ack { number, position, durability }));
    }

    pub fn hello(&self) -> &Hello {
        let hellos = self.sent.iter().rev();
        hellos
            .into_iter()
            .find_map(|f| if let FromClient::Hello(h) = f { Some(h) } else { None })
            .unwrap()
    }

    /// The numbers, ids and lowest numbers of publishes.
    pub fn published(&self) -> Vec<(u64, String, u64)> {
        let publishes = self.sent.iter().filter_map(|frame| match frame {
            FromClient::Publish(p) => {
                let id = Body::decode(&p.body).unwrap().id;
                Some((p.number.unwrap(), id, p.lowest.unwrap()))
            }
            _ => None,
        });
        publishes.collect()
    }

    pub fn rejected(&self) -> Vec<(&str, RejectCode)> {
        let rejected = self.settled.iter().filter_map(|(id, outcome)| match outcome {
            Outcome::Rejected(code, _) => Some((id.as_str(), *code)),
            Outcome::Stored(..) => None,
        });
        rejected.collect()
    }
}
