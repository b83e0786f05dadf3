//! Tabs: pages with a machine, whose effects are executed here.

use std::collections::VecDeque;

use session::client::{
    Client, ConnectionState, Effect as ClientEffect, Entropy, MemoryOutbox, Options, SavedState,
};
use session::tabs::{Effect, Tab as Sharer};

use super::deleting::PendingDelete;
use super::disks::Answered;
use super::keys::Signs;
use super::links::Link;
use super::machine::Machine;
use super::people::{PresencePlan, Watcher};
use super::reading::{Reader, Want};
use super::scrolling::Scroll;
use super::sharing::Shared;
use super::{Happening, World, number_of};
use crate::history::{LifeNo, PageState, Record};
use crate::wire::{Parcel, WireNo};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Tab {
    pub(super) profile: usize,
    pub(super) life: LifeNo,
    /// The time at which this life began.
    pub(super) born: u64,
    /// `None` while the page loads.
    pub(super) machine: Option<Machine>,
    pub(super) wire: Option<WireNo>,
    /// The connection of its fallback client.
    pub(super) fallback_wire: Option<WireNo>,
    /// Its outbox if that is in memory. Then the tab is single.
    pub(super) memory: Option<MemoryOutbox>,
    /// Whether its next page has no access to a disk.
    pub(super) is_refused: bool,
    /// It is frozen until this time.
    pub(super) still_until: u64,
    /// It is in the back/forward cache, without lock and socket.
    pub(super) is_away: bool,
    /// The offset of its monotonic clock.
    pub(super) ahead: u64,
    /// The offset of its wall clock from that.
    pub(super) wall: i64,
    /// The responses of the disk that it has not received yet.
    pub(super) answers: VecDeque<Answered>,
    pub(super) shared: Shared,
    pub(super) link: Link,
    /// The subscriptions of its application.
    pub(super) wants: Vec<Want>,
    pub(super) readers: Vec<Reader>,
    pub(super) scrolls: Vec<Scroll>,
    pub(super) deletes: Vec<PendingDelete>,
    pub(super) presence_plan: PresencePlan,
    pub(super) watchers: Vec<Watcher>,
    timer: Option<u64>,
}

impl Tab {
    /// Its own connection, or that of its fallback client.
    pub(super) fn wire_of(&mut self, is_fallback: bool) -> &mut Option<WireNo> {
        if is_fallback { &mut self.fallback_wire } else { &mut self.wire }
    }

    /// Whether it has a client of its own beside that of its profile.
    pub(super) fn sends_from_memory(&mut self) -> bool {
        let mut fallback = self.machine.as_mut().and_then(|machine| machine.fallback());
        self.fallback_wire.is_some()
            || self.memory.is_some()
            || fallback.as_mut().is_some_and(|it| it.outbox_len() > 0)
    }
}

impl World {
    pub(super) fn new_tab(&mut self, profile: usize) {
        let (wants, presence_plan) = (self.some_wants(), self.some_presence_plan());
        self.tabs.push(Tab {
            profile,
            life: 0,
            born: 0,
            machine: None,
            wire: None,
            fallback_wire: None,
            memory: None,
            is_refused: false,
            still_until: 0,
            is_away: false,
            ahead: 0,
            wall: 1_000_000_000,
            answers: VecDeque::new(),
            shared: Shared::default(),
            link: Link::Unknown,
            wants,
            readers: Vec::new(),
            scrolls: Vec::new(),
            deletes: Vec::new(),
            presence_plan,
            watchers: Vec::new(),
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
        if self.profiles[profile].is_asked_by(number) {
            // Its first transaction follows those of the previous page.
            return self.after(5, Happening::TabLoads(number));
        }
        self.lives += 1;
        let mut entropy = self.random.fork();
        let proves = self.profiles[profile].key.is_some();
        let mut options = Options { connect_timeout: 5_000, proves, ..Options::default() };
        entropy.fill(&mut options.tab);
        let mut entropy: Entropy = Box::new(move |bytes: &mut [u8]| entropy.fill(bytes));
        let is_refused = std::mem::take(&mut self.tabs[number].is_refused);
        let saved = if is_refused || self.profiles[profile].refuses_pages() {
            let saved = SavedState::new(&mut entropy);
            self.tabs[number].memory = Some(MemoryOutbox::new(saved.clone()));
            let (wait, life) = (self.random.between(1_000, 20_000), self.lives);
            self.after(wait, Happening::TabReloads { tab: number, life });
            saved
        } else {
            self.profiles[profile].outbox.saved().clone()
        };
        let machine = if self.profiles[profile].shares {
            Machine::Sharing(Box::new(Sharer::new(options, entropy, saved)))
        } else {
            Machine::Alone(Box::new(Client::new(options, entropy, saved)))
        };
        let tab = &mut self.tabs[number];
        (tab.life, tab.born, tab.machine) = (self.lives, self.now, Some(machine));
        (tab.link, tab.timer, tab.still_until) = (Link::Unknown, None, 0);
        self.page(number, PageState::Here);
        for index in 0..self.tabs[number].wants.len() {
            self.subscribe(number, index);
        }
        self.take_places(number);
        self.sign_as_device(number);
        self.start(number);
    }

    /// Starts a machine with the current wall time.
    fn start(&mut self, number: usize) {
        let wall = self.tabs[number].wall;
        self.with_machine(number, |machine, now| {
            machine.client().set_clock(now, now.saturating_add_signed(wall));
            machine.start(now);
        });
    }

    /// Passes the wall time to a machine.
    pub(super) fn set_clock(&mut self, number: usize) {
        let wall = self.tabs[number].wall;
        self.with_machine(number, |machine, now| {
            machine.client().set_clock(now, now.saturating_add_signed(wall));
        });
    }

    /// The page ends, and the state of its machine is lost.
    pub(super) fn unload(&mut self, number: usize) {
        if self.tabs[number].machine.is_none() {
            return;
        }
        self.page(number, PageState::Gone);
        self.release_lock(number);
        self.abandon_disk(number);
        let tab = &mut self.tabs[number];
        (tab.machine, tab.life, tab.is_away, tab.memory) = (None, 0, false, None);
        tab.shared = Shared::default();
        let wires = [tab.wire.take(), tab.fallback_wire.take()];
        let readers = std::mem::take(&mut tab.readers).into_iter().map(|it| it.number);
        let scrolls = std::mem::take(&mut tab.scrolls).into_iter().map(|it| it.number);
        let watchers = std::mem::take(&mut tab.watchers).into_iter().map(|it| it.number);
        let deletes = std::mem::take(&mut tab.deletes).into_iter().map(|it| it.number);
        for reader in readers.chain(scrolls).chain(watchers).chain(deletes).collect::<Vec<_>>() {
            self.record(Record::Ended { reader });
        }
        self.tell_presence(number);
        for wire in wires.into_iter().flatten() {
            self.close_at_tab(wire);
        }
    }

    /// The page is notified that it ends. It releases the lock and announces that.
    pub(super) fn leave(&mut self, number: usize) {
        self.with_machine(number, |machine, now| {
            if let Some(tab) = machine.tab() {
                tab.leave(now);
            }
        });
    }

    /// The page is put into the back/forward cache and restored after a delay in milliseconds.
    pub(super) fn rest(&mut self, number: usize, wait: u64) {
        let life = self.tabs[number].life;
        self.leave(number);
        let tab = &self.tabs[number];
        if tab.life != life || tab.is_away {
            // Another fault has occurred while it left.
            return;
        }
        let since = self.tabs[number].shared.heard_up_to(self.now);
        self.page(number, PageState::Away { since });
        let tab = &mut self.tabs[number];
        (tab.is_away, tab.still_until) = (true, self.now + wait);
        tab.shared.part();
        self.tell_presence(number);
        self.after(wait, Happening::TabReturns { tab: number, life });
        self.fire_armed(number);
    }

    /// The page is restored.
    pub(super) fn come_back(&mut self, number: usize, life: LifeNo) {
        let tab = &mut self.tabs[number];
        if tab.life != life || !std::mem::take(&mut tab.is_away) {
            return;
        }
        tab.link = Link::Unknown;
        self.page(number, PageState::Here);
        self.tell_presence(number);
        self.start(number);
    }

    fn page(&mut self, number: usize, state: PageState) {
        let life = self.tabs[number].life;
        self.record(Record::Page { life, state });
    }

    /// Whether a tab's page is loaded and runs.
    pub(super) fn runs(&self, tab: usize) -> bool {
        self.tabs[tab].machine.is_some() && self.stands_still(tab).is_none()
    }

    /// Whether a tab is frozen, and for how long.
    pub(super) fn stands_still(&self, tab: usize) -> Option<u64> {
        self.tabs[tab].still_until.checked_sub(self.now).filter(|wait| *wait > 0)
    }

    pub(super) fn clock(&self, tab: usize) -> u64 {
        self.now + self.tabs[tab].ahead
    }

    /// Calls a function with the client at the tab's end of a wire, if the client still uses the wire.
    pub(super) fn with_client_of(&mut self, wire: WireNo, work: impl FnOnce(&mut Client, u64)) {
        let end = &self.wires[wire];
        let (tab, life, is_fallback, is_open) = (end.tab, end.life, end.is_fallback, end.is_open);
        let end = &mut self.tabs[tab];
        if is_open && end.life == life && *end.wire_of(is_fallback) == Some(wire) {
            self.with_machine(tab, |machine, now| {
                if let Some(client) = machine.client_on(is_fallback, now) {
                    work(client, now);
                }
            });
        }
    }

    pub(super) fn with_machine(&mut self, tab: usize, work: impl FnOnce(&mut Machine, u64)) {
        let now = self.clock(tab);
        if let Some(machine) = &mut self.tabs[tab].machine {
            work(machine, now);
            self.drive_tab(tab);
        }
    }

    pub(super) fn tab_timer(&mut self, number: usize, life: LifeNo) {
        if self.tabs[number].life != life {
            return;
        }
        if let Some(wait) = self.stands_still(number) {
            return self.after(wait, Happening::TabTimer { tab: number, life });
        }
        self.tabs[number].timer = None;
        self.with_machine(number, Machine::tick);
    }

    /// Executes the effects of a machine.
    fn drive_tab(&mut self, number: usize) {
        while let Some(machine) = &mut self.tabs[number].machine {
            let Some(effect) = machine.poll().filter(|_| !self.is_restless()) else { break };
            self.steps += 1;
            match effect {
                Effect::Client(effect) => self.carry_out(number, effect, false),
                Effect::Fallback(effect) => self.carry_out(number, effect, true),
                Effect::RequestLock => self.request_lock(number, false),
                Effect::StealLock => self.request_lock(number, true),
                Effect::ReleaseLock => self.release_lock(number),
                Effect::Post(message) => self.post(number, &message),
                Effect::FromTab { .. } => {}
            }
        }
        self.fire_armed(number);
        let ahead = self.tabs[number].ahead;
        let tab = &mut self.tabs[number];
        let deadline = tab.machine.as_ref().and_then(Machine::deadline);
        let Some(deadline) = deadline.map(|at| at.saturating_sub(ahead).max(self.now)) else {
            return;
        };
        if tab.timer.is_none_or(|timer| deadline < timer) {
            tab.timer = Some(deadline);
            let life = tab.life;
            self.after(deadline - self.now, Happening::TabTimer { tab: number, life });
        }
    }

    /// Executes the effects of its client or its fallback client.
    fn carry_out(&mut self, number: usize, effect: ClientEffect, is_fallback: bool) {
        let tab = &mut self.tabs[number];
        match effect {
            ClientEffect::Open => {
                if !is_fallback {
                    tab.link = Link::Opening;
                }
                self.dial(number, is_fallback);
            }
            ClientEffect::Send(message) => {
                if let Some(wire) = *tab.wire_of(is_fallback)
                    && self.wires[wire].is_open
                {
                    self.send_up(wire, Parcel::Message(message));
                }
            }
            ClientEffect::Close(_) => {
                if let Some(wire) = tab.wire_of(is_fallback).take() {
                    self.close_at_tab(wire);
                }
            }
            ClientEffect::Link(ConnectionState::Stopped { .. }) if is_fallback => {
                self.says_go_on(number)
            }
            ClientEffect::Link(_) if is_fallback => {}
            ClientEffect::Link(state) => self.link(number, &state),
            ClientEffect::Deliver(delivery) => self.delivered(number, &delivery),
            ClientEffect::Settled { id, outcome, .. } => self.settled(number, &id, &outcome),
            ClientEffect::CaughtUp(id) => self.caught_up(number, id),
            ClientEffect::Gap(id, stream, from, to) => {
                let stream = self.relay.stream_no(&stream);
                if let Some(reader) = self.reader(number, id) {
                    self.record(Record::Gap { reader, stream, from, to });
                }
            }
            ClientEffect::Reset(id, stream) => {
                let stream = self.relay.stream_no(&stream);
                if let Some(reader) = self.reader(number, id) {
                    self.record(Record::Reset { reader, stream });
                }
            }
            ClientEffect::History(id, page) => self.turned(number, id, page),
            ClientEffect::Deleted(id, outcome) => self.deleted(number, id, &outcome),
            ClientEffect::Occupants(occupants) => self.learn_occupants(number, &occupants),
            ClientEffect::Store(storage) => self.ask_disk(number, storage),
            ClientEffect::Kept(id) => self.learn_kept(number, number_of(&id)),
            ClientEffect::Pending { body, .. } => self.echoed(number, number_of(&body.id)),
            ClientEffect::Prove(request) => {
                self.ask_device(number, is_fallback, Signs::Hello(request));
            }
            ClientEffect::Sign { id, .. } => self.ask_device(number, is_fallback, Signs::Event(id)),
            ClientEffect::StoreFailed(_)
            | ClientEffect::FetchCredential
            | ClientEffect::NotPresent { .. }
            | ClientEffect::Denied { .. }
            | ClientEffect::Refused(..)
            | ClientEffect::Passed { .. }
            | ClientEffect::Sent(_)
            | ClientEffect::Tallied(..)
            | ClientEffect::Requeued(_) => {}
        }
    }
}
