//! The bus of applications: the pure bus with [`Event`]s as payloads, connected to bridges.

#[cfg(feature = "bridge")]
mod bridged;
mod intercept;
mod outlet;
mod publish_error;
mod sealed;
mod subscriber;

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::rc::Rc;
use std::time::Duration;

use bus::{Pattern, Topic, TopicError};
use serde::Serialize;
#[cfg(feature = "npm")]
use wasm_bindgen::JsValue;

use crate::js::console_error;
use crate::{Cause, Delivery, Event, HandlerResult, Payload, Receipt};

use intercept::Judges;
pub use intercept::{Intercepted, Interception, Verdict};
pub(crate) use outlet::Outlet;
pub use publish_error::PublishError;
pub use subscriber::{Balance, Subscriber, Subscription};

/// Carries events to subscribers. This is a handle: clones share one bus.
///
/// Its promises are those of the [pure bus](::bus). A failing handler does not stop the others: its failure
/// is published on [`ERROR_TOPIC`](crate::ERROR_TOPIC), or logged to the console if nothing subscribes there.
#[derive(Clone)]
pub struct Bus(Rc<Shared>);

/// A handle that does not keep the bus alive.
#[derive(Clone)]
pub(crate) struct WeakBus(std::rc::Weak<Shared>);

struct Shared {
    bus: ::bus::Bus<Event>,
    outlets: RefCell<Vec<Rc<dyn Outlet>>>,
    judges: OnceCell<Rc<dyn Judges>>,
    /// No bridge connects to it.
    sealed: Cell<bool>,
    /// The id of the next subscription with echo.
    next_echo: Cell<NonZeroU32>,
}

/// The events that [`Bus::retain`] keeps. Dropping it discards them.
pub type Retention = ::bus::Retention<Event>;

/// Where an event of JavaScript may go besides this bus.
#[cfg(feature = "npm")]
pub(crate) enum Out {
    /// Over bridges. A durable event that has not been sent within this time is cancelled.
    Bridges(Option<Duration>),
    /// Nowhere: it is a request.
    Nowhere,
}

/// The result of a publish.
pub(crate) type Answer = Result<Receipt, PublishError>;

impl Bus {
    /// Creates a bus without subscribers.
    pub fn new() -> Self {
        let bus = ::bus::Bus::new(|failure: &::bus::Failure<Cause>| {
            console_error(&failure.to_string(), &failure.cause.to_js());
        });
        Self(Rc::new(Shared {
            bus,
            outlets: RefCell::default(),
            judges: OnceCell::new(),
            sealed: Cell::new(false),
            next_echo: Cell::new(NonZeroU32::MIN),
        }))
    }

    /// The bus with this name in this window, worker or process. The first call creates it; it is never dropped.
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

    /// Publishes a Rust value. It is converted only for subscribers and bridges that need another form.
    ///
    /// Outside a handler a local or ephemeral event has been delivered when this returns. A durable
    /// one is delivered once the peer has stored it, which the receipt reports.
    ///
    /// # Errors
    /// A [`PublishError`]. The event was neither delivered nor sent.
    pub fn publish<T: Serialize + 'static>(
        &self,
        topic: impl TryInto<Topic, Error: Into<TopicError>>,
        value: T,
    ) -> Result<Receipt, PublishError> {
        self.publish_payload(topic, Payload::new(value))
    }

    /// Like [`Bus::publish`], for a payload that may be a JS value or bytes.
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

    /// Publishes an event that is of no use later. A durable event that has not been sent `within` that time
    /// is [rejected](crate::Status::Rejected) as [`Expired`](crate::bridge::RejectCode::Expired), even after
    /// a reload. An event that may have been sent does not expire.
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

    /// Calls `handler` for each event whose topic `pattern` matches, until the returned subscription is
    /// dropped.
    ///
    /// # Errors
    /// A [`TopicError`] if `pattern` is not a valid pattern.
    pub fn subscribe(
        &self,
        pattern: &str,
        handler: impl Fn(&Event) -> HandlerResult + 'static,
    ) -> Result<Subscription, TopicError> {
        self.subscriber(pattern).handle(handler)
    }

    /// A builder for subscriptions with a priority, a label, echo, a group, batches or a replay.
    pub fn subscriber<'a>(&'a self, pattern: &'a str) -> Subscriber<'a> {
        Subscriber::new(self, pattern)
    }

    /// The number of subscriptions.
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

    /// Publishes an event for which JavaScript has already created the object that its handlers receive.
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
                let face = if same { face } else { crate::face::with_payload(&face, &payload) };
                self.deliver(Event::faced(topic, payload, face))
            }
            Err(published) => published,
        }
    }

    /// Passes an event through interceptors and bridges. Returns the payload to deliver here, or the result
    /// of the publish.
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
    /// [replay](Subscriber::replay), until the returned retention is dropped. Beyond `topics` topics, the
    /// topic whose last event is oldest is discarded.
    ///
    /// # Errors
    /// A [`TopicError`] if `pattern` is not a valid pattern.
    pub fn retain(
        &self,
        pattern: &str,
        events: NonZeroUsize,
        topics: NonZeroUsize,
    ) -> Result<Retention, TopicError> {
        Ok(self.0.bus.retain(Pattern::parse(pattern)?, events, topics))
    }

    /// The pure bus, which knows no bridges.
    pub(crate) fn pure(&self) -> &::bus::Bus<Event> {
        &self.0.bus
    }

    pub(crate) fn judges(&self) -> &OnceCell<Rc<dyn Judges>> {
        &self.0.judges
    }

    /// Passes an event that is published here through the interceptors. Returns the payload to continue with,
    /// or the result of the publish. Publishing on a topic of the runtime is an error.
    pub(crate) fn judge(&self, topic: &Topic, payload: Payload) -> Result<Payload, Answer> {
        if topic.is_system() {
            return Err(Err(PublishError::SystemTopic(topic.clone())));
        }
        match self.0.judges.get() {
            Some(judges) => judges.judge(topic, payload),
            None => Ok(payload),
        }
    }

    /// Delivers `event` to the subscribers of this bus, at its turn.
    pub(crate) fn deliver(&self, event: Event) -> Result<Receipt, PublishError> {
        self.0.bus.publish(event.topic().clone(), event.clone())?;
        Ok(Receipt::delivered(event))
    }

    /// Reports a failure that no handler has returned: a rejected promise, or the publish of a hook.
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
    /// Whether both are handles of the same bus.
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bus.fmt(out)
    }
}
