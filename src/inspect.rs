//! What a bus does, for developer tools in JavaScript: its turns, its subscriptions and its links. The element
//! `<event-inspector>` of the npm package shows it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bus::{ObservedCall, ObservedTurn, Observer, SubscriptionInfo, Topic};
use js_sys::{Array, Function};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::*;

use crate::js::{list, monotonic_exactly, number, object};
use crate::words::{delivery_of, words_of};
use crate::{Bus, Event, Payload, PublishError};

/// The questions that `npm/src/inspector/inspection.js` asks.
const OBSERVE: u32 = 0;
const SUBSCRIPTIONS: u32 = 1;
const LINKS: u32 = 2;
const IS_SEALED: u32 = 3;
const DELIVER: u32 = 4;

impl Bus {
    /// A function of JavaScript that answers the questions of `<event-inspector>`: its property `ask`. It does not keep
    /// the bus alive, and costs nothing until it is called.
    pub fn inspect(&self) -> JsValue {
        let bus = self.downgrade();
        let observation = RefCell::new(None);
        let ask: Box<dyn Fn(JsValue, JsValue) -> JsValue> = Box::new(move |question, given| {
            let (Some(bus), Some(question)) = (bus.upgrade(), question.as_f64()) else {
                return JsValue::UNDEFINED;
            };
            match question as u32 {
                OBSERVE => {
                    let next = given.dyn_into::<Function>().ok().map(|call| {
                        bus.observe(Rc::new(Listener { call, start: Cell::default() }))
                    });
                    let before = observation.replace(next);
                    drop(before);
                    JsValue::UNDEFINED
                }
                SUBSCRIPTIONS => list(&bus.pure().list_subscriptions(), subscription),
                LINKS => bus.links(),
                IS_SEALED => bus.is_sealed().into(),
                DELIVER if !bus.is_sealed() => "only a sealed bus delivers recorded events".into(),
                // True, or the reason why not.
                DELIVER => match bus.deliver_row(&given.into()) {
                    Ok(()) => true.into(),
                    Err(error) => error.to_string().into(),
                },
                _ => JsValue::UNDEFINED,
            }
        });
        Closure::wrap(ask).into_js_value()
    }

    /// Delivers an event of a recording, given as a [`row`], on a sealed bus.
    pub(crate) fn deliver_row(&self, row: &Array) -> Result<(), PublishError> {
        let text = |at: u32| row.get(at).as_string();
        let topic = Topic::parse(&text(0).unwrap_or_default())?;
        let stage = text(1).unwrap_or_default();
        let delivery = delivery_of(&stage, [text(8), text(9), text(10)]);
        // `Date.parse` returns NaN.
        let time = row.get(3).as_f64().filter(|time| time.is_finite());
        let (payload, attributes) = (Payload::from_js(row.get(2)), [text(4), text(5), text(6)]);
        self.deliver_again(Event::recorded(topic, payload, attributes, time, delivery))
    }
}

/// A function of JavaScript that is called with a row for each turn, and with the label, the microseconds and the
/// failure of each call of a handler.
struct Listener {
    call: Function,
    /// When the handler that runs was called.
    start: Cell<Duration>,
}

impl Observer<Event> for Listener {
    fn begins(&self, turn: &ObservedTurn<'_, Event>) {
        // The bus goes on, whatever its observer does.
        let _ = self.call.call1(&JsValue::UNDEFINED, &row(turn.event.payload, turn.cause));
    }

    fn calls(&self) {
        self.start.set(monotonic_exactly());
    }

    fn called(&self, call: &ObservedCall<'_>) {
        let micros = monotonic_exactly().saturating_sub(self.start.get()).as_micros() as f64;
        let (label, micros) = (call.label.into(), micros.into());
        let _ = self.call.call3(&JsValue::UNDEFINED, &label, &micros, &call.failed.into());
    }
}

/// An array and not an object, because it is made for each event. `deliver_row` reads it.
fn row(event: &Event, cause: Option<&str>) -> JsValue {
    let (stage, details) = words_of(event.delivery());
    // The id of a local event would be made for this alone.
    let id = (stage != "local").then(|| event.id());
    let texts = |text: Option<&str>| text.map_or(JsValue::UNDEFINED, JsValue::from_str);
    let row = Array::new();
    for value in [
        event.topic().as_str().into(),
        stage.into(),
        event.js().unwrap_or_default(),
        event.time().map_or(JsValue::UNDEFINED, Into::into),
        texts(id),
        texts(Some(event.source()).filter(|source| !source.is_empty())),
        texts(event.account()),
        texts(cause),
    ] {
        row.push(&value);
    }
    for detail in details.iter().flatten() {
        row.push(&detail.as_str().into());
    }
    row.into()
}

fn subscription(info: &SubscriptionInfo) -> JsValue {
    object(&[
        ("pattern", info.pattern.as_str().into()),
        ("label", (&*info.label).into()),
        ("priority", info.priority.into()),
        ("inGroup", info.in_group.into()),
        ("serves", info.serves.into()),
        ("pending", info.pending.map(number).unwrap_or_default()),
        ("dropped", info.dropped.map(number).unwrap_or_default()),
    ])
}
