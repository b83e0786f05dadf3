//! A client whose peer is scripted, frame by frame.
#![allow(dead_code)] // each test file uses its part

use session::client::{Client, Effect, MemoryOutbox, Options, SavedState};
use session::*;

pub struct Dialogue {
    pub client: Client,
    pub store: MemoryOutbox,
    pub now: Millis,
    /// The effects apart from sending, storing and opening.
    pub effects: Vec<Effect>,
    said: Vec<FromClient>,
    pub opened: usize,
}

pub const WELCOME: Welcome = Welcome {
    peer: String::new(),
    highest: 0,
    highest_id: None,
    heartbeat: 20_000,
    max_message: 1 << 20,
    forgotten: false,
    subject: None,
    rights: session::rights::Rights::all(),
    kinds: Vec::new(),
    reading: false,
};

impl Dialogue {
    /// A client that connects.
    pub fn new(options: Options) -> Self {
        let mut state = 1_u8;
        let mut entropy: client::Entropy = Box::new(move |bytes| {
            for byte in bytes {
                state = state.wrapping_mul(29).wrapping_add(7);
                *byte = state;
            }
        });
        let store = MemoryOutbox::new(SavedState::new(&mut entropy));
        let mut client = Client::new(options, entropy, store.saved().clone());
        client.connect(0);
        let mut dialogue =
            Self { client, store, now: 0, effects: Vec::new(), said: Vec::new(), opened: 0 };
        dialogue.run();
        dialogue
    }

    /// A client that the peer has welcomed.
    pub fn welcomed() -> Self {
        let mut dialogue = Self::new(Options::default());
        dialogue.say(FromPeer::Welcome(WELCOME));
        dialogue.heard();
        dialogue
    }

    /// Another page with what the store of this one holds.
    pub fn reload(self, options: Options) -> Self {
        let saved = self.store.saved().clone();
        let client = Client::new(options, Box::new(|bytes| bytes.fill(3)), saved.clone());
        let mut again = Self {
            client,
            store: MemoryOutbox::new(saved),
            effects: Vec::new(),
            said: Vec::new(),
            ..self
        };
        again.client.connect(again.now);
        again.run();
        again
    }

    /// The peer sends a frame.
    pub fn say(&mut self, frame: FromPeer) {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        self.client.received(&bytes, self.now);
        self.run();
    }

    /// The client's frames since the last call.
    pub fn heard(&mut self) -> Vec<FromClient> {
        self.run();
        std::mem::take(&mut self.said)
    }

    /// The connection breaks, and the next one is welcomed.
    pub fn reconnect(&mut self) {
        self.close(1_006);
        self.wait();
        self.say(FromPeer::Welcome(WELCOME));
    }

    pub fn close(&mut self, code: u16) {
        self.client.closed(code, "", self.now);
        self.run();
    }

    /// Time passes up to the next deadline.
    pub fn wait(&mut self) {
        self.now = self.client.deadline().unwrap().max(self.now);
        self.client.tick(self.now);
        self.run();
    }

    pub fn run(&mut self) {
        while let Some(effect) = self.client.poll() {
            match effect {
                Effect::Open => {
                    self.opened += 1;
                    self.client.opened(self.now);
                }
                Effect::Store(asked) => {
                    let answer = self.store.run(asked);
                    self.client.answer(Ok(answer), self.now);
                }
                Effect::Send(message) => {
                    self.said.extend(FromClient::decode(&message).map(Result::unwrap));
                }
                other => self.effects.push(other),
            }
        }
    }
}
