//! The tabs: each has a machine, and an application that publishes, reads and remembers how far it
//! has read.

use std::collections::VecDeque;

use bus::{Pattern, Topic};
use session::client::{
    Client, Delivery, Effect, LinkState, Options, Outcome, SubscriptionId, Terms,
};
use session::{Body, RejectCode, Start};

use super::disks::{Answered, Profile};
use super::{Happening, World, number_of};
use crate::fault::Phase;
use crate::history::{Answer, EventNo, From, LifeNo, Place, ReaderNo, Record, TopicNo, Topics};
use crate::wire::{Parcel, WireNo};

/// The topics of all worlds; the last one is refused by the relay for good.
pub(super) const TOPICS: [&str; 5] = ["a.x", "a.y", "b.x", "b.y", "$refused"];
const REFUSED: TopicNo = 4;
const PATTERNS: [&str; 5] = ["a.>", ">", "*.x", "a.x", "b.*"];

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Tab {
    pub(super) profile: usize,
    pub(super) life: LifeNo,
    /// None while the page loads.
    pub(super) machine: Option<Client>,
    pub(super) wire: Option<WireNo>,
    pub(super) frozen_until: u64,
    /// How far its clock is ahead.
    pub(super) ahead: u64,
    /// How far the clock on its wall is ahead of that, or behind.
    pub(super) wall: i64,
    /// What the disk has answered and it was not told yet.
    pub(super) answers: VecDeque<Answered>,
    link: Link,
    wants: Vec<(Pattern, From, bool)>,
    readers: Vec<Reader>,
    timer: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Waiting,
    Opening,
    Online,
    Stopped,
}

#[derive(Debug)]
struct Reader {
    number: ReaderNo,
    id: SubscriptionId,
    is_caught_up: bool,
    /// The application keeps its position over a reload.
    keeps_position: bool,
}

impl World {
    pub(super) fn new_tab(&mut self, profile: usize) {
        let mut wants = Vec::new();
        for _ in 0..self.random.between(1, 2) {
            let Ok(pattern) = Pattern::parse(self.random.of::<&str>(&PATTERNS)) else { continue };
            let from = match self.random.below(4) {
                0 => From::Latest,
                1 => From::Last(self.random.between(1, 12)),
                _ => From::Earliest,
            };
            wants.push((pattern, from, self.random.once_in(2)));
        }
        self.tabs.push(Tab {
            profile,
            life: 0,
            machine: None,
            wire: None,
            frozen_until: 0,
            ahead: 0,
            wall: 1_000_000_000,
            answers: VecDeque::new(),
            link: Link::Waiting,
            wants,
            readers: Vec::new(),
            timer: None,
        });
        let tab = self.tabs.len() - 1;
        let wait = self.random.below(500);
        self.after(wait, Happening::TabLoads(tab));
    }

    /// The page of a tab starts.
    pub(super) fn load(&mut self, number: usize) {
        if self.tabs[number].machine.is_some() {
            return;
        }
        let profile = self.tabs[number].profile;
        if !self.profiles[profile].is_quiet() {
            // Its first transaction stands behind those of the page before.
            return self.after(5, Happening::TabLoads(number));
        }
        self.lives += 1;
        let mut entropy = self.random.fork();
        let mut options = Options { connect_timeout: 5_000, ..Options::default() };
        entropy.fill(&mut options.tab);
        let saved = self.profiles[profile].outbox.saved().clone();
        let machine =
            Client::new(options, Box::new(move |bytes: &mut [u8]| entropy.fill(bytes)), saved);
        let tab = &mut self.tabs[number];
        (tab.life, tab.machine) = (self.lives, Some(machine));
        (tab.link, tab.timer) = (Link::Waiting, None);
        for index in 0..self.tabs[number].wants.len() {
            self.subscribe(number, index);
        }
        self.set_clock(number);
        self.with_tab(number, |machine, now| machine.connect(now));
    }

    /// Tells a machine what time it is on the wall.
    pub(super) fn set_clock(&mut self, number: usize) {
        let wall = self.tabs[number].wall;
        self.with_tab(number, |machine, now| {
            machine.set_clock(now, now.saturating_add_signed(wall));
        });
    }

    fn subscribe(&mut self, number: usize, index: usize) {
        let tab = &mut self.tabs[number];
        let (pattern, from, keeps_position) = tab.wants[index].clone();
        let kept = self.profiles[tab.profile].positions.get(&(number, index)).cloned();
        let (start, from) = match kept {
            Some(position) if keeps_position => {
                let place = Place { epoch: position.epoch, offset: position.offset };
                (Start::After(vec![position]), From::After(place))
            }
            _ => match from {
                From::Latest => (Start::Latest, from),
                From::Last(count) => (Start::Last(count), from),
                _ => (Start::Earliest, from),
            },
        };
        let Some(machine) = &mut tab.machine else { return };
        let topics = topics_of(&pattern);
        let id = machine.subscribe(pattern, start);
        self.readers += 1;
        let reader = self.readers;
        tab.readers.push(Reader { number: reader, id, is_caught_up: false, keeps_position });
        self.record(Record::Subscribed { reader, topics, from });
    }

    /// The page is gone, and with it all that its machine knew.
    pub(super) fn unload(&mut self, number: usize) {
        if self.tabs[number].machine.is_none() {
            return;
        }
        self.abandon_disk(number);
        let tab = &mut self.tabs[number];
        (tab.machine, tab.life) = (None, 0);
        let wire = tab.wire.take();
        for reader in std::mem::take(&mut self.tabs[number].readers) {
            self.record(Record::Ended { reader: reader.number });
        }
        if let Some(wire) = wire {
            self.close_at_tab(wire);
        }
    }

    /// The application publishes.
    pub(super) fn publish(&mut self, number: usize, topic: TopicNo) {
        let event = self.publishes;
        let Ok(name) = Topic::parse(TOPICS[usize::from(topic)]) else { return };
        let body = Body { id: format!("e{event}"), data: vec![7; 24], ..Body::default() };
        let now = self.clock(number);
        let mut terms = Terms::default();
        let is_short = self.random.once_in(12);
        if is_short {
            let wall = now.saturating_add_signed(self.tabs[number].wall);
            terms.expires = Some(wall + self.random.between(100, 20_000));
        }
        let Some(machine) = &mut self.tabs[number].machine else { return };
        if machine.publish_with(name, &body, terms, now).is_err() {
            return;
        }
        self.publishes += 1;
        if topic == REFUSED || is_short {
            self.refusable.insert(event);
        }
        self.drive_tab(number);
        if self.random.once_in(25) {
            self.cancel(number, event);
        }
    }

    /// The application takes a publish back, if it still can.
    fn cancel(&mut self, number: usize, event: EventNo) {
        let mut will = false;
        self.with_tab(number, |machine, _| will = machine.cancel(&format!("e{event}")));
        if will {
            self.refusable.insert(event);
            let profile = &self.profiles[self.tabs[number].profile];
            if profile.knows(event) {
                self.say_refusable(event);
            }
        }
    }

    fn clock(&self, tab: usize) -> u64 {
        self.now + self.tabs[tab].ahead
    }

    pub(super) fn with_tab_of(&mut self, wire: WireNo, work: impl FnOnce(&mut Client, u64)) {
        let Wire { tab, life, is_open } = self.end_of(wire);
        if is_open && self.tabs[tab].life == life && self.tabs[tab].wire == Some(wire) {
            self.with_tab(tab, work);
        }
    }

    fn end_of(&self, wire: WireNo) -> Wire {
        let wire = &self.wires[wire];
        Wire { tab: wire.tab, life: wire.life, is_open: wire.is_open }
    }

    pub(super) fn with_tab(&mut self, tab: usize, work: impl FnOnce(&mut Client, u64)) {
        let now = self.clock(tab);
        if let Some(machine) = &mut self.tabs[tab].machine {
            work(machine, now);
            self.drive_tab(tab);
        }
    }

    pub(super) fn tab_timer(&mut self, number: usize, life: LifeNo) {
        let tab = &mut self.tabs[number];
        if tab.life != life {
            return;
        }
        if tab.frozen_until > self.now {
            let wait = tab.frozen_until - self.now;
            return self.after(wait, Happening::TabTimer { tab: number, life });
        }
        tab.timer = None;
        self.with_tab(number, |machine, now| machine.tick(now));
    }

    /// Carries out what a machine asks for.
    fn drive_tab(&mut self, number: usize) {
        while let Some(machine) = &mut self.tabs[number].machine {
            let Some(effect) = machine.poll() else { break };
            self.carry_out(number, effect);
        }
        self.fire_armed(number);
        let ahead = self.tabs[number].ahead;
        let tab = &mut self.tabs[number];
        let deadline = tab.machine.as_ref().and_then(Client::deadline);
        let Some(deadline) = deadline.map(|at| at.saturating_sub(ahead).max(self.now)) else {
            return;
        };
        if tab.timer.is_none_or(|timer| deadline < timer) {
            tab.timer = Some(deadline);
            let life = tab.life;
            self.after(deadline - self.now, Happening::TabTimer { tab: number, life });
        }
    }

    fn carry_out(&mut self, number: usize, effect: Effect) {
        let tab = &mut self.tabs[number];
        match effect {
            Effect::Open => {
                tab.link = Link::Opening;
                self.dial(number);
            }
            Effect::Send(message) => {
                if let Some(wire) = tab.wire
                    && self.wires[wire].is_open
                {
                    self.send_up(wire, Parcel::Message(message));
                }
            }
            Effect::Close(_) => {
                if let Some(wire) = tab.wire.take() {
                    self.close_at_tab(wire);
                }
            }
            Effect::Link(state) => self.link(number, &state),
            Effect::Deliver(delivery) => {
                self.delivered(number, &delivery);
                if let Some(machine) = &mut self.tabs[number].machine {
                    machine.taken(&delivery.subscriptions, delivery.bytes);
                }
            }
            Effect::Settled { id, outcome } => self.settled(number, &id, &outcome),
            Effect::CaughtUp(id) => {
                if let Some(reader) = tab.readers.iter_mut().find(|reader| reader.id == id) {
                    reader.is_caught_up = true;
                    let reader = reader.number;
                    self.record(Record::CaughtUp { reader });
                }
            }
            Effect::Gap(id, _, from, to) => {
                if let Some(reader) = self.reader(number, id) {
                    self.record(Record::Gap { reader, from, to });
                }
            }
            Effect::Reset(id, _) => {
                if let Some(reader) = self.reader(number, id) {
                    self.record(Record::Reset { reader });
                }
            }
            Effect::Store(storage) => self.ask_disk(number, storage),
            Effect::Kept(id) => self.told_kept(number, number_of(&id)),
            Effect::StoreFailed(_)
            | Effect::FetchCredential
            | Effect::History(..)
            | Effect::Occupants(_)
            | Effect::NotPresent { .. }
            | Effect::Pending { .. }
            | Effect::Refused(..)
            | Effect::Sent(_)
            | Effect::Requeued(_) => {}
        }
    }

    fn reader(&self, tab: usize, id: SubscriptionId) -> Option<ReaderNo> {
        let mut readers = self.tabs[tab].readers.iter();
        readers.find(|reader| reader.id == id).map(|reader| reader.number)
    }

    fn link(&mut self, number: usize, state: &LinkState) {
        self.say(|| format!("tab {number}: {state:?}"));
        let tab = &mut self.tabs[number];
        tab.link = match state {
            LinkState::Connecting => Link::Opening,
            LinkState::Online => Link::Online,
            LinkState::Offline { .. } => Link::Waiting,
            LinkState::Stopped { .. } => Link::Stopped,
        };
        if tab.link != Link::Online {
            for reader in &mut tab.readers {
                reader.is_caught_up = false;
            }
        }
        if tab.link == Link::Stopped {
            // The user looks, and says go on.
            let wait = self.random.between(500, 5_000);
            self.after(wait, Happening::Planned(super::plan::Step::Connect(number)));
        }
    }

    fn delivered(&mut self, number: usize, delivery: &Delivery) {
        let Some(position) = &delivery.position else { return };
        let event = number_of(&delivery.body.id);
        let place = Place { epoch: position.epoch, offset: position.offset };
        for id in &delivery.subscriptions {
            let tab = &self.tabs[number];
            let Some(index) = tab.readers.iter().position(|reader| reader.id == *id) else {
                continue;
            };
            let Reader { number: reader, keeps_position, .. } = tab.readers[index];
            let profile = tab.profile;
            self.record(Record::Delivered { reader, place, event });
            if keeps_position {
                let positions = &mut self.profiles[profile].positions;
                positions.insert((number, index), position.clone());
            }
        }
    }

    fn settled(&mut self, number: usize, id: &str, outcome: &Outcome) {
        let answer = match outcome {
            Outcome::Stored(position, _) => {
                Answer::Stored(Place { epoch: position.epoch, offset: position.offset })
            }
            Outcome::Rejected(RejectCode::Uncertain, _) => Answer::Uncertain,
            Outcome::Rejected(..) => Answer::Rejected,
        };
        let (profile, life) = (self.tabs[number].profile as u32, self.tabs[number].life);
        let event = number_of(id);
        if self.profiles[profile as usize].knows(event) {
            self.record(Record::Answered { profile, life, event, answer });
        }
    }

    /// What a tab is doing; none while its page loads.
    pub(super) fn phase(&self, number: usize) -> Option<Phase> {
        let tab = &self.tabs[number];
        let machine = tab.machine.as_ref()?;
        Some(match tab.link {
            Link::Stopped => Phase::Stopped,
            Link::Waiting => Phase::Waiting,
            Link::Opening if self.is_greeting(tab) => Phase::Greeting,
            Link::Opening => Phase::Opening,
            Link::Online if tab.readers.iter().any(|reader| !reader.is_caught_up) => {
                Phase::CatchingUp
            }
            Link::Online if machine.outbox_len() > 0 => Phase::Unanswered,
            Link::Online => Phase::Idle,
        })
    }

    /// The socket is open, so that hello has left.
    fn is_greeting(&self, tab: &Tab) -> bool {
        tab.wire.is_some_and(|wire| self.wires[wire].up.last > 0)
    }

    /// All has been said: nobody waits for an answer, or for an event, or speaks into a dead wire.
    pub(super) fn is_quiet(&self) -> bool {
        let head = self.relay.store.head().offset;
        let holds = |tab: &Tab| {
            tab.frozen_until <= self.now
                && tab.wire.is_some_and(|wire| {
                    self.wires[wire].holds() && self.relay.connections.contains_key(&wire)
                })
        };
        self.tabs.iter().all(holds)
            && (0..self.tabs.len()).all(|tab| self.phase(tab) == Some(Phase::Idle))
            && self.relay.is_told_all(head)
            && self.profiles.iter().all(Profile::is_quiet)
    }

    /// The application says go on to a machine that was told to stop.
    pub(super) fn connect(&mut self, tab: usize) {
        self.with_tab(tab, |machine, now| machine.connect(now));
    }

    pub(super) fn topic_no(&self, topic: &Topic) -> TopicNo {
        (0..).zip(TOPICS).find(|(_, name)| *name == topic.as_str()).map_or(REFUSED, |(no, _)| no)
    }
}

/// A wire as far as its tab is concerned.
struct Wire {
    tab: usize,
    life: LifeNo,
    is_open: bool,
}

fn topics_of(pattern: &Pattern) -> Topics {
    let all = (0..).zip(TOPICS);
    let matching = all.filter(|(_, name)| Topic::parse(name).is_ok_and(|it| pattern.matches(&it)));
    Topics::of(&matching.map(|(no, _)| no).collect::<Vec<_>>())
}
