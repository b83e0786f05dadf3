//! Reading in the application: it keeps its positions across reloads and takes time to finish events.

use std::collections::VecDeque;

use session::client::{Delivery, SubscriptionId, Window};
use session::{Body, Position, Start};
use topic::Pattern;

use super::application::topics_of;
use super::{Happening, World, number_of};
use crate::history::{From, LifeNo, LoggedAt, ReaderNo, Record, STREAMS};

pub(super) const PATTERNS: [&str; 5] = ["a.>", ">", "*.x", "a.x", "b.*"];

/// A subscription of a tab's application, in each of its lives.
#[derive(Debug, Clone)]
pub(super) struct Want {
    pattern: Pattern,
    from: From,
    /// Whether it keeps its positions across reloads.
    keeps_position: bool,
    /// The number of events it has room for.
    room: u32,
    pace: Pace,
}

/// When an application finishes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    AtOnce,
    /// One after the other, each after up to this number of milliseconds.
    Slow(u64),
    /// Not until links are stable.
    Withholds,
}

/// A subscription in one life of a tab.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) number: ReaderNo,
    id: SubscriptionId,
    /// The index of the tab's subscription.
    want: usize,
    pub(super) is_caught_up: bool,
    /// The unfinished events: their positions and sizes.
    held: VecDeque<(Position, usize)>,
}

impl Reader {
    pub(super) fn has_taken_all(&self) -> bool {
        self.held.is_empty()
    }
}

impl World {
    /// The subscriptions of a new tab's application.
    pub(super) fn some_wants(&mut self) -> Vec<Want> {
        let mut wants = Vec::new();
        for _ in 0..self.random.between(1, 2) {
            let Ok(pattern) = Pattern::parse(self.random.of::<&str>(&PATTERNS)) else { continue };
            let from = match self.random.below(4) {
                0 => From::Latest,
                1 => From::Last(self.random.between(1, 12)),
                _ => From::Earliest,
            };
            let keeps_position = self.random.once_in(2);
            let pace = match self.random.below(16) {
                0 => Pace::Withholds,
                1 | 2 => Pace::Slow(self.random.between(20, 4_000)),
                _ => Pace::AtOnce,
            };
            let most = if pace == Pace::AtOnce && self.random.once_in(2) { 1_000 } else { 6 };
            let room = self.random.between(1, most) as u32;
            wants.push(Want { pattern, from, keeps_position, room, pace });
        }
        wants
    }

    pub(super) fn subscribe(&mut self, number: usize, index: usize) {
        let want = self.tabs[number].wants[index].clone();
        let profile = &self.profiles[self.tabs[number].profile];
        let kept = profile.positions.get(&(number, index)).cloned();
        let (start, from) = match kept {
            Some(positions) if want.keeps_position => {
                let mut places = [None; STREAMS];
                for position in &positions {
                    let place = self.place(position);
                    places[usize::from(place.stream)] = Some(place);
                }
                (Start::After(positions), From::After(places))
            }
            _ => match want.from {
                From::Latest => (Start::Latest, want.from),
                From::Last(count) => (Start::Last(count), want.from),
                _ => (Start::Earliest, want.from),
            },
        };
        let Some(machine) = &mut self.tabs[number].machine else { return };
        let (topics, room) = (topics_of(&want.pattern), want.room);
        let window = Window { events: room, ..Window::default() };
        let id = machine.client().subscribe_within(want.pattern, start, window);
        self.readers += 1;
        let reader = self.readers;
        let held = VecDeque::new();
        let readers = &mut self.tabs[number].readers;
        readers.push(Reader { number: reader, id, want: index, is_caught_up: false, held });
        self.record(Record::Subscribed { reader, topics, from, room });
    }

    pub(super) fn delivered(&mut self, number: usize, delivery: &Delivery) {
        let Some(position) = &delivery.position else { return };
        let (event, place) = (number_of(&delivery.body.id), self.place(position));
        for id in &delivery.subscriptions {
            let tab = &mut self.tabs[number];
            let life = tab.life;
            let Some(at) = tab.readers.iter().position(|reader| reader.id == *id) else { continue };
            let Reader { number: reader, want, .. } = tab.readers[at];
            let pace = tab.wants[want].pace;
            let held = &mut tab.readers[at].held;
            held.push_back((position.clone(), delivery.bytes));
            let is_first = held.len() == 1;
            self.record(Record::Delivered { reader, place, event });
            self.record_data(reader, place, &delivery.body);
            match pace {
                Pace::Withholds if !self.healed => {}
                Pace::Slow(most) if is_first => {
                    let wait = self.random.below(most);
                    self.after(wait, Happening::Takes { tab: number, life, reader });
                }
                Pace::Slow(_) => {}
                Pace::AtOnce | Pace::Withholds => self.take(number, at),
            }
        }
    }

    /// Records whether an event has its data. A deletion has none.
    pub(super) fn record_data(&mut self, reader: ReaderNo, place: LoggedAt, body: &Body) {
        if body.deletes().is_none() {
            let is_there = !body.data.is_empty();
            self.record(Record::Data { reader, place, is_there });
        }
    }

    /// A slow application finishes the oldest event of a reader.
    pub(super) fn takes(&mut self, number: usize, life: LifeNo, reader: ReaderNo) {
        if self.tabs[number].life != life {
            return;
        }
        if let Some(wait) = self.stands_still(number) {
            return self.after(wait, Happening::Takes { tab: number, life, reader });
        }
        let tab = &self.tabs[number];
        let Some(at) = tab.readers.iter().position(|it| it.number == reader) else { return };
        let Pace::Slow(most) = tab.wants[tab.readers[at].want].pace else { return };
        let has_more = tab.readers[at].held.len() > 1;
        if has_more {
            let wait = self.random.below(if self.healed { 5 } else { most });
            self.after(wait, Happening::Takes { tab: number, life, reader });
        }
        self.take(number, at);
        self.with_machine(number, |_, _| {});
    }

    /// From now on applications finish all events.
    pub(super) fn take_what_was_withheld(&mut self) {
        for number in 0..self.tabs.len() {
            for at in 0..self.tabs[number].readers.len() {
                let want = self.tabs[number].readers[at].want;
                if self.tabs[number].wants[want].pace == Pace::Withholds {
                    while !self.tabs[number].readers[at].held.is_empty() {
                        self.take(number, at);
                    }
                }
            }
            self.with_machine(number, |_, _| {});
        }
    }

    /// The application finishes the oldest event of a reader and keeps its position.
    fn take(&mut self, number: usize, at: usize) {
        let tab = &mut self.tabs[number];
        let (profile, reader) = (tab.profile, &mut tab.readers[at]);
        let Some((position, bytes)) = reader.held.pop_front() else { return };
        let (id, reader, want) = (reader.id, reader.number, reader.want);
        if let Some(machine) = &mut tab.machine {
            machine.client().taken(&[id], bytes);
        }
        if tab.wants[want].keeps_position {
            let kept = self.profiles[profile].positions.entry((number, want)).or_default();
            kept.retain(|other| other.stream != position.stream);
            kept.push(position);
        }
        self.record(Record::Took { reader });
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
}
