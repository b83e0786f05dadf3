//! What all handles of one bus share: it executes the compiled route of a topic for each event, in one
//! order.
//!
//! Invariant: no borrow is held while a handler runs or a user's value is dropped.

mod checks;
mod turn;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::order::in_order;
use crate::queue::Room;
use crate::router::{Key, Router};
use crate::routes::{Routes, Spot};
use crate::slot::{Delivered, Head, Route, Slot};
use crate::subscription::Registry;
use crate::{
    ERROR_TOPIC, Event, Failure, Notice, Pattern, Payload, PublishError, Published, Topic,
};

pub(crate) use turn::{Check, Probe, Stop, Turn};

pub(crate) struct Core<P: Payload> {
    /// Nothing, or a few of the bits below: a publish looks here once before, and once after.
    state: Cell<u8>,
    /// Another number after each change of what a topic may resolve to.
    version: Cell<u32>,
    router: RefCell<Router<Rc<dyn Slot<P>>>>,
    routes: RefCell<Routes<Route<P>>>,
    turns: RefCell<VecDeque<Turn<P>>>,
    checks: RefCell<Rc<[Rc<dyn Check<P>>]>>,
    probe: RefCell<Option<Rc<dyn Probe<P>>>>,
    room: Rc<Room>,
    /// How many subscriptions are told of others.
    watchers: Cell<usize>,
    dropped: Cell<u64>,
    /// What features in use keep for the bus, each under a type of its own.
    extensions: RefCell<Vec<Rc<dyn Any>>>,
    last_resort: LastResort<P>,
}

/// An event is being delivered.
const IN_FLIGHT: u8 = 1;
/// Something waits for its turn.
const WAITING: u8 = 2;
/// There are checks.
const CHECKED: u8 = 4;
/// There is a probe.
const PROBED: u8 = 8;

/// Where the route of a hot topic is kept.
type Place<P> = Rc<Spot<Route<P>>>;

pub(crate) type LastResort<P> = Box<dyn Fn(&Failure<<P as Payload>::Cause>)>;

impl<P: Payload> Core<P> {
    pub(crate) fn new(last_resort: LastResort<P>) -> Self {
        Self {
            state: Cell::new(0),
            version: Cell::new(0),
            router: RefCell::default(),
            routes: RefCell::default(),
            turns: RefCell::default(),
            checks: RefCell::new(Rc::new([])),
            probe: RefCell::default(),
            room: Rc::default(),
            watchers: Cell::new(0),
            dropped: Cell::new(0),
            extensions: RefCell::default(),
            last_resort,
        }
    }

    /// Delivers an event of an application at its turn: now, or after those that wait already.
    pub(crate) fn publish(&self, topic: Topic, payload: P) -> Result<Published, PublishError<P>> {
        if self.state.get() != 0 {
            return self.publish_otherwise(topic, payload, None);
        }
        let _in_flight = InFlight::begin(&self.state);
        let route = self.route(&topic);
        Ok(Published::Delivered(self.first(&route, &topic, &payload)))
    }

    /// The same for a topic that is known to be hot.
    pub(crate) fn publish_at(
        &self,
        spot: &Spot<Route<P>>,
        payload: P,
    ) -> Result<Published, PublishError<P>> {
        if self.state.get() != 0 {
            return self.publish_otherwise(spot.topic.clone(), payload, None);
        }
        let _in_flight = InFlight::begin(&self.state);
        let route = self.route_at(spot);
        Ok(Published::Delivered(self.first(&route, &spot.topic, &payload)))
    }

    /// Delivers an event of the runtime itself. One that finds the queue full is counted.
    pub(crate) fn announce(&self, topic: Topic, payload: P) {
        if self.is_full() {
            self.dropped.set(self.dropped.get() + 1);
        } else {
            self.take_turn(Turn::Event { topic, payload, asked: None, held: Vec::new() });
        }
    }

    /// Tells of a failure: to those who listen, else as a last resort.
    pub(crate) fn fail(&self, failure: Failure<P::Cause>) {
        let Ok(topic) = Topic::parse(ERROR_TOPIC) else {
            return;
        };
        if failure.topic == topic || self.route(&topic).is_empty() {
            (self.last_resort)(&failure);
        } else {
            self.announce(topic, P::failure(failure));
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.router.borrow().len()
    }

    pub(crate) fn invalidated(&self) -> u64 {
        self.routes.borrow().invalidated()
    }

    pub(crate) fn hold(&self, topic: &Topic) -> Rc<Spot<Route<P>>> {
        self.routes.borrow_mut().hold(topic)
    }

    pub(crate) fn release(&self, spot: &Rc<Spot<Route<P>>>) {
        self.routes.borrow_mut().release(spot);
    }

    /// The extension of type `T`; made when first asked for.
    pub(crate) fn extension<T: Default + 'static>(&self) -> Rc<T> {
        let mut extensions = self.extensions.borrow_mut();
        let standing = extensions.iter().find_map(|one| one.clone().downcast::<T>().ok());
        standing.unwrap_or_else(|| {
            let extension = Rc::<T>::default();
            extensions.push(extension.clone());
            extension
        })
    }

    pub(crate) fn room(&self) -> &Rc<Room> {
        &self.room
    }

    pub(crate) fn insert(&self, pattern: &Pattern, slot: Rc<dyn Slot<P>>) -> Key {
        if self.watchers.get() > 0 {
            let (pattern, label) = (pattern.clone(), slot.head().label());
            self.tell(Notice::Subscribed { pattern, label });
        }
        self.watchers.set(self.watchers.get() + usize::from(Notice::is_told_to(pattern)));
        let key = self.router.borrow_mut().insert(pattern, slot);
        self.invalidate(pattern);
        key
    }

    /// An event found a queue full, and one was dropped. Of the runtime's own events nothing is told:
    /// that could make more of them without end.
    pub(crate) fn lost(&self, topic: &Topic, label: &Rc<str>) {
        if self.watchers.get() > 0 && !topic.is_system() {
            self.tell(Notice::Dropped { topic: topic.clone(), label: label.clone() });
        }
    }

    pub(crate) fn watchers(&self) -> &Cell<usize> {
        &self.watchers
    }

    /// The payload is made only if somebody listens to this topic, not just to another of the runtime.
    pub(crate) fn tell(&self, notice: Notice) {
        if let Ok(topic) = Topic::parse(notice.topic())
            && !self.route(&topic).is_empty()
            && let Some(payload) = P::notice(notice)
        {
            self.announce(topic, payload);
        }
    }

    /// Takes the turn of `turn` if nothing is in flight, and answers how many it reached.
    pub(crate) fn take_turn(&self, turn: Turn<P>) -> Option<usize> {
        if self.state.get() & IN_FLIGHT != 0 {
            self.turns.borrow_mut().push_back(turn);
            self.state.set(self.state.get() | WAITING);
            return None;
        }
        let _in_flight = InFlight::begin(&self.state);
        // Empty unless a handler panicked while events waited; those are older.
        self.drain();
        let reached = self.execute(turn);
        self.drain();
        Some(reached)
    }

    pub(crate) fn route(&self, topic: &Topic) -> Route<P> {
        self.route_and_spot(topic).0
    }

    /// The route, and where it is kept if the topic is hot.
    pub(crate) fn route_and_spot(&self, topic: &Topic) -> (Route<P>, Option<Place<P>>) {
        let spot = self.routes.borrow_mut().seen(topic);
        match spot {
            Some(spot) => (self.route_at(&spot), Some(spot)),
            None => (self.compile(topic), None),
        }
    }

    pub(crate) fn invalidate(&self, pattern: &Pattern) {
        self.version.set(self.version.get().wrapping_add(1));
        self.routes.borrow_mut().invalidate(pattern);
    }

    pub(crate) fn flag(&self) -> &Cell<u8> {
        &self.state
    }

    pub(crate) fn version(&self) -> &Cell<u32> {
        &self.version
    }

    pub(crate) fn ignores_last_token(&self, topic: &Topic) -> bool {
        self.router.borrow().ignores_last_token(topic)
    }

    /// Gives what waits its turn, if nothing is in flight.
    pub(crate) fn proceed(&self) {
        if self.state.get() & IN_FLIGHT == 0 {
            let _in_flight = InFlight::begin(&self.state);
            self.drain();
        }
    }

    /// Whether a request to `topic` would be answered. Asking does not make the topic hot.
    pub(crate) fn is_served(&self, topic: &Topic) -> bool {
        let spot = self.routes.borrow().find(topic);
        let route = spot.map_or_else(|| self.compile(topic), |spot| self.route_at(&spot));
        route.iter().any(|slot| slot.head().serves())
    }

    fn route_at(&self, spot: &Spot<Route<P>>) -> Route<P> {
        if let Some(route) = &*spot.route.borrow() {
            return route.clone();
        }
        let route = self.compile(&spot.topic);
        spot.route.replace(Some(route.clone()));
        route
    }

    #[inline(never)]
    fn compile(&self, topic: &Topic) -> Route<P> {
        let mut found = Vec::new();
        self.router.borrow().visit(topic, |key, slot| found.push((key, slot.clone())));
        let found = in_order(found, |(key, slot)| (Reverse(slot.head().priority), *key));
        let mut slots: Vec<_> = found.into_iter().map(|(_, slot)| slot).collect();
        while let Some(group) = slots.iter().find_map(|slot| slot.head().group().cloned()) {
            slots = group.gather(slots);
        }
        slots.into()
    }

    /// Delivers an event that did not have to wait, and then those that it caused.
    fn first(&self, route: &Route<P>, topic: &Topic, payload: &P) -> usize {
        let reached = self.deliver(route, &Event { topic, payload, asked: None });
        if self.state.get() & WAITING != 0 {
            self.drain();
        }
        reached
    }

    /// In its callers' place, so that a publish to one handler is two calls and not three.
    #[inline(always)]
    fn deliver(&self, route: &Route<P>, event: &Event<'_, P>) -> usize {
        let mut reached = 0;
        for slot in route.iter() {
            reached += usize::from(slot.deliver(self, event) != Delivered::Ended);
        }
        reached
    }

    #[cold]
    pub(crate) fn failed(&self, head: &Head<P>, topic: &Topic, cause: P::Cause) {
        self.fail(Failure { topic: topic.clone(), label: head.label(), cause });
    }

    #[cold]
    fn drain(&self) {
        loop {
            let next = self.turns.borrow_mut().pop_front();
            let Some(turn) = next else { break };
            self.execute(turn);
        }
        self.state.set(self.state.get() & !WAITING);
    }

    fn execute(&self, turn: Turn<P>) -> usize {
        match turn {
            Turn::Event { topic, payload, asked, held } => {
                let route = self.route(&topic);
                let event = Event { topic: &topic, payload: &payload, asked: asked.as_ref() };
                let probe = self.probe.borrow().clone();
                let reached = match probe {
                    Some(probe) => probe.deliver(self, &route, &event),
                    None => self.deliver(&route, &event),
                };
                drop(held);
                reached
            }
            Turn::Job(job) => {
                job();
                0
            }
        }
    }
}

impl<P: Payload> Registry for Core<P> {
    fn end(&self, pattern: &Pattern, key: Key) {
        // Nothing is borrowed when the slot goes: its handler may own subscriptions whose drop comes
        // back here.
        let slot = self.router.borrow_mut().remove(pattern, key);
        if let Some(slot) = slot {
            slot.head().ended.set(true);
            if let Some(group) = slot.head().group() {
                group.leave();
            }
            self.invalidate(pattern);
            self.watchers.set(self.watchers.get() - usize::from(Notice::is_told_to(pattern)));
            if self.watchers.get() > 0 {
                let (pattern, label) = (pattern.clone(), slot.head().label());
                self.tell(Notice::Unsubscribed { pattern, label });
            }
        }
    }
}

/// Marks that an event is in flight, until it is dropped: also when a handler panics.
struct InFlight<'a>(&'a Cell<u8>);

impl<'a> InFlight<'a> {
    fn begin(state: &'a Cell<u8>) -> Self {
        state.set(state.get() | IN_FLIGHT);
        Self(state)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() & !IN_FLIGHT);
    }
}
