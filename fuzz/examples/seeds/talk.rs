//! Two tabs that share a link to a relay, and what they all say.

use std::collections::VecDeque;

use model::{ConnectionNo, Peer};
use session::client::{
    Effect as ClientEffect, Entropy, MemoryOutbox, Options, PublishOptions, SavedState,
};
use session::server::{self, Wire};
use session::tabs::{Effect, Lane, Tab};
use session::{Body, Start};
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
    peer: Peer,
    /// What is on its way to a tab.
    heard: VecDeque<(usize, Vec<u8>)>,
    talk: Talk,
}

const LINK: ConnectionNo = 0;

pub fn record() -> Talk {
    let mut entropy: Entropy = Box::new(|bytes| bytes.fill(9));
    let outbox = MemoryOutbox::new(SavedState::new(&mut entropy));
    let tabs = [0, 1].map(|number: u8| {
        let entropy: Entropy = Box::new(move |bytes| bytes.fill(number));
        let options = Options { tab: [number + 2; 16], proves: true, ..Options::default() };
        Tab::new(options, entropy, outbox.saved().clone())
    });
    let mut peer = Peer::new(server::Options::default());
    peer.accept(LINK, Wire::Frames, 0);
    let mut stage = Stage { tabs, outbox, peer, heard: VecDeque::new(), talk: Talk::default() };
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
            let options = PublishOptions { signed: id == "two", ..PublishOptions::default() };
            let _ = stage.tabs[number].client().publish_with(topic.clone(), &body, options, 0);
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
            self.peer.run();
            while let Some(message) = self.take_sent() {
                busy = true;
                if let Some(client) = self.tabs[0].client_on(Lane::Shared, 0) {
                    client.received(&message, 0);
                }
                self.talk.from_peer.push(message);
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
            Effect::Client(ClientEffect::Prove(request)) => {
                if let Some(client) = self.tabs[number].client_on(Lane::Shared, 0) {
                    client.proved(request.fence, [4; 65], [5; 64]);
                }
            }
            Effect::Client(ClientEffect::Sign { id, .. }) => {
                if let Some(client) = self.tabs[number].client_on(Lane::Shared, 0) {
                    client.signed(&id, [7; 64], 0);
                }
            }
            Effect::Client(ClientEffect::Send(message)) => {
                self.peer.received(LINK, &message, 0);
                self.talk.to_peer.push(message);
            }
            _ => {}
        }
    }

    fn take_sent(&mut self) -> Option<Vec<u8>> {
        self.peer.connections.get_mut(&LINK)?.sent.pop_front()
    }
}
