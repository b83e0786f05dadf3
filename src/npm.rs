//! The face that JavaScript sees: exports of the wasm module, and `npm/face.js` that makes objects of
//! them whose functions can be destructured. The types are in `npm/types.d.ts`.

mod kept;
mod link;

use bus::Topic;
use std::time::Duration;

use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::{
    Bus, Delivery, Event, HandlerResult, Payload, PublishError, Stage, Status, TopicError,
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("npm/types.d.ts");

#[wasm_bindgen(module = "/src/npm/face.js")]
extern "C" {
    fn face(core: Core) -> JsValue;
    fn fail(code: &str, message: &str) -> JsValue;
    #[wasm_bindgen(js_name = makeEvent)]
    fn make_event(
        topic: &str,
        source: &str,
        time: f64,
        delivery: JsValue,
        id: Option<&str>,
    ) -> JsValue;
    #[wasm_bindgen(js_name = makeStatus)]
    fn make_status(status: &str, first: &str, second: &str) -> JsValue;
    #[wasm_bindgen(catch, js_name = idOf)]
    fn id_of(event: &JsValue) -> Result<String, JsValue>;
}

/// The one bus of that name, as an object for JavaScript.
///
/// # Errors
/// An `Error` if `name` is not a string.
#[wasm_bindgen(js_name = createSingleton, skip_typescript)]
pub fn create_singleton(name: &JsValue) -> Result<JsValue, JsValue> {
    let name = name
        .as_string()
        .ok_or_else(|| fail("illegal_argument", "the name of a singleton must be a string"))?;
    Ok(wrap(Bus::singleton(&name)))
}

/// A bus of its own, as an object for JavaScript.
#[wasm_bindgen(js_name = createBus, skip_typescript)]
pub fn create_bus() -> JsValue {
    wrap(Bus::new())
}

fn wrap(bus: Bus) -> JsValue {
    face(Core(bus))
}

/// A bus behind the object that JavaScript holds.
#[derive(Debug)]
#[wasm_bindgen(skip_typescript)]
pub struct Core(Bus);

#[wasm_bindgen]
impl Core {
    /// Subscribes; the answer ends it through `release`.
    ///
    /// # Errors
    /// An `Error` if the pattern is none.
    #[wasm_bindgen(skip_typescript)]
    pub fn subscribe(
        &self,
        pattern: &str,
        handler: Function,
        priority: i32,
        label: Option<String>,
        echo: bool,
    ) -> Result<u32, JsValue> {
        let mut subscriber = self.0.subscriber(pattern).priority(priority);
        if let Some(label) = &label {
            subscriber = subscriber.label(label);
        }
        if echo {
            subscriber = subscriber.echo();
        }
        let subscription = subscriber
            .handle(move |event| call(&handler, event))
            .map_err(|error| topic_error(&error))?;
        Ok(kept::keep(subscription))
    }

    /// Tells on the bus that an async handler has failed.
    #[wasm_bindgen(skip_typescript)]
    pub fn failed(&self, topic: &str, label: &str, cause: JsValue) {
        if let Ok(topic) = Topic::parse(topic) {
            self.0.fail(topic, label, cause);
        }
    }

    /// Starts to connect to a peer.
    ///
    /// # Errors
    /// An `Error` if no WebSocket can be made.
    #[wasm_bindgen(skip_typescript)]
    pub fn connect(&self, url: &str, identity: &str, storage: &str) -> Result<link::Link, JsValue> {
        link::connect(&self.0, url, identity, storage)
    }

    /// Ends what `number` names.
    #[wasm_bindgen(skip_typescript)]
    pub fn release(&self, number: u32) {
        kept::release(number);
    }

    /// Publishes; a durable event has a receipt, and expires after so many milliseconds.
    ///
    /// # Errors
    /// An `Error` that says why nothing was published.
    #[wasm_bindgen(skip_typescript)]
    pub fn publish(
        &self,
        topic: &str,
        data: JsValue,
        within: Option<f64>,
    ) -> Result<Option<Receipt>, JsValue> {
        let within = within.map(|ms| Duration::from_millis(ms as u64));
        let receipt = Topic::parse(topic)
            .map_err(PublishError::from)
            .and_then(|topic| self.0.send(topic, Payload::from_js(data), within))
            .map_err(|error| publish_error(&error))?;
        Ok(receipt.is_durable().then_some(Receipt(receipt)))
    }
}

/// A receipt behind the object that JavaScript holds.
#[derive(Debug)]
#[wasm_bindgen(skip_typescript)]
pub struct Receipt(crate::Receipt);

#[wasm_bindgen]
impl Receipt {
    /// The event's id.
    #[wasm_bindgen(skip_typescript)]
    pub fn id(&self) -> String {
        self.0.id().to_owned()
    }

    /// How far the event has come.
    #[wasm_bindgen(skip_typescript)]
    pub fn status(&self) -> JsValue {
        match self.0.status() {
            Status::Delivered | Status::Dropped => make_status("local", "", ""),
            Status::Queued => make_status("queued", "", ""),
            Status::Kept => make_status("kept", "", ""),
            Status::Sent => make_status("sent", "", ""),
            Status::Stored(position) => stored_at(&position),
            Status::Rejected(rejection) => {
                make_status("rejected", rejection.code.name(), &rejection.message)
            }
        }
    }

    /// Calls `reached` with the status when the event is in the outbox, or when the peer has stored it if
    /// `stored` says so; or `rejected` with an `Error`.
    #[wasm_bindgen(skip_typescript)]
    pub fn when(&self, stored: bool, reached: Function, rejected: Function) {
        let enough: fn(&Status) -> bool =
            if stored { Status::is_final } else { |status| *status != Status::Queued };
        self.0.when(enough, move |status| {
            let _ = match status {
                Status::Stored(position) => {
                    reached.call1(&JsValue::UNDEFINED, &stored_at(position))
                }
                Status::Rejected(rejection) => rejected
                    .call1(&JsValue::UNDEFINED, &fail(rejection.code.name(), &rejection.message)),
                _ => reached.call0(&JsValue::UNDEFINED),
            };
        });
    }

    /// Takes the event back; false if it may have left.
    #[wasm_bindgen(skip_typescript)]
    pub fn cancel(&self) -> bool {
        self.0.cancel()
    }
}

/// The id that JavaScript has made for `event`, if it has read it first.
pub(crate) fn event_id(event: &JsValue) -> Option<String> {
    id_of(event).ok()
}

fn call(handler: &Function, event: &Event) -> HandlerResult {
    let data = event.js()?;
    let face = event.face(|id| {
        let delivery = delivery(event.delivery());
        make_event(event.topic().as_str(), event.source(), event.time(), delivery, id)
    });
    handler.call2(&JsValue::UNDEFINED, &data, face)?;
    Ok(())
}

fn delivery(delivery: &Delivery) -> JsValue {
    match delivery {
        Delivery::Local => make_status("local", "", ""),
        Delivery::Ephemeral => make_status("ephemeral", "", ""),
        Delivery::Pending(Stage::Queued) => make_status("queued", "", ""),
        Delivery::Pending(Stage::Kept) => make_status("kept", "", ""),
        Delivery::Pending(Stage::Sent) => make_status("sent", "", ""),
        Delivery::Stored(position) => stored_at(position),
        Delivery::Rejected(rejection) => {
            make_status("rejected", rejection.code.name(), &rejection.message)
        }
    }
}

fn stored_at(position: &session::Position) -> JsValue {
    make_status("stored", &position.offset.to_string(), &position.epoch.to_string())
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
