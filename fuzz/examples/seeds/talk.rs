//! Two tabs that share a link to a relay, and what they all say.

use std::collections::VecDeque;
use std::sync::Arc;

use session::client::{Effect as ClientEffect, Entropy, MemoryOutbox, Options, SavedState};
use session::server::{self, SocketMessage, Server, Wire};
use session::tabs::{Effect, Lane, Tab};
use session::{Body, Start, Stream};
use simulation::store::Store;
use topic::{Pattern, Topic};

/// See the [module](self).
#[derive(Default)]
pub struct Talk {
    pub from_peer: Vec<Vec<u8>>,
    pub to_peer: Vec<Vec<u8>>,
    /// What each of the tabs says to the other.
    pub among_tabs: [Vec<Vec<u8>>; 2],
}

struct Stage {
    tabs: [Tab; 2],
    outbox: MemoryOutbox,
    server: Server,
    store: Store,
    /// What is on its way to a tab.
    heard: VecDeque<(usize, Vec<u8>)>,
    talk: Talk,
}

pub fn record() -> Talk {
    let mut entropy: Entropy = Box::new(|bytes| bytes.fill(9));
    let outbox = MemoryOutbox::new(SavedState::new(&mut entropy));
    let tabs = [0, 1].map(|number: u8| {
        let entropy: Entropy = Box::new(move |bytes| bytes.fill(number));
        let options = Options { tab: [number + 2; 16], ..Options::default() };
        Tab::new(options, entropy, outbox.saved().clone())
    });
    let options = Arc::new(server::Options::default());
    let mut stage = Stage {
        tabs,
        outbox,
        server: Server::new(options, Wire::Frames, &[0], 0),
        store: Store::new(&[Stream::MAIN], None),
        heard: VecDeque::new(),
        talk: Talk::default(),
    };
    for number in [0, 1] {
        if let Ok(all) = Pattern::parse(">") {
            stage.tabs[number].client().subscribe(all, Start::Earliest);
        }
        stage.tabs[number].start(0);
        stage.run();
        stage.tabs[0].lock_granted(0);
        stage.run();
    }
    for (number, id) in [(0, "one"), (1, "two"), (1, "three")] {
        if let Ok(topic) = Topic::parse("a.x") {
            let body = Body { id: id.into(), ..Body::default() };
            let _ = stage.tabs[number].client().publish(topic.clone(), &body, 0);
            stage.tabs[number].share(&topic, &body);
            stage.tabs[number].send_ephemeral(&topic, &body);
        }
        stage.run();
    }
    stage.tabs[0].leave(0);
    stage.run();
    stage.talk
}

impl Stage {
    fn run(&mut self) {
        loop {
            let mut busy = false;
            for number in [0, 1] {
                while let Some(effect) = self.tabs[number].poll() {
                    busy = true;
                    self.carry_out(number, effect);
                }
            }
            while let Some((number, message)) = self.heard.pop_front() {
                busy = true;
                self.tabs[number].heard(&message, 0);
            }
            while let Some(effect) = self.server.poll() {
                busy = true;
                self.serve(effect);
            }
            if !busy {
                return;
            }
        }
    }

    fn carry_out(&mut self, number: usize, effect: Effect) {
        match effect {
            Effect::Post(message) => {
                self.talk.among_tabs[number].push(message.clone());
                self.heard.push_back((1 - number, message));
            }
            Effect::Client(ClientEffect::Store(asked)) => {
                let answer = self.outbox.run(asked);
                self.tabs[number].answer(Ok(answer), 0);
            }
            Effect::Client(ClientEffect::Open) => {
                if let Some(client) = self.tabs[number].client_on(Lane::Shared, 0) {
                    client.opened(0);
                }
            }
            Effect::Client(ClientEffect::Send(message)) => {
                self.server.received(&message, 0);
                self.talk.to_peer.push(message);
            }
            _ => {}
        }
    }

    fn serve(&mut self, effect: server::Effect) {
        match effect {
            server::Effect::Send(SocketMessage::Binary(message)) => {
                if let Some(client) = self.tabs[0].client_on(Lane::Shared, 0) {
                    client.received(&message, 0);
                }
                self.talk.from_peer.push(message);
            }
            server::Effect::Open(hello) => self.server.opened(self.store.open(&hello)),
            server::Effect::Append(append) => {
                let (decided, logged) = self.store.decide(&append, true);
                self.server.decided(append.ticket, decided);
                self.server.committed(logged.as_slice());
            }
            server::Effect::Query(ticket, query) => {
                self.server.answer(ticket, self.store.answer(&query, usize::MAX));
            }
            _ => {}
        }
    }
}
