//! The state that all handles of a bus share. It runs the compiled route of each event's topic, one event
//! after the other.
//!
//! Invariant: no borrow is held while a handler runs or a user's value is dropped.

mod accept;
mod gate;
mod observing;
pub(crate) mod slot;
mod turn;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::rc::Rc;

use crate::order::in_order;
use crate::router::{Key, Router};
use crate::routes::{RouteEntry, Routes};
use crate::subscription::Registry;
use crate::{
    ERROR_TOPIC, Event, Failure, Notice, Pattern, Payload, PublishError, Published, Topic,
};

/// The entry of a topic that is hot, shared with its handles.
pub(crate) type HotTopic<P> = Rc<RouteEntry<Route<P>>>;

pub(crate) use gate::{Admission, Bounded, Gate, RoomWaiters};
use observing::Observers;
use slot::{Delivered, Head, Route, Slot};
pub(crate) use turn::Turn;

/// A turn with the label of the handler that has caused it, if the bus was observed then.
type CausedTurn<P> = (Turn<P>, Option<Rc<str>>);

pub(crate) struct Core<P: Payload> {
    /// The bits below. A publish reads them once before and once after the delivery.
    state: Cell<u8>,
    /// Changes whenever a topic may resolve to other subscriptions than before.
    version: Cell<u32>,
    router: RefCell<Router<Rc<dyn Slot<P>>>>,
    routes: RefCell<Routes<Route<P>>>,
    turns: RefCell<VecDeque<CausedTurn<P>>>,
    gates: RefCell<Vec<Rc<Gate>>>,
    observers: RefCell<Observers<P>>,
    /// The label of the subscription whose handler is being called, while the bus is observed.
    calling: RefCell<Option<Rc<str>>>,
    room_waiters: Rc<RoomWaiters>,
    /// How many subscriptions receive notices.
    watchers: Cell<usize>,
    dropped: Cell<u64>,
    /// State of the features in use, one value per type.
    extensions: RefCell<Vec<Rc<dyn Any>>>,
    last_resort: LastResort<P>,
}

/// An event is being delivered.
const IN_FLIGHT: u8 = 1;
/// At least one turn is queued.
const WAITING: u8 = 2;
/// At least one queue has a gate.
const GATED: u8 = 4;
/// Deliveries are observed.
const OBSERVED: u8 = 8;

pub(crate) type LastResort<P> = Box<dyn Fn(&Failure<<P as Payload>::Cause>)>;

impl<P: Payload> Core<P> {
    pub(crate) fn new(last_resort: LastResort<P>) -> Self {
        Self {
            state: Cell::new(0),
            version: Cell::new(0),
            router: RefCell::default(),
            routes: RefCell::default(),
            turns: RefCell::default(),
            gates: RefCell::default(),
            observers: RefCell::new(Rc::new([])),
            calling: RefCell::default(),
            room_waiters: Rc::default(),
            watchers: Cell::new(0),
            dropped: Cell::new(0),
            extensions: RefCell::default(),
            last_resort,
        }
    }

    /// Delivers an application's event: now, or after the turns that are already queued.
    pub(crate) fn publish(&self, topic: Topic, payload: P) -> Result<Published, PublishError<P>> {
        if self.state.get() != 0 {
            return self.publish_slow(topic, payload, None);
        }
        let _in_flight = InFlight::begin(&self.state);
        let route = self.route(&topic);
        Ok(Published::Delivered(self.deliver_first(&route, &topic, &payload)))
    }

    /// Like [`Core::publish`], for a topic whose route entry is at hand.
    pub(crate) fn publish_to(
        &self,
        entry: &RouteEntry<Route<P>>,
        payload: P,
    ) -> Result<Published, PublishError<P>> {
        if self.state.get() != 0 {
            return self.publish_slow(entry.topic.clone(), payload, None);
        }
        let _in_flight = InFlight::begin(&self.state);
        let route = self.route_of(entry);
        Ok(Published::Delivered(self.deliver_first(&route, &entry.topic, &payload)))
    }

    /// Delivers an event of the runtime itself. Returns false if too many turns are queued: then it is
    /// dropped and counted.
    pub(crate) fn announce(&self, topic: Topic, payload: P) -> bool {
        self.take_turn_or_drop(Turn::Event { topic, payload, request: None, held: Vec::new() })
    }

    /// The same, for the subscriptions with echo only: for all of them, or for the one with the id `to`.
    pub(crate) fn echo(&self, topic: Topic, payload: P, to: Option<NonZeroU32>) -> bool {
        self.take_turn_or_drop(Turn::Echo { topic, payload, to })
    }

    fn take_turn_or_drop(&self, turn: Turn<P>) -> bool {
        let has_room = !self.is_full();
        if has_room {
            self.take_turn(turn);
        } else {
            self.dropped.set(self.dropped.get() + 1);
        }
        has_room
    }

    /// Publishes a failure on [`ERROR_TOPIC`], or hands it to the last resort if nothing subscribes there.
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

    pub(crate) fn acquire(&self, topic: &Topic) -> HotTopic<P> {
        self.routes.borrow_mut().acquire(topic)
    }

    pub(crate) fn release(&self, entry: &HotTopic<P>) {
        self.routes.borrow_mut().release(entry);
    }

    /// The extension of type `T`, created by the first call.
    pub(crate) fn extension<T: Default + 'static>(&self) -> Rc<T> {
        let mut extensions = self.extensions.borrow_mut();
        let existing = extensions.iter().find_map(|one| one.clone().downcast::<T>().ok());
        existing.unwrap_or_else(|| {
            let extension = Rc::<T>::default();
            extensions.push(extension.clone());
            extension
        })
    }

    pub(crate) fn room_waiters(&self) -> &Rc<RoomWaiters> {
        &self.room_waiters
    }

    pub(crate) fn insert(&self, pattern: &Pattern, slot: Rc<dyn Slot<P>>) -> Key {
        if self.watchers.get() > 0 {
            let (pattern, label) = (pattern.clone(), slot.head().label());
            self.notify(Notice::Subscribed { pattern, label });
        }
        self.watchers.set(self.watchers.get() + usize::from(Notice::is_sent_to(pattern)));
        let key = self.router.borrow_mut().insert(pattern, slot);
        self.invalidate(pattern);
        key
    }

    /// Publishes the notice that a full queue has dropped an event. Dropped events of the runtime cause no
    /// notice: each notice could cause another.
    pub(crate) fn notify_dropped(&self, topic: &Topic, label: &Rc<str>) {
        if self.watchers.get() > 0 && !topic.is_system() {
            self.notify(Notice::Dropped { topic: topic.clone(), label: label.clone() });
        }
    }

    pub(crate) fn watchers(&self) -> &Cell<usize> {
        &self.watchers
    }

    /// Publishes `notice`. Its payload is created only if its own topic has a subscription.
    pub(crate) fn notify(&self, notice: Notice) {
        if let Ok(topic) = Topic::parse(notice.topic())
            && !self.route(&topic).is_empty()
            && let Some(payload) = P::notice(notice)
        {
            self.announce(topic, payload);
        }
    }

    /// Runs `turn` if nothing is in flight, and returns how many subscriptions it reached. Otherwise queues
    /// it.
    pub(crate) fn take_turn(&self, turn: Turn<P>) -> Option<usize> {
        if self.state.get() & IN_FLIGHT != 0 {
            self.turns.borrow_mut().push_back((turn, self.cause()));
            self.state.set(self.state.get() | WAITING);
            return None;
        }
        let _in_flight = InFlight::begin(&self.state);
        // Turns are queued here only if a handler panicked before they ran. They are older.
        self.drain();
        let reached = self.execute(turn, None);
        self.drain();
        Some(reached)
    }

    pub(crate) fn route(&self, topic: &Topic) -> Route<P> {
        self.route_and_entry(topic).0
    }

    /// The route, and its entry if the topic is hot.
    pub(crate) fn route_and_entry(&self, topic: &Topic) -> (Route<P>, Option<HotTopic<P>>) {
        let entry = self.routes.borrow_mut().lookup(topic);
        match entry {
            Some(entry) => (self.route_of(&entry), Some(entry)),
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

    /// Runs the queued turns if nothing is in flight.
    pub(crate) fn proceed(&self) {
        if self.state.get() & IN_FLIGHT == 0 {
            let _in_flight = InFlight::begin(&self.state);
            self.drain();
        }
    }

    /// Whether `topic` has a responder. This lookup does not count towards making the topic hot.
    pub(crate) fn is_served(&self, topic: &Topic) -> bool {
        let entry = self.routes.borrow().peek(topic);
        let route = entry.map_or_else(|| self.compile(topic), |entry| self.route_of(&entry));
        route.iter().any(|slot| slot.head().serves())
    }

    fn route_of(&self, entry: &RouteEntry<Route<P>>) -> Route<P> {
        if let Some(route) = &*entry.route.borrow() {
            return route.clone();
        }
        let route = self.compile(&entry.topic);
        entry.route.replace(Some(route.clone()));
        route
    }

    #[inline(never)]
    fn compile(&self, topic: &Topic) -> Route<P> {
        let mut found = Vec::new();
        self.router.borrow().visit(topic, |key, slot| found.push((key, slot.clone())));
        let found = in_order(found, |(key, slot)| (Reverse(slot.head().priority), *key));
        let mut slots: Vec<_> = found.into_iter().map(|(_, slot)| slot).collect();
        while let Some(group) = slots.iter().find_map(|slot| slot.head().group().cloned()) {
            slots = group.merge(slots);
        }
        slots.into()
    }

    /// Delivers an event that did not have to wait, and then the turns that its handlers have queued.
    fn deliver_first(&self, route: &Route<P>, topic: &Topic, payload: &P) -> usize {
        let reached = self.deliver(route, &Event { topic, payload, request: None });
        if self.state.get() & WAITING != 0 {
            self.drain();
        }
        reached
    }

    /// Inlined, so that a publish to one handler takes two calls and not three.
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
            let Some((turn, cause)) = next else { break };
            self.execute(turn, cause);
        }
        self.state.set(self.state.get() & !WAITING);
    }

    fn execute(&self, turn: Turn<P>, cause: Option<Rc<str>>) -> usize {
        let is_observed = self.state.get() & OBSERVED != 0;
        let is_echo = matches!(turn, Turn::Echo { .. });
        let (route, topic, payload, request, held) = match turn {
            Turn::Event { topic, payload, request, held } => {
                (self.route(&topic), topic, payload, request, held)
            }
            Turn::Echo { topic, payload, to } => {
                let mut slots = Vec::new();
                for slot in self.route(&topic).iter() {
                    if slot.head().receives_echo(to) {
                        slots.push(slot.clone());
                    }
                }
                if slots.is_empty() && !is_observed {
                    return 0;
                }
                (slots.into(), topic, payload, None, Vec::new())
            }
            Turn::Job(job) => {
                job();
                return 0;
            }
        };
        let event = Event { topic: &topic, payload: &payload, request: request.as_ref() };
        let reached = if is_observed {
            self.deliver_observed(&route, &event, cause.as_deref(), is_echo)
        } else {
            self.deliver(&route, &event)
        };
        drop(held);
        reached
    }
}

impl<P: Payload> Registry for Core<P> {
    fn end(&self, pattern: &Pattern, key: Key) {
        // The slot is dropped without a borrow: its handler may own subscriptions, whose drop calls this
        // function again.
        let slot = self.router.borrow_mut().remove(pattern, key);
        if let Some(slot) = slot {
            slot.head().ended.set(true);
            if let Some(group) = slot.head().group() {
                group.leave();
            }
            self.invalidate(pattern);
            self.watchers.set(self.watchers.get() - usize::from(Notice::is_sent_to(pattern)));
            if self.watchers.get() > 0 {
                let (pattern, label) = (pattern.clone(), slot.head().label());
                self.notify(Notice::Unsubscribed { pattern, label });
            }
        }
    }
}

/// Sets the bit [`IN_FLIGHT`] and clears it when dropped, even if a handler panics.
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
