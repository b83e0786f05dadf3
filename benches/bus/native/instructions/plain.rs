//! The path of a publish by handle as the bus has it, but without interceptors, queue groups, recorder and
//! counters: one order, a compiled route that a change can take away, requests, failures isolated, and
//! subscriptions that can end in flight. Functions end where those of the bus end, so that a compiler
//! that puts one into the other does not count as a difference.

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

pub struct Spot {
    topic: Topic,
    route: RefCell<Option<Route>>,
}

/// What handlers get; these only count.
#[expect(dead_code, reason = "the bus's events have all three")]
pub struct Event<'a> {
    topic: &'a Topic,
    payload: &'a Number,
    asked: Option<&'a Rc<dyn Fn(Number)>>,
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
    pub fn publish_at(
        &self,
        spot: &Spot,
        payload: Number,
    ) -> Result<Published, PublishError<Number>> {
        if self.state.get() != 0 {
            return self.wait(payload);
        }
        let _in_flight = InFlight::begin(&self.state);
        let route = spot.route();
        let event = Event { topic: &spot.topic, payload: &payload, asked: None };
        let reached = self.deliver(&route, &event);
        if self.state.get() & WAITING != 0 {
            self.drain(spot);
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
    fn drain(&self, spot: &Spot) {
        while let Some(payload) = self.waiting.borrow_mut().pop_front() {
            let event = Event { topic: &spot.topic, payload: &payload, asked: None };
            self.deliver(&spot.route(), &event);
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

impl Spot {
    /// Of a topic with one subscription.
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
