//! The bus as applications see it: the pure bus over events, with the way out through bridges.

mod outlet;
mod publish_error;

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::Duration;

use bus::{Pattern, Topic, TopicError};
use serde::Serialize;
#[cfg(feature = "npm")]
use wasm_bindgen::JsValue;

use crate::flow::Flow;
use crate::intercept::Judges;
use crate::js::console_error;
use crate::schedule::Browser;
use crate::{Cause, Delivery, Event, HandlerResult, Payload, Receipt, Subscriber, Subscription};

pub(crate) use outlet::{ECHO_BEFORE, Outlet};
pub use publish_error::PublishError;

/// Carries events to subscribers. A handle: clones share one bus.
///
/// Its promises are those of the [pure bus](::bus). A handler that fails stops no other: the failure
/// is an event on [`ERROR_TOPIC`](crate::ERROR_TOPIC), and goes to the console if nobody listens there.
#[derive(Clone)]
pub struct Bus(Rc<Shared>);

/// A handle that does not keep the bus.
#[derive(Clone)]
pub(crate) struct WeakBus(std::rc::Weak<Shared>);

struct Shared {
    bus: ::bus::Bus<Event>,
    outlets: RefCell<Vec<Rc<dyn Outlet>>>,
    judges: OnceCell<Rc<dyn Judges>>,
    /// How many subscribers were shown what was pending.
    shown: Cell<u64>,
}

/// Before the topic of an event that only subscribers with echo see: it is not one of the topic's own.
pub(crate) const ECHO: &str = "$echo.";

/// What [`Bus::measure`] counts, until it is dropped.
pub type Measurement = ::bus::Measurement<Event>;

/// What [`Bus::retain`] keeps, until it is dropped.
pub type Retention = ::bus::Retention<Event>;

/// Where an event of JavaScript may go beside this bus.
#[cfg(feature = "npm")]
pub(crate) enum Out {
    /// Over bridges; a durable one that has not left within that time is taken back.
    Bridges(Option<Duration>),
    /// It is a request.
    Nowhere,
}

/// What a publisher is told.
pub(crate) type Answer = Result<Receipt, PublishError>;

impl Bus {
    /// A bus without subscribers.
    pub fn new() -> Self {
        let bus = ::bus::Bus::new(|failure: &::bus::Failure<Cause>| {
            console_error(&failure.to_string(), &failure.cause.to_js());
        });
        Self(Rc::new(Shared {
            bus,
            outlets: RefCell::default(),
            judges: OnceCell::new(),
            shown: Cell::new(0),
        }))
    }

    /// The one bus of that name in this window, worker or process; made when first asked for, and kept.
    pub fn singleton(name: &str) -> Self {
        thread_local! {
            static SINGLETONS: RefCell<Vec<(Box<str>, Bus)>> = const { RefCell::new(Vec::new()) };
        }
        SINGLETONS.with_borrow_mut(|buses| {
            if let Some((_, bus)) = buses.iter().find(|(known, _)| **known == *name) {
                return bus.clone();
            }
            let bus = Self::new();
            buses.push((name.into(), bus.clone()));
            bus
        })
    }

    /// Publishes a Rust value, which is converted only for who needs another form.
    ///
    /// Outside a handler a local or ephemeral event has been delivered when this returns. A durable
    /// one reaches subscribers when the peer has stored it; the receipt tells of that.
    ///
    /// # Errors
    /// A [`PublishError`]; nothing has been delivered or sent then.
    pub fn publish<T: Serialize + 'static>(
        &self,
        topic: impl TryInto<Topic, Error: Into<TopicError>>,
        value: T,
    ) -> Result<Receipt, PublishError> {
        self.publish_payload(topic, Payload::new(value))
    }

    /// Publishes a payload that may be a JS value or bytes; otherwise like [`Bus::publish`].
    ///
    /// # Errors
    /// Like [`Bus::publish`].
    pub fn publish_payload(
        &self,
        topic: impl TryInto<Topic, Error: Into<TopicError>>,
        payload: Payload,
    ) -> Result<Receipt, PublishError> {
        self.send(topic.try_into().map_err(Into::into)?, payload, None)
    }

    /// Publishes an event that is worth nothing later: a durable one that has not left `within` that time
    /// is [rejected](crate::Status::Rejected) as [`Expired`](crate::RejectCode::Expired), also after a reload.
    /// One that may have left is not.
    ///
    /// # Errors
    /// Like [`Bus::publish`].
    pub fn publish_within<T: Serialize + 'static>(
        &self,
        topic: impl TryInto<Topic, Error: Into<TopicError>>,
        value: T,
        within: Duration,
    ) -> Result<Receipt, PublishError> {
        self.send(topic.try_into().map_err(Into::into)?, Payload::new(value), Some(within))
    }

    /// Calls `handler` for each event whose topic `pattern` matches, until the answer is dropped.
    ///
    /// # Errors
    /// A [`TopicError`] if `pattern` is none.
    pub fn subscribe(
        &self,
        pattern: &str,
        handler: impl Fn(&Event) -> HandlerResult + 'static,
    ) -> Result<Subscription, TopicError> {
        self.subscriber(pattern).handle(handler)
    }

    /// A subscription with a priority, a label or echo, in a group, in batches, or with what is retained.
    pub fn subscriber<'a>(&'a self, pattern: &'a str) -> Subscriber<'a> {
        Subscriber::new(self, pattern)
    }

    /// How many subscriptions stand.
    pub fn subscriptions(&self) -> usize {
        self.0.bus.subscriptions()
    }

    pub(crate) fn send(
        &self,
        topic: Topic,
        payload: Payload,
        within: Option<Duration>,
    ) -> Result<Receipt, PublishError> {
        match self.clear(&topic, payload, within) {
            Ok(payload) => self.deliver(Event::new(topic, payload, Delivery::Local)),
            Err(published) => published,
        }
    }

    /// Publishes what JavaScript has made an object of for its handlers.
    #[cfg(feature = "npm")]
    pub(crate) fn send_from_js(
        &self,
        topic: Topic,
        data: JsValue,
        face: JsValue,
        out: Out,
    ) -> Result<Receipt, PublishError> {
        let published = Payload::from_js(data);
        let cleared = match out {
            Out::Bridges(within) => self.clear(&topic, published.clone(), within),
            Out::Nowhere => self.judge(&topic, published.clone()),
        };
        match cleared {
            Ok(payload) => {
                let same = payload.is(&published);
                let face = if same { face } else { crate::npm::with_payload(&face, &payload) };
                self.deliver(Event::faced(topic, payload, face))
            }
            Err(published) => published,
        }
    }

    /// Asks interceptors and bridges: the payload with which an event is delivered here, or what its
    /// publisher is told.
    pub(crate) fn clear(
        &self,
        topic: &Topic,
        payload: Payload,
        within: Option<Duration>,
    ) -> Result<Payload, Answer> {
        let payload = self.judge(topic, payload)?;
        match self.send_out(topic, &payload, within) {
            Some(taken) => Err(taken),
            None => Ok(payload),
        }
    }

    /// Keeps the last `events` of each topic that `pattern` matches for subscribers that
    /// [replay](Subscriber::replay), until the answer is dropped; of at most `topics` topics, beyond which
    /// the one that was silent for longest is forgotten.
    ///
    /// # Errors
    /// A [`TopicError`] if `pattern` is none.
    pub fn retain(
        &self,
        pattern: &str,
        events: NonZeroUsize,
        topics: NonZeroUsize,
    ) -> Result<Retention, TopicError> {
        Ok(self.0.bus.retain(Pattern::parse(pattern)?, events, topics))
    }

    /// Counts events by topic, and handlers' calls with their time by label, until the answer is dropped; of
    /// at most `at_most` topics and labels each, beyond which all others are counted as `$bus.others`.
    ///
    /// While it counts, each event costs some more. Several measurements count independently.
    ///
    /// ```no_run
    /// use event_driven_kit::{Bus, Topic};
    ///
    /// let bus = Bus::new();
    /// let measured = bus.measure(1_000);
    /// bus.publish("job.resize", 1)?;
    /// assert_eq!(measured.topic(&Topic::parse("job.resize")?).events, 1);
    /// # Ok::<(), event_driven_kit::PublishError>(())
    /// ```
    pub fn measure(&self, at_most: usize) -> Measurement {
        self.0.bus.measure(Browser::schedule(), at_most)
    }

    /// The bus that knows neither payloads nor bridges.
    pub(crate) fn pure(&self) -> &::bus::Bus<Event> {
        &self.0.bus
    }

    pub(crate) fn judges(&self) -> &OnceCell<Rc<dyn Judges>> {
        &self.0.judges
    }

    /// Asks the interceptors of an event that is published here: the payload with which it goes on, or
    /// what its publisher is told. Nobody publishes to a topic of the runtime.
    pub(crate) fn judge(&self, topic: &Topic, payload: Payload) -> Result<Payload, Answer> {
        if topic.is_system() {
            return Err(Err(PublishError::SystemTopic(topic.clone())));
        }
        match self.0.judges.get() {
            Some(judges) => judges.judge(topic, payload),
            None => Ok(payload),
        }
    }

    /// Asks the interceptors of an event that has come over a bridge.
    pub(crate) fn admit(&self, event: Event) -> Option<Event> {
        match self.0.judges.get() {
            Some(judges) => judges.admit(event),
            None => Some(event),
        }
    }

    /// Shows subscribers with echo how far a durable event of this bus has come.
    pub(crate) fn echo(&self, event: Event) {
        if let Ok(topic) = Topic::parse(&[ECHO, event.topic().as_str()].concat()) {
            self.0.bus.announce(topic, event);
        }
    }

    /// Delivers `event` to the subscribers of this bus, at its turn.
    pub(crate) fn deliver(&self, event: Event) -> Result<Receipt, PublishError> {
        self.0.bus.publish(event.topic().clone(), event.clone())?;
        Ok(Receipt::delivered(event))
    }

    /// Delivers what a bridge has brought, which nobody can be told to publish later.
    pub(crate) fn bring(&self, event: Event) -> Result<(), PublishError> {
        self.0.bus.publish_regardless(event.topic().clone(), event)?;
        Ok(())
    }

    /// The same, and drops the event's claim when its handlers have returned and nobody holds it.
    pub(crate) fn bring_held(&self, event: Event, claim: Rc<dyn Any>) -> Result<(), PublishError> {
        let event = event.in_flow(Flow::of(&claim));
        self.0.bus.publish_held(event.topic().clone(), event, Some(Box::new(claim)))?;
        Ok(())
    }

    /// Delivers an event of the runtime itself.
    pub(crate) fn announce(&self, event: Event) {
        self.0.bus.announce(event.topic().clone(), event);
    }

    /// Tells of a failure that is no handler's answer: a rejected promise, a hook's publish.
    pub(crate) fn fail(&self, topic: Topic, label: &str, cause: impl Into<Cause>) {
        self.0.bus.fail(::bus::Failure { topic, label: label.into(), cause: cause.into() });
    }

    pub(crate) fn downgrade(&self) -> WeakBus {
        WeakBus(Rc::downgrade(&self.0))
    }
}

impl WeakBus {
    pub(crate) fn upgrade(&self) -> Option<Bus> {
        self.0.upgrade().map(Bus)
    }
}

impl Default for Bus {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Bus {
    /// Whether both are handles of one bus.
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bus.fmt(out)
    }
}
