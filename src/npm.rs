//! The wasm module's exports for JavaScript. `npm/face.js` wraps them in objects whose functions can be destructured.
//! The types are in `npm/*.d.ts`.

mod event;
mod files;
mod inspect;
mod intercept;
mod kept;
mod link;
mod present;
mod receipt;
mod route;
mod subscribe;

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::time::Duration;

use bus::{Pattern, Topic};
use js_sys::{Array, Function, Promise};
use slab::Slab;
use wasm_bindgen::prelude::*;

use crate::bus::Out;
use crate::js::promise;
use crate::{Bus, Payload, PublishError, Status, TopicError};
use receipt::Receipt;
use subscribe::{Registration, SubscribeOptions, SubscriptionRef};

#[wasm_bindgen(module = "/src/npm/face.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn face(core: Core, memory: JsValue, options: &JsValue) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(module = "/src/npm/singletons.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn known(name: &JsValue) -> Result<JsValue, JsValue>;
    fn remember(name: &JsValue, bus: JsValue) -> JsValue;
}

#[wasm_bindgen(module = "/src/npm/buses.js")]
extern "C" {
    fn gone(bus: u32);
}

#[wasm_bindgen(module = "/src/npm/options.js")]
extern "C" {
    fn fail(code: &str, message: &str) -> JsValue;
}

/// The bus with this name in this realm, as an object for JavaScript.
///
/// # Errors
/// An `Error` if `name` is not a string, or `options` not an object.
#[wasm_bindgen(js_name = createSingleton, skip_typescript)]
pub fn create_singleton(name: &JsValue, options: &JsValue) -> Result<JsValue, JsValue> {
    let known = known(name)?;
    if !known.is_undefined() {
        return Ok(known);
    }
    let bus = Bus::singleton(&name.as_string().unwrap_or_default());
    Ok(remember(name, wrap(bus, options)?))
}

/// A new bus, as an object for JavaScript.
///
/// # Errors
/// An `Error` if `options` is not an object.
#[wasm_bindgen(js_name = createBus, skip_typescript)]
pub fn create_bus(options: &JsValue) -> Result<JsValue, JsValue> {
    wrap(Bus::new(), options)
}

fn wrap(bus: Bus, options: &JsValue) -> Result<JsValue, JsValue> {
    thread_local! {
        static NEXT: Cell<u32> = const { Cell::new(0) };
    }
    let id = NEXT.replace(NEXT.get() + 1);
    let core = Core { id, registrations: RefCell::default(), route: RefCell::default(), bus };
    face(core, wasm_bindgen::memory(), options)
}

/// The bus behind JavaScript's object.
#[derive(Debug)]
#[wasm_bindgen(skip_typescript)]
pub struct Core {
    id: u32,
    /// JavaScript's registrations.
    registrations: RefCell<Slab<Registration>>,
    /// The last requested route, as JavaScript reads it.
    route: RefCell<Vec<u32>>,
    bus: Bus,
}

#[wasm_bindgen]
impl Core {
    /// Identifies the bus within this module.
    #[wasm_bindgen(skip_typescript)]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The address of the bus's flag.
    #[wasm_bindgen(skip_typescript)]
    pub fn flag(&self) -> usize {
        self.bus.pure().flag().as_ptr() as usize
    }

    /// The address of the version of its routes.
    #[wasm_bindgen(skip_typescript)]
    pub fn version(&self) -> usize {
        self.bus.pure().version().as_ptr() as usize
    }

    /// The address of the counter of subscribers to notices about subscriptions.
    #[wasm_bindgen(skip_typescript)]
    pub fn watchers(&self) -> usize {
        self.bus.pure().watchers().as_ptr() as usize
    }

    /// Delivers the events that handlers have published meanwhile.
    #[wasm_bindgen(skip_typescript)]
    pub fn proceed(&self) {
        self.bus.pure().proceed();
    }

    /// The address of the route of `topic`, which stays valid until the next call.
    ///
    /// # Errors
    /// An `Error` if the topic is invalid.
    #[wasm_bindgen(skip_typescript)]
    pub fn route(&self, topic: &str) -> Result<usize, JsValue> {
        let topic = Topic::parse(topic).map_err(|error| topic_error(&error))?;
        let mut route = self.route.take();
        route::write(&self.bus, self.id, &topic, &mut route);
        let place = route.as_ptr() as usize;
        self.route.replace(route);
        Ok(place)
    }

    /// Subscribes. `release` ends the subscription with the returned number.
    ///
    /// # Errors
    /// An `Error` if the pattern is invalid.
    #[wasm_bindgen(skip_typescript)]
    pub fn subscribe(
        &self,
        pattern: &str,
        options: Option<SubscribeOptions>,
    ) -> Result<u32, JsValue> {
        let number = self.registrations.borrow().vacant_key() as u32;
        let name = SubscriptionRef { bus: self.id, number };
        let subscriber = self.bus.subscriber(pattern);
        let registration = match options {
            Some(options) => subscribe::subscribe_with(subscriber, name, &options),
            None => subscribe::subscribe(subscriber, name),
        };
        Ok(self.registrations.borrow_mut().insert(registration?) as u32)
    }

    /// Asks JavaScript about each event whose topic `pattern` matches, until `release` is called with the returned
    /// number.
    ///
    /// # Errors
    /// An `Error` if the pattern is invalid.
    #[wasm_bindgen(skip_typescript)]
    pub fn intercept(&self, pattern: &str) -> Result<u32, JsValue> {
        let number = self.registrations.borrow().vacant_key() as u32;
        let registration =
            intercept::intercept(&self.bus, pattern, SubscriptionRef { bus: self.id, number })?;
        Ok(self.registrations.borrow_mut().insert(registration) as u32)
    }

    /// Retains the last events of each topic, until `release` is called with the returned number.
    ///
    /// # Errors
    /// An `Error` if the pattern is invalid.
    #[wasm_bindgen(skip_typescript)]
    pub fn retain(&self, pattern: &str, events: u32, topics: u32) -> Result<u32, JsValue> {
        let at_least_one =
            |number: u32| NonZeroUsize::new(number as usize).unwrap_or(NonZeroUsize::MIN);
        let retention = self.bus.retain(pattern, at_least_one(events), at_least_one(topics));
        let retention = retention.map_err(|error| topic_error(&error))?;
        let registration = Registration::Retention { _retention: retention };
        Ok(self.registrations.borrow_mut().insert(registration) as u32)
    }

    /// Ends the registration with this number, which may be reused. Call it once only.
    #[wasm_bindgen(skip_typescript)]
    pub fn release(&self, number: u32) {
        // Dropped outside all borrows, because it may drop foreign code.
        let ended = self.registrations.borrow_mut().try_remove(number as usize);
        drop(ended);
    }

    /// Notifies that one of several handlers with a common number has ended.
    #[wasm_bindgen(skip_typescript)]
    pub fn ended(&self, pattern: &str, label: &str) {
        if let Ok(pattern) = Pattern::parse(pattern) {
            self.bus.pure().notify_unsubscribed(pattern, label);
        }
    }

    /// The number of subscriptions. Those of JavaScript with a common number count as one.
    #[wasm_bindgen(skip_typescript)]
    pub fn subscriptions(&self) -> usize {
        self.bus.subscriptions()
    }

    /// Reports on the bus that a handler has failed.
    #[wasm_bindgen(skip_typescript)]
    pub fn failed(&self, topic: &str, label: &str, cause: JsValue) {
        if let Ok(topic) = Topic::parse(topic) {
            self.bus.fail(topic, label, cause);
        }
    }

    /// Reports on the bus that a reader was too slow for an event.
    #[wasm_bindgen(skip_typescript)]
    pub fn lost(&self, topic: &str, label: &str) {
        if let Ok(topic) = Topic::parse(topic) {
            self.bus.pure().notify_dropped(&topic, label);
        }
    }

    /// Starts to connect to a peer.
    ///
    /// # Errors
    /// An `Error` if the WebSocket cannot be created.
    #[wasm_bindgen(skip_typescript)]
    pub fn connect(
        &self,
        url: &str,
        identity: &str,
        storage: &str,
        credentials: Option<Function>,
        certify: Option<Function>,
        issuers: Option<Array>,
    ) -> Result<link::Link, JsValue> {
        link::connect(&self.bus, url, identity, storage, credentials, certify, issuers)
    }

    /// Publishes, with JavaScript's object for the handlers. A durable event has a receipt, and expires after a
    /// number of milliseconds.
    ///
    /// # Errors
    /// An `Error` if nothing was published.
    #[wasm_bindgen(skip_typescript)]
    pub fn publish(
        &self,
        topic: &str,
        data: JsValue,
        event: JsValue,
        within: Option<f64>,
    ) -> Result<Option<Receipt>, JsValue> {
        let within = within.map(|ms| Duration::from_millis(ms as u64));
        Ok(Receipt::of(self.send(topic, data, event, Out::Bridges(within))?))
    }

    /// Publishes a request, which stays on this bus. Returns false if an interceptor has dropped it.
    ///
    /// # Errors
    /// An `Error` if nothing was published.
    #[wasm_bindgen(skip_typescript)]
    pub fn ask(&self, topic: &str, data: JsValue, event: JsValue) -> Result<bool, JsValue> {
        let receipt = self.send(topic, data, event, Out::Nowhere)?;
        Ok(receipt.status() != Status::Dropped)
    }

    /// Whether a link could carry this payload.
    #[wasm_bindgen(skip_typescript)]
    pub fn travels(&self, data: JsValue) -> bool {
        Payload::from_js(data).to_bytes().is_ok()
    }

    /// Publishes as soon as the waiting queues have room. Rejects if nothing was published.
    #[wasm_bindgen(js_name = publishWhenRoom, skip_typescript)]
    pub fn publish_when_room(&self, topic: String, data: JsValue) -> Promise {
        let bus = self.bus.clone();
        promise(async move {
            let published = bus.send_when_room(&topic, Payload::from_js(data)).await;
            let receipt = published.map_err(|error| publish_error(&error))?;
            Ok(Receipt::of(receipt).map_or(JsValue::UNDEFINED, Into::into))
        })
    }
}

impl Core {
    fn send(
        &self,
        topic: &str,
        data: JsValue,
        event: JsValue,
        out: Out,
    ) -> Result<crate::Receipt, JsValue> {
        Topic::parse(topic)
            .map_err(PublishError::from)
            .and_then(|topic| self.bus.send_from_js(topic, data, event, out))
            .map_err(|error| publish_error(&error))
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        gone(self.id);
    }
}

fn topic_error(error: &TopicError) -> JsValue {
    fail("illegal_topic", &error.to_string())
}

fn publish_error(error: &PublishError) -> JsValue {
    let code = match error {
        PublishError::Topic(_) => "illegal_topic",
        PublishError::SystemTopic(_) => "system_topic",
        PublishError::QueueFull(_) | PublishError::NoRoom(_) => "queue_full",
        PublishError::Denied(..) => "denied",
        PublishError::Data(..) => "illegal_data",
        PublishError::OutboxFull(_) => "outbox_full",
        PublishError::TooLarge(_) => "too_large",
    };
    fail(code, &error.to_string())
}
