//! The bus: executes the compiled route of a topic for each event, in one order.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::{Rc, Weak};

use crate::router::{Key, Router, in_order};
use crate::routes::Routes;
use crate::subscription::{Registry, Subscription};
use crate::{Pattern, Topic};

/// Where the failures of handlers are published, as [`Payload::failure`] makes them.
pub const ERROR_TOPIC: &str = "$bus.error";

/// The most events that may wait because they were published inside handlers. Beyond it
/// [`Bus::publish`] answers [`PublishError::QueueFull`] and gives the event back.
pub const MAX_QUEUED: usize = 65_536;

/// Carries events to subscriptions. A handle: clones share one bus. See the [crate] for its promises.
pub struct Bus<P: Payload> {
    core: Rc<Core<P>>,
}

/// What a bus carries beside a topic.
pub trait Payload: Sized + 'static {
    /// Why a handler failed.
    type Cause: fmt::Display + 'static;

    /// The payload of the event on [`ERROR_TOPIC`] that tells of `failure`.
    fn failure(failure: Failure<Self::Cause>) -> Self;
}

/// A payload on its way, and the topic it was published to.
#[derive(Debug, Clone)]
pub struct Event<P> {
    /// Where it was published.
    pub topic: Topic,
    /// What was published.
    pub payload: P,
}

/// What a handler answers: an `Err` is published on [`ERROR_TOPIC`].
pub type HandlerResult<P> = Result<(), <P as Payload>::Cause>;

/// A handler has failed.
#[derive(Debug, Clone)]
pub struct Failure<C> {
    /// The topic of the event that it was called with.
    pub topic: Topic,
    /// The subscription's label; its pattern, if it was given none.
    pub label: Rc<str>,
    /// Why.
    pub cause: C,
}

impl<C: fmt::Display> fmt::Display for Failure<C> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "subscription `{}` failed on `{}`: {}", self.label, self.topic, self.cause)
    }
}

/// How far a published event has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It reached so many subscriptions.
    Delivered(usize),
    /// It was published inside a handler and follows the event in flight.
    Queued,
}

/// Why an event was not taken; the payload comes back.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum PublishError<P> {
    /// Topics that begin with `$` belong to the runtime.
    #[error("`{0}` belongs to the runtime: publish to a topic that does not begin with `$`")]
    SystemTopic(Topic, P),
    /// Handlers have published [`MAX_QUEUED`] events faster than they are delivered.
    #[error(
        "{MAX_QUEUED} events published inside handlers wait already: does a handler publish to itself?"
    )]
    QueueFull(Topic, P),
}

impl<P> fmt::Debug for PublishError<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

struct Core<P: Payload> {
    router: RefCell<Router<Rc<Slot<P>>>>,
    routes: RefCell<Routes<Route<P>>>,
    in_flight: Cell<bool>,
    queue: RefCell<VecDeque<Event<P>>>,
    dropped: Cell<u64>,
    last_resort: LastResort<P>,
}

type Handler<P> = dyn Fn(&Event<P>) -> HandlerResult<P>;
type LastResort<P> = Box<dyn Fn(&Failure<<P as Payload>::Cause>)>;

/// What a topic resolved to: its subscriptions in the order of delivery.
type Route<P> = Rc<[Rc<Slot<P>>]>;

/// A subscription as a route holds it.
struct Slot<P: Payload> {
    priority: i32,
    label: Rc<str>,
    ended: Cell<bool>,
    handler: Box<Handler<P>>,
}

impl<P: Payload> Bus<P> {
    /// A bus without subscriptions. `last_resort` is told of failures that no handler of
    /// [`ERROR_TOPIC`] takes: a console.
    pub fn new(last_resort: impl Fn(&Failure<P::Cause>) + 'static) -> Self {
        Self {
            core: Rc::new(Core {
                router: RefCell::default(),
                routes: RefCell::default(),
                in_flight: Cell::new(false),
                queue: RefCell::default(),
                dropped: Cell::new(0),
                last_resort: Box::new(last_resort),
            }),
        }
    }

    /// Publishes `payload` on `topic`. Outside a handler it has been delivered when this returns.
    ///
    /// # Errors
    /// [`PublishError::SystemTopic`] and [`PublishError::QueueFull`], each with the payload.
    pub fn publish(&self, topic: Topic, payload: P) -> Result<Published, PublishError<P>> {
        if topic.is_system() {
            return Err(PublishError::SystemTopic(topic, payload));
        }
        self.core
            .accept(Event { topic, payload })
            .map_err(|Event { topic, payload }| PublishError::QueueFull(topic, payload))
    }

    /// Publishes as the runtime, to which topics that begin with `$` belong. An event that finds the
    /// queue full is only counted (see [`Bus::dropped`]).
    pub fn announce(&self, topic: Topic, payload: P) {
        self.core.announce(topic, payload);
    }

    /// Tells of a failure that came to light after its handler had returned (a rejected promise).
    pub fn fail(&self, failure: Failure<P::Cause>) {
        self.core.fail(failure);
    }

    /// Calls `handler` for each event whose topic `pattern` matches, until the answer is dropped.
    pub fn subscribe(
        &self,
        pattern: Pattern,
        handler: impl Fn(&Event<P>) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        self.subscriber(pattern).handle(handler)
    }

    /// A subscription with a priority or a label.
    pub fn subscriber(&self, pattern: Pattern) -> Subscriber<'_, P> {
        Subscriber { bus: self, label: None, priority: 0, pattern }
    }

    /// How many subscriptions stand.
    pub fn subscriptions(&self) -> usize {
        self.core.router.borrow().len()
    }

    /// How many events of the runtime itself were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.core.dropped.get()
    }
}

impl<P: Payload> Clone for Bus<P> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone() }
    }
}

impl<P: Payload> fmt::Debug for Bus<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Bus").field("subscriptions", &self.subscriptions()).finish()
    }
}

/// Sets how a handler is subscribed; see [`Bus::subscriber`].
#[must_use = "nothing is subscribed before `handle`"]
pub struct Subscriber<'a, P: Payload> {
    bus: &'a Bus<P>,
    pattern: Pattern,
    priority: i32,
    label: Option<Rc<str>>,
}

impl<P: Payload> Subscriber<'_, P> {
    /// Higher comes first; 0 if not set.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// What failures call it; its pattern if not set.
    pub fn label(mut self, label: &str) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Calls `handler` for each event whose topic matches, until the answer is dropped.
    pub fn handle(self, handler: impl Fn(&Event<P>) -> HandlerResult<P> + 'static) -> Subscription {
        let slot = Rc::new(Slot {
            priority: self.priority,
            label: self.label.unwrap_or_else(|| self.pattern.as_str().into()),
            ended: Cell::new(false),
            handler: Box::new(handler),
        });
        let core = &self.bus.core;
        let key = core.router.borrow_mut().insert(&self.pattern, slot);
        core.invalidate(&self.pattern);
        let registry: Weak<Core<P>> = Rc::downgrade(core);
        Subscription::new(registry, self.pattern, key)
    }
}

impl<P: Payload> fmt::Debug for Subscriber<'_, P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Subscriber").field(&self.pattern).finish()
    }
}

impl<P: Payload> Core<P> {
    /// Delivers `event` at its turn: now, or after the events that wait already.
    fn accept(&self, event: Event<P>) -> Result<Published, Event<P>> {
        if self.in_flight.get() {
            let mut queue = self.queue.borrow_mut();
            if queue.len() >= MAX_QUEUED {
                return Err(event);
            }
            queue.push_back(event);
            return Ok(Published::Queued);
        }
        let _in_flight = InFlight::begin(&self.in_flight);
        // Empty unless a handler panicked while events waited; those are older.
        self.drain();
        let reached = self.deliver(&event);
        self.drain();
        Ok(Published::Delivered(reached))
    }

    fn drain(&self) {
        loop {
            let next = self.queue.borrow_mut().pop_front();
            let Some(event) = next else { return };
            self.deliver(&event);
        }
    }

    fn deliver(&self, event: &Event<P>) -> usize {
        let route = self.route(&event.topic);
        let mut reached = 0;
        for slot in route.iter().filter(|slot| !slot.ended.get()) {
            reached += 1;
            if let Err(cause) = (slot.handler)(event) {
                let failure =
                    Failure { topic: event.topic.clone(), label: slot.label.clone(), cause };
                self.fail(failure);
            }
        }
        reached
    }

    fn fail(&self, failure: Failure<P::Cause>) {
        let Ok(topic) = Topic::parse(ERROR_TOPIC) else {
            return;
        };
        if failure.topic == topic || self.route(&topic).is_empty() {
            (self.last_resort)(&failure);
        } else {
            self.announce(topic, P::failure(failure));
        }
    }

    fn announce(&self, topic: Topic, payload: P) {
        if self.accept(Event { topic, payload }).is_err() {
            self.dropped.set(self.dropped.get() + 1);
        }
    }

    fn route(&self, topic: &Topic) -> Route<P> {
        if let Some(route) = self.routes.borrow_mut().get(topic) {
            return route;
        }
        let slots: Vec<Rc<Slot<P>>> =
            self.router.borrow().matches(topic).into_iter().map(|(_, slot)| slot.clone()).collect();
        // Stable, so that among equals the older subscription stays first.
        let route: Route<P> = in_order(slots, |slot| std::cmp::Reverse(slot.priority)).into();
        self.routes.borrow_mut().insert(topic.clone(), route.clone());
        route
    }

    fn invalidate(&self, pattern: &Pattern) {
        let routes = self.routes.borrow_mut().invalidate(pattern);
        drop(routes);
    }
}

impl<P: Payload> Registry for Core<P> {
    fn end(&self, pattern: &Pattern, key: Key) {
        // Two statements: the handler may own subscriptions whose drop comes back here, so nothing is
        // borrowed when it goes.
        let slot = self.router.borrow_mut().remove(pattern, key);
        if let Some(slot) = slot {
            slot.ended.set(true);
            self.invalidate(pattern);
        }
    }
}

/// Marks that an event is in flight, until it is dropped: also when a handler panics.
struct InFlight<'a>(&'a Cell<bool>);

impl<'a> InFlight<'a> {
    fn begin(flag: &'a Cell<bool>) -> Self {
        flag.set(true);
        Self(flag)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
