//! Interceptors: code that may change or stop an event before anything else receives it.

use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};

use bus::{Pattern, Topic, TopicError};
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;

use super::{Answer, Bus, WeakBus};
use crate::{DataError, Delivery, Event, Payload, PublishError, Receipt};

/// The decision of an interceptor about an event.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// The event continues unchanged.
    Pass,
    /// The event continues with this payload.
    Replace(Payload),
    /// The event is dropped. Its receipt has the status [`Status::Dropped`](crate::Status::Dropped).
    Drop,
    /// The event is stopped for this reason. The publisher gets [`PublishError::Denied`].
    Deny(String),
}

/// An event as an interceptor sees it, before it is sent or delivered.
#[derive(Debug)]
pub struct Intercepted<'a> {
    topic: &'a Topic,
    payload: &'a Payload,
    inbound: Option<&'a Event>,
}

/// Keeps an interceptor in place. Dropping it removes the interceptor. Created by [`Bus::intercept`].
#[must_use = "the interceptor ends when this is dropped"]
pub struct Interception {
    own: Rc<Interceptor>,
    all: Weak<dyn Judges>,
    bus: WeakBus,
}

/// All interceptors of a bus. A trait object that the first interceptor creates, so that a module that never
/// calls [`Bus::intercept`] does not contain the code.
pub(crate) trait Judges {
    /// Judges an event that is published here. Returns the payload to continue with, or the result of the
    /// publish.
    fn judge(&self, topic: &Topic, payload: Payload) -> Result<Payload, Answer>;

    /// Judges an event from a bridge. Returns it if it continues.
    #[cfg(feature = "bridge")]
    fn admit(&self, event: Event) -> Option<Event>;

    /// Whether an interceptor matches `topic`.
    #[cfg(feature = "npm")]
    fn watch(&self, topic: &Topic) -> bool;

    fn add(&self, one: &Rc<Interceptor>);

    fn remove(&self, one: &Interceptor);
}

/// In the order of the calls. The list is replaced as a whole, so that no borrow is held while it is walked.
#[derive(Default)]
struct List(RefCell<Rc<[Weak<Interceptor>]>>);

pub(crate) struct Interceptor {
    pattern: Pattern,
    judge: Box<dyn Fn(&Intercepted<'_>) -> Verdict>,
}

enum Stop {
    Dropped,
    Denied(String),
}

impl Bus {
    /// Calls `judge` with each event whose topic `pattern` matches, until the returned interception is
    /// dropped. Events of this bus are judged at the publish call, before a bridge takes them and before they
    /// take their place in the order. Events from a bridge are judged on arrival. Older interceptors come
    /// first.
    ///
    /// An event is judged once: a durable event that returns from the peer was judged when it was published.
    /// An inbound event that is stopped counts as read, and in [`Bridge::refused`](crate::Bridge::refused).
    /// Events of the runtime are not intercepted. `judge` may publish, and also judges its own events on
    /// matching topics.
    ///
    /// ```no_run
    /// use event_driven_kit::{Bus, Payload, PublishError, Verdict};
    ///
    /// let bus = Bus::new();
    /// let _polite = bus.intercept("chat.>", |event| match event.data::<String>() {
    ///     Ok(text) if text.contains("damn") => Verdict::Deny("language!".to_owned()),
    ///     Ok(text) => Verdict::Replace(Payload::new(text.trim().to_owned())),
    ///     Err(no_text) => Verdict::Deny(no_text.to_string()),
    /// })?;
    /// let denied = bus.publish("chat.lobby", "damn".to_owned());
    /// assert!(matches!(denied, Err(PublishError::Denied(_, why)) if &*why == "language!"));
    /// # Ok::<(), event_driven_kit::TopicError>(())
    /// ```
    ///
    /// # Errors
    /// A [`TopicError`] if `pattern` is not a valid pattern.
    pub fn intercept(
        &self,
        pattern: &str,
        judge: impl Fn(&Intercepted<'_>) -> Verdict + 'static,
    ) -> Result<Interception, TopicError> {
        let own =
            Rc::new(Interceptor { pattern: Pattern::parse(pattern)?, judge: Box::new(judge) });
        let all = self.judges().get_or_init(|| Rc::new(List::default()));
        all.add(&own);
        self.pure().invalidate(&own.pattern);
        Ok(Interception { all: Rc::downgrade(all), own, bus: self.downgrade() })
    }
}

impl Intercepted<'_> {
    /// The topic it was published to.
    pub fn topic(&self) -> &Topic {
        self.topic
    }

    /// The payload, as left by earlier interceptors.
    pub fn payload(&self) -> &Payload {
        self.payload
    }

    /// The payload as a `T`; like [`Event::data`].
    ///
    /// # Errors
    /// A [`DataError`] if it cannot be read as a `T`.
    pub fn data<T: DeserializeOwned + 'static>(&self) -> Result<Rc<T>, DataError> {
        self.payload.to_rust()
    }

    /// The payload as a JS value; like [`Event::js`].
    ///
    /// # Errors
    /// A [`DataError`] if it has no JS form.
    pub fn js(&self) -> Result<JsValue, DataError> {
        self.payload.to_js()
    }

    /// The event as received from a bridge, with its source, id and time. `None` if it is published here.
    pub fn inbound(&self) -> Option<&Event> {
        self.inbound
    }
}

impl List {
    fn ask(
        &self,
        topic: &Topic,
        payload: Payload,
        inbound: Option<&Event>,
    ) -> Result<Payload, Stop> {
        let (all, mut payload) = (self.0.borrow().clone(), payload);
        // An earlier interceptor may have dropped it.
        let standing = all.iter().filter_map(Weak::upgrade);
        for one in standing.filter(|one| one.pattern.matches(topic)) {
            match (one.judge)(&Intercepted { topic, payload: &payload, inbound }) {
                Verdict::Pass => {}
                Verdict::Replace(other) => payload = other,
                Verdict::Drop => return Err(Stop::Dropped),
                Verdict::Deny(why) => return Err(Stop::Denied(why)),
            }
        }
        Ok(payload)
    }
}

impl Judges for List {
    fn judge(&self, topic: &Topic, payload: Payload) -> Result<Payload, Answer> {
        self.ask(topic, payload.clone(), None).map_err(|stop| match stop {
            Stop::Dropped => {
                Ok(Receipt::dropped(Event::new(topic.clone(), payload, Delivery::Local)))
            }
            Stop::Denied(why) => Err(PublishError::Denied(topic.clone(), why.into())),
        })
    }

    #[cfg(feature = "bridge")]
    fn admit(&self, event: Event) -> Option<Event> {
        let payload = self.ask(event.topic(), event.payload().clone(), Some(&event)).ok()?;
        Some(event.with(payload))
    }

    #[cfg(feature = "npm")]
    fn watch(&self, topic: &Topic) -> bool {
        let standing = |one: &Weak<Interceptor>| one.upgrade();
        self.0.borrow().iter().filter_map(standing).any(|one| one.pattern.matches(topic))
    }

    fn add(&self, one: &Rc<Interceptor>) {
        let all = self.0.borrow().iter().cloned().chain([Rc::downgrade(one)]).collect();
        self.0.replace(all);
    }

    fn remove(&self, one: &Interceptor) {
        let is_other = |other: &&Weak<Interceptor>| !std::ptr::eq(other.as_ptr(), one);
        let others = self.0.borrow().iter().filter(is_other).cloned().collect();
        self.0.replace(others);
    }
}

impl Drop for Interception {
    fn drop(&mut self) {
        if let Some(all) = self.all.upgrade() {
            all.remove(&self.own);
        }
        // The topics that it matched may have no interceptor now.
        if let Some(bus) = self.bus.upgrade() {
            bus.pure().invalidate(&self.own.pattern);
        }
    }
}

impl fmt::Debug for Interception {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Interception").field(&self.own.pattern).finish()
    }
}
