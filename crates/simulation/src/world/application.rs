//! The application in a tab: it publishes, takes back, reads, and remembers how far it has read.

use bus::{Pattern, Topic};
use session::client::{Delivery, Outcome, SubscriptionId, Terms};
use session::{Body, RejectCode, Start};

use super::{World, number_of};
use crate::history::{Answer, EventNo, From, Place, ReaderNo, Record, TopicNo, Topics};

/// The topics of all worlds; the last one is refused by the relay for good.
pub(super) const TOPICS: [&str; 5] = ["a.x", "a.y", "b.x", "b.y", "$refused"];
const REFUSED: TopicNo = 4;
const PATTERNS: [&str; 5] = ["a.>", ">", "*.x", "a.x", "b.*"];

/// A subscription in one life of a tab.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) number: ReaderNo,
    id: SubscriptionId,
    pub(super) is_caught_up: bool,
    /// The application keeps its position over a reload.
    keeps_position: bool,
}

impl World {
    /// What the application of a new tab subscribes to.
    pub(super) fn some_wants(&mut self) -> Vec<(Pattern, From, bool)> {
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
        wants
    }

    pub(super) fn subscribe(&mut self, number: usize, index: usize) {
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
        let id = machine.client().subscribe(pattern, start);
        self.readers += 1;
        let reader = self.readers;
        tab.readers.push(Reader { number: reader, id, is_caught_up: false, keeps_position });
        self.record(Record::Subscribed { reader, topics, from });
    }

    /// The application publishes.
    pub(super) fn publish(&mut self, number: usize, topic: TopicNo) {
        let event = self.publishes;
        let Ok(name) = Topic::parse(TOPICS[usize::from(topic)]) else { return };
        let body = Body { id: format!("e{event}"), data: vec![7; 24], ..Body::default() };
        let mut terms = Terms::default();
        let is_short = self.random.once_in(12);
        if is_short {
            let wall = self.clock(number).saturating_add_signed(self.tabs[number].wall);
            terms.expires = Some(wall + self.random.between(100, 20_000));
        }
        let mut taken = false;
        self.with_machine(number, |machine, now| {
            taken = machine.client().publish_with(name, &body, terms, now).is_ok();
        });
        if !taken {
            return;
        }
        self.publishes += 1;
        if topic == REFUSED || is_short {
            self.refusable.insert(event);
        }
        if self.random.once_in(25) {
            self.cancel(number, event);
        }
    }

    /// The application takes a publish back, if it still can.
    fn cancel(&mut self, number: usize, event: EventNo) {
        let mut will = false;
        self.with_machine(number, |machine, _| {
            will = machine.client().cancel(&format!("e{event}"));
        });
        if will {
            self.refusable.insert(event);
            let profile = &self.profiles[self.tabs[number].profile];
            if profile.knows(event) {
                self.say_refusable(event);
            }
        }
    }

    /// The application is told that its publish is kept; if no disk has it, it is in memory only.
    pub(super) fn told_kept(&mut self, tab: usize, event: EventNo) {
        let number = self.tabs[tab].profile;
        if self.profiles[number].keep(event) {
            self.record(Record::Taken { profile: number as u32, event });
            self.say_refusable(event);
        }
        self.echoed(tab, event);
    }

    /// The application is shown an event that waits in the outbox.
    pub(super) fn echoed(&mut self, tab: usize, event: EventNo) {
        let (profile, life) = (self.tabs[tab].profile, self.tabs[tab].life);
        if self.profiles[profile].knows(event) {
            self.record(Record::Echoed { life, event });
        }
    }

    pub(super) fn settled(&mut self, number: usize, id: &str, outcome: &Outcome) {
        let answer = match outcome {
            Outcome::Stored(position, _) => {
                Answer::Stored(Place { epoch: position.epoch, offset: position.offset })
            }
            Outcome::Rejected(RejectCode::Uncertain, _) => Answer::Uncertain,
            Outcome::Rejected(..) => Answer::Rejected,
        };
        let (profile, life) = (self.tabs[number].profile, self.tabs[number].life);
        let event = number_of(id);
        // Before it was told that the event is kept, an answer is none of the promises.
        if self.profiles[profile].knows(event) {
            self.record(Record::Answered { profile: profile as u32, life, event, answer });
        }
    }

    pub(super) fn delivered(&mut self, number: usize, delivery: &Delivery) {
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

    pub(super) fn caught_up(&mut self, number: usize, id: SubscriptionId) {
        let mut readers = self.tabs[number].readers.iter_mut();
        if let Some(reader) = readers.find(|reader| reader.id == id) {
            reader.is_caught_up = true;
            let reader = reader.number;
            self.record(Record::CaughtUp { reader });
        }
    }

    pub(super) fn reader(&self, tab: usize, id: SubscriptionId) -> Option<ReaderNo> {
        let mut readers = self.tabs[tab].readers.iter();
        readers.find(|reader| reader.id == id).map(|reader| reader.number)
    }

    /// Some running tab publishes so many events; answers whether there is one.
    pub(super) fn publish_some(&mut self, count: u32) -> bool {
        let running: Vec<usize> = (0..self.tabs.len()).filter(|tab| self.runs(*tab)).collect();
        if running.is_empty() {
            return false;
        }
        let tab = *self.random.of(&running);
        for _ in 0..count {
            let topic = if self.random.once_in(40) { 4 } else { self.random.below(4) as TopicNo };
            self.publish(tab, topic);
        }
        true
    }

    pub(super) fn topic_no(&self, topic: &Topic) -> TopicNo {
        (0..).zip(TOPICS).find(|(_, name)| *name == topic.as_str()).map_or(REFUSED, |(no, _)| no)
    }
}

fn topics_of(pattern: &Pattern) -> Topics {
    let all = (0..).zip(TOPICS);
    let matching = all.filter(|(_, name)| Topic::parse(name).is_ok_and(|it| pattern.matches(&it)));
    Topics::of(&matching.map(|(no, _)| no).collect::<Vec<_>>())
}
