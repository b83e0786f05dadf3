//! The world: people, a peer with an authority, and the steps between them, chosen by a seed.

use std::collections::{BTreeMap, HashMap};

use model::Peer;
use session::client::Effect as ClientEffect;
use session::server::{Effect, Granted, Options, SocketMessage, Wire};
use session::{Body, Start};
use topic::{Pattern, Topic};

use super::check::Record;
use super::people::{Issued, Person, random_lists};
use crate::mutation::Mutation;
use crate::random::Random;
use crate::wire::WireNo;

/// The steps of a run.
const STEPS: usize = 600;
const TOPICS: [&str; 6] = ["chat.a", "chat.b", "person.p0.x", "person.p1.x", "admin.x", "other"];
const PATTERNS: [&str; 8] =
    [">", "chat.>", "chat.a", "chat.*", "person.p0.>", "person.p1.*", "admin.x", "*.*.x"];

/// See the [module](self).
#[derive(Debug)]
pub(super) struct World {
    now: u64,
    random: Random,
    mutation: Option<Mutation>,
    people: Vec<Person>,
    pub(super) peer: Peer,
    next_wire: WireNo,
    /// The person of each connection.
    owners: BTreeMap<WireNo, usize>,
    /// The topics of the numbers on each connection, from the peer.
    pub(super) topics: HashMap<(WireNo, u32), Topic>,
    issued: Vec<Issued>,
    /// What each person was granted first.
    first: HashMap<usize, Issued>,
    records: Vec<(u64, Record)>,
    events: u32,
}

impl World {
    /// Runs a seed, and returns what happened.
    pub(super) fn run(seed: u64, mutation: Option<Mutation>) -> Vec<(u64, Record)> {
        let mut random = Random::new(seed);
        let people = (0..3).map(|number| Person::new(number, &mut random)).collect();
        let options =
            Options { peer: "relay".into(), page: 3, has_authority: true, ..Options::default() };
        let mut world = Self {
            now: 0,
            random,
            mutation,
            people,
            peer: Peer::new(options),
            next_wire: 0,
            owners: BTreeMap::new(),
            topics: HashMap::new(),
            issued: Vec::new(),
            first: HashMap::new(),
            records: Vec::new(),
            events: 0,
        };
        for _ in 0..STEPS {
            world.now += world.random.between(0, 60);
            world.tick();
            world.step();
            world.settle();
        }
        world.records
    }

    pub(super) fn record(&mut self, record: Record) {
        self.records.push((self.now, record));
    }

    /// Timers come before everything else of their moment.
    fn tick(&mut self) {
        for wire in self.wires() {
            if let Some(server) = self.peer.server(wire)
                && server.deadline() <= self.now
            {
                server.tick(self.now);
            }
        }
        self.settle();
        for person in &mut self.people {
            if person.client.deadline().is_some_and(|due| due <= self.now) {
                person.client.tick(self.now);
            }
        }
        self.settle();
    }

    fn step(&mut self) {
        let index = self.random.below(self.people.len() as u64) as usize;
        match self.random.below(32) {
            0..=10 => self.messages(index),
            11..=14 => self.publish(index),
            15..=18 => self.subscribe(index),
            19 => self.scroll(index),
            20 => self.watch(index),
            21 => self.hang_up(index),
            22 => self.people[index].lists = random_lists(&mut self.random),
            // A person may show another credential at any time.
            23 => self.credential(index),
            24..=27 => self.peer_works(),
            28 => self.unsubscribe(index),
            29 => self.take(index),
            // Connects again after a stop.
            _ => self.people[index].client.connect(self.now),
        }
    }

    /// Messages of a person, and for it, arrive.
    fn messages(&mut self, index: usize) {
        for _ in 0..self.random.between(1, 6) {
            let (now, person) = (self.now, &mut self.people[index]);
            let down = person.down.pop_front();
            if let Some(message) = down {
                person.client.received(&message, now);
            }
            self.settle();
            let person = &mut self.people[index];
            if let (Some(wire), Some(message)) = (person.wire, person.up.pop_front()) {
                self.note_subscriptions(wire, &message);
                self.peer.received(wire, &message, now);
            }
            self.settle();
        }
    }

    fn publish(&mut self, index: usize) {
        let Some(topic) = self.some_topic() else { return };
        self.events += 1;
        let body = Body { id: format!("e{}", self.events), ..Body::default() };
        let (now, is_durable) = (self.now, self.random.once_in(2));
        let client = &mut self.people[index].client;
        if is_durable {
            // A full outbox refuses it.
            _ = client.publish(topic, &body, now);
        } else {
            client.send_ephemeral(&topic, &body);
        }
    }

    fn subscribe(&mut self, index: usize) {
        let Some(pattern) = self.some_pattern() else { return };
        let start = match self.random.below(4) {
            0 => Start::Latest,
            1 => Start::Last(3),
            _ => Start::Earliest,
        };
        let person = &mut self.people[index];
        if person.subscriptions.len() < 4 {
            let id = person.client.subscribe(pattern, start);
            person.subscriptions.push(id);
        }
    }

    fn unsubscribe(&mut self, index: usize) {
        let person = &mut self.people[index];
        if !person.subscriptions.is_empty() {
            let at = self.random.below(person.subscriptions.len() as u64) as usize;
            let id = person.subscriptions.swap_remove(at);
            person.client.unsubscribe(id);
        }
    }

    fn scroll(&mut self, index: usize) {
        let Some(pattern) = self.some_pattern() else { return };
        self.people[index].client.history(pattern, None, 5);
    }

    fn watch(&mut self, index: usize) {
        let Some(topic) = self.some_topic() else { return };
        let client = &mut self.people[index].client;
        match self.random.below(3) {
            0 => client.watch(&topic),
            1 => client.join(&topic, "me".to_owned(), Vec::new()),
            _ => client.unwatch(&topic),
        }
    }

    fn take(&mut self, index: usize) {
        let person = &mut self.people[index];
        for (subscriptions, bytes) in person.untaken.drain(..) {
            person.client.taken(&subscriptions, bytes);
        }
    }

    fn some_topic(&mut self) -> Option<Topic> {
        let topic: &&str = self.random.of(&TOPICS);
        Topic::parse(topic).ok()
    }

    fn some_pattern(&mut self) -> Option<Pattern> {
        let pattern: &&str = self.random.of(&PATTERNS);
        Pattern::parse(pattern).ok()
    }

    /// The peer commits, reads and feeds, for some of its connections.
    fn peer_works(&mut self) {
        if self.random.once_in(2) {
            self.peer.commit();
        }
        self.settle();
        for wire in self.wires() {
            match self.random.below(6) {
                0 => _ = self.peer.commit_next(wire),
                1 => self.peer.lag(wire),
                2 => {}
                _ => {
                    self.peer.feed(wire);
                    self.peer.answer(wire);
                }
            }
            self.settle();
        }
        while let Some(number) = self.peer.presence.wake() {
            while self.peer.tell_news(number as WireNo) {}
        }
    }

    /// Carries out all effects of both ends.
    fn settle(&mut self) {
        let mut is_busy = true;
        while is_busy {
            is_busy = false;
            for index in 0..self.people.len() {
                while let Some(effect) = self.people[index].poll(self.now) {
                    is_busy = true;
                    self.client_effect(index, effect);
                }
            }
            for wire in self.wires() {
                while let Some(effect) = self.peer.poll(wire) {
                    is_busy = true;
                    self.server_effect(wire, effect);
                }
            }
        }
    }

    fn client_effect(&mut self, index: usize, effect: ClientEffect) {
        match effect {
            ClientEffect::Open => {
                let wire = self.next_wire;
                self.next_wire += 1;
                self.owners.insert(wire, index);
                self.people[index].wire = Some(wire);
                self.peer.accept(wire, Wire::Frames, self.now);
                self.people[index].client.opened(self.now);
            }
            ClientEffect::Close(_) => self.disconnect(index),
            ClientEffect::Send(message) => self.people[index].up.push_back(message),
            ClientEffect::FetchCredential => self.credential(index),
            _ => {}
        }
    }

    /// The application gives the client a credential, which is sometimes too old.
    fn credential(&mut self, index: usize) {
        let until = match self.random.below(20) {
            0 => self.now,
            _ => self.now + self.random.between(500, 9_000),
        };
        let person = &mut self.people[index];
        self.issued.push(Issued { name: person.name.clone(), lists: person.lists.clone(), until });
        person.client.credential(Some((self.issued.len() - 1).to_string()), self.now);
    }

    fn server_effect(&mut self, wire: WireNo, effect: Effect) {
        match effect {
            Effect::Send(SocketMessage::Binary(message)) => {
                self.inspect(wire, &message);
                if let Some(index) = self.owners.get(&wire) {
                    self.people[*index].down.push_back(message);
                }
            }
            Effect::Close(code, _) => {
                if let Some(index) = self.owners.get(&wire).copied() {
                    self.disconnect(index);
                    self.people[index].client.closed(code.code(), "", self.now);
                }
            }
            Effect::Open(ref hello) => {
                let token = hello.token.clone();
                if self.authorize(wire, token.as_deref(), true) {
                    self.peer.carry_out(wire, effect);
                }
            }
            Effect::Refresh(token) => {
                self.authorize(wire, Some(&token), false);
            }
            effect => {
                match &effect {
                    Effect::Append(append) => {
                        let event = append.event.as_ref().ok();
                        let taken = event.map(|(topic, _)| topic.clone());
                        taken
                            .into_iter()
                            .for_each(|topic| self.record(Record::Taken { wire, topic }));
                    }
                    Effect::Forward(event) => {
                        self.record(Record::Taken { wire, topic: event.topic.clone() });
                    }
                    _ => {}
                }
                self.peer.carry_out(wire, effect);
            }
        }
    }

    /// The authority answers. Returns whether the credential is accepted.
    fn authorize(&mut self, wire: WireNo, token: Option<&str>, is_hello: bool) -> bool {
        let issued = token.and_then(|token| self.issued.get(token.parse::<usize>().ok()?)).cloned();
        let issued = issued.filter(|issued| self.now < issued.until);
        let (Some(issued), Some(index)) = (issued, self.owners.get(&wire).copied()) else {
            let server = self.peer.server(wire).into_iter();
            server.for_each(|server| server.credential_refused("it has ended"));
            return false;
        };
        let (covers, until) = (issued.covers(), issued.until);
        self.record(Record::Granted { wire, covers, until });
        let first = self.first.entry(index).or_insert_with(|| issued.clone());
        // The deliberate bugs.
        let is_unchecked = is_hello && self.mutation == Some(Mutation::ResumeUnchecked);
        let granted = if is_unchecked { first.clone() } else { issued };
        let outlives = self.mutation == Some(Mutation::RightOutlivesToken);
        let Ok(rights) = granted.lists.parse() else { return false };
        let expires_in = (!outlives).then_some(until - self.now);
        let granted = Granted { account: granted.account(), rights, expires_in, key: None };
        if let Some(server) = self.peer.server(wire) {
            server.granted(granted, self.now);
        }
        true
    }

    /// The link of a person breaks.
    fn hang_up(&mut self, index: usize) {
        if self.people[index].wire.is_some() {
            self.disconnect(index);
            self.people[index].client.closed(1_006, "", self.now);
        }
    }

    fn disconnect(&mut self, index: usize) {
        let person = &mut self.people[index];
        if let Some(wire) = person.wire.take() {
            person.up.clear();
            person.down.clear();
            self.owners.remove(&wire);
            self.peer.disconnect(wire, self.now);
        }
    }

    fn wires(&self) -> Vec<WireNo> {
        self.peer.connections.keys().copied().collect()
    }
}
