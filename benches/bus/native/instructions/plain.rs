//! A copy of the bus's path of a publish by handle, without waiting queues, queue groups, recorder and
//! counters. It keeps the order, a compiled route that a change can invalidate, requests, isolated failures,
//! and subscriptions that can end in flight. It is split into the same functions as the bus, so that inlining
//! makes no difference.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::hint::black_box;
use std::rc::Rc;

use bus::{Failure, Pattern, PublishError, Published, Topic};
use bus_benches::{Number, pattern};

type Route = Rc<[Rc<dyn Slot>]>;
type LastResort = Box<dyn Fn(&Failure<&'static str>)>;

pub struct Plain {
    state: Cell<u8>,
    waiting: RefCell<VecDeque<Number>>,
    last_resort: LastResort,
}

pub struct RouteEntry {
    topic: Topic,
    route: RefCell<Option<Route>>,
}

/// The event that handlers receive. The handlers here only count.
#[expect(dead_code, reason = "the bus's events have all three fields")]
pub struct Event<'a> {
    topic: &'a Topic,
    payload: &'a Number,
    request: Option<&'a Rc<dyn Fn(Number)>>,
}

trait Slot {
    fn deliver(&self, bus: &Plain, event: &Event<'_>) -> Delivered;
}

#[derive(PartialEq)]
enum Delivered {
    Ended,
    Handled,
    Failed,
}

struct Head {
    pattern: Pattern,
    priority: i32,
    ended: Cell<bool>,
}

struct WithHandler<H> {
    head: Head,
    handler: H,
}

const IN_FLIGHT: u8 = 1;
const WAITING: u8 = 2;

impl Plain {
    pub fn new() -> Self {
        let last_resort = Box::new(|failure: &Failure<_>| eprintln!("{failure}"));
        Self { state: Cell::new(0), waiting: RefCell::default(), last_resort }
    }

    #[inline(never)]
    pub fn publish_to(
        &self,
        entry: &RouteEntry,
        payload: Number,
    ) -> Result<Published, PublishError<Number>> {
        if self.state.get() != 0 {
            return self.wait(payload);
        }
        let _in_flight = InFlight::begin(&self.state);
        let route = entry.route();
        let event = Event { topic: &entry.topic, payload: &payload, request: None };
        let reached = self.deliver(&route, &event);
        if self.state.get() & WAITING != 0 {
            self.drain(entry);
        }
        Ok(Published::Delivered(reached))
    }

    #[cold]
    #[inline(never)]
    fn wait(&self, payload: Number) -> Result<Published, PublishError<Number>> {
        self.waiting.borrow_mut().push_back(payload);
        self.state.set(self.state.get() | WAITING);
        Ok(Published::Queued)
    }

    #[inline(always)]
    fn deliver(&self, route: &Route, event: &Event<'_>) -> usize {
        let mut reached = 0;
        for slot in route.iter() {
            reached += usize::from(slot.deliver(self, event) != Delivered::Ended);
        }
        reached
    }

    #[cold]
    #[inline(never)]
    fn drain(&self, entry: &RouteEntry) {
        while let Some(payload) = self.waiting.borrow_mut().pop_front() {
            let event = Event { topic: &entry.topic, payload: &payload, request: None };
            self.deliver(&entry.route(), &event);
        }
        self.state.set(self.state.get() & !WAITING);
    }

    #[cold]
    #[inline(never)]
    fn failed(&self, head: &Head, topic: &Topic, cause: &'static str) {
        let label = format!("{} ({})", head.pattern, head.priority).into();
        (self.last_resort)(&Failure { topic: topic.clone(), label, cause });
    }
}

impl<H: Fn(&Event<'_>) -> Result<(), &'static str>> Slot for WithHandler<H> {
    fn deliver(&self, bus: &Plain, event: &Event<'_>) -> Delivered {
        if self.head.ended.get() {
            return Delivered::Ended;
        }
        match (self.handler)(event) {
            Ok(()) => Delivered::Handled,
            Err(cause) => {
                bus.failed(&self.head, event.topic, cause);
                Delivered::Failed
            }
        }
    }
}

impl RouteEntry {
    /// The entry of a topic with one subscription.
    pub fn new(
        topic: Topic,
        handler: impl Fn(&Event<'_>) -> Result<(), &'static str> + 'static,
    ) -> Self {
        let pattern = pattern(topic.as_str());
        let head = Head { pattern, priority: 0, ended: Cell::new(false) };
        let route: Route = Rc::new([Rc::new(WithHandler { head, handler })]);
        Self { topic, route: RefCell::new(Some(route)) }
    }

    #[inline(never)]
    fn route(&self) -> Route {
        if let Some(route) = &*self.route.borrow() {
            return route.clone();
        }
        let route: Route = black_box(Rc::new([]));
        self.route.replace(Some(route.clone()));
        route
    }
}

/// Sets the bit `IN_FLIGHT` and clears it when dropped, even if a handler panics.
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
