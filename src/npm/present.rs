//! The functions of JavaScript's bridge object besides rules: history, deletes, counts and presence.

use js_sys::{Array, Function, Promise};
use session::Stream;
use wasm_bindgen::prelude::*;

use super::event::{face_of, marked};
use super::link::{Link, thrown};
use super::{fail, kept};
use crate::bridge::{
    DeleteError, HistoryError, HistoryPage, PRESENCE_TOPIC, Position, PresenceGuard, TallyError,
    TopicTally,
};
use crate::js::{object, promise};
use crate::{Event, Payload, Subscription};

/// Watches a topic, and notifies a handler.
struct Watching {
    _subscription: Subscription,
    _presence: PresenceGuard,
}

#[wasm_bindgen]
impl Link {
    /// Reconnects after a stop.
    #[wasm_bindgen(skip_typescript)]
    pub fn reconnect(&self) {
        if let Some(open) = self.open() {
            open.bridge.reconnect();
        }
    }

    /// A page of history: `{ events, next }`, or a rejection with an `Error`. An event whose data cannot be read has
    /// an error.
    #[wasm_bindgen(skip_typescript)]
    pub fn history(&self, pattern: &str, before: &JsValue, limit: u32) -> Promise {
        let (open, before) = (self.open(), position(before));
        let page = open.map(|open| open.bridge.history(pattern, before, limit));
        promise(async move {
            let page = match page {
                Some(page) => page.await,
                None => Err(HistoryError::Closed),
            };
            let HistoryPage { events, next } = page.map_err(|error| no_page(&error))?;
            let faces = Array::new();
            for event in &events {
                faces.push(&past(event));
            }
            let next = next.map_or(JsValue::UNDEFINED, |next| place(&next));
            Ok(object(&[("events", faces.into()), ("next", next)]))
        })
    }

    /// Deletes the event at a position. Resolves with the position of the deletion event.
    #[wasm_bindgen(skip_typescript)]
    pub fn delete(&self, at: &JsValue) -> Promise {
        let deleted = self.open().zip(position(at));
        let deleted = deleted.map(|(open, position)| open.bridge.delete(&position));
        promise(async move {
            let deleted = match deleted {
                Some(deleted) => deleted.await,
                None => Err(DeleteError::Closed),
            };
            deleted.map(|position| place(&position)).map_err(|error| {
                let code = match error {
                    DeleteError::Refused(code) => code.name(),
                    DeleteError::Closed => "closed",
                    _ => "not_available",
                };
                fail(code, &error.to_string())
            })
        })
    }

    /// Counts the events of topics, given as arrays of a topic and a position or `undefined`.
    #[wasm_bindgen(skip_typescript)]
    pub fn tally(&self, topics: &Array) -> Promise {
        let topics = topics.iter().map(|it| {
            let it: Array = it.unchecked_into();
            (it.get(0).as_string().unwrap_or_default(), position(&it.get(1)))
        });
        let topics = topics.collect();
        let tallies = self.open().map(|open| open.bridge.tally(topics));
        promise(async move {
            let tallies = match tallies {
                Some(tallies) => tallies.await,
                None => Err(TallyError::Closed),
            };
            let tallies = tallies.map_err(|error| {
                let code = match error {
                    TallyError::Refused(code) => code.name(),
                    TallyError::Closed => "closed",
                    _ => "not_available",
                };
                fail(code, &error.to_string())
            })?;
            Ok(tallies.iter().map(tally).collect::<Array>().into())
        })
    }

    /// Joins a topic, until `leave` is called with the returned number.
    ///
    /// # Errors
    /// An `Error` if the topic is invalid, or the data has no JSON form.
    #[wasm_bindgen(skip_typescript)]
    pub fn join(&self, topic: &str, key: &str, data: JsValue) -> Result<u32, JsValue> {
        let Some(open) = self.open() else { return Ok(kept::keep(())) };
        let joined = open.bridge.join_with(topic, key, &Payload::from_js(data));
        Ok(kept::keep(joined.map_err(|error| thrown(&error))?))
    }

    /// Calls `handler` with the members of a topic, now and after each change, until `leave` is called with the
    /// returned number.
    ///
    /// # Errors
    /// An `Error` if the topic is invalid.
    #[wasm_bindgen(skip_typescript)]
    pub fn watch(&self, topic: &str, handler: Function) -> Result<u32, JsValue> {
        let Some(open) = self.open() else { return Ok(kept::keep(())) };
        let _presence = open.bridge.watch(topic).map_err(|error| thrown(&error))?;
        let subscription =
            open.bus.subscriber(&[PRESENCE_TOPIC, topic].concat()).replay(move |event| {
                handler.call1(&JsValue::UNDEFINED, &event.js()?)?;
                Ok(())
            });
        let _subscription = subscription.map_err(|error| super::topic_error(&error))?;
        Ok(kept::keep(Watching { _subscription, _presence }))
    }

    /// Ends a `join` or a `watch`. Call it once only.
    #[wasm_bindgen(skip_typescript)]
    pub fn leave(&self, number: u32) {
        kept::release(number);
    }
}

/// An event of a page. One whose data cannot be read has an error.
fn past(event: &Event) -> JsValue {
    match event.js() {
        Ok(data) => face_of(event, &data).clone(),
        Err(error) => {
            let error = fail("illegal_data", &error.to_string());
            marked(event, &JsValue::UNDEFINED, &error).clone()
        }
    }
}

fn tally(tally: &TopicTally) -> JsValue {
    let head = tally.head.as_ref().map(place);
    let code = tally.refused.map(|code| code.name().into());
    object(&[
        ("topic", tally.topic.as_str().into()),
        ("count", (tally.count as f64).into()),
        ("head", head.unwrap_or_default()),
        ("newest", tally.newest.as_ref().map(past).unwrap_or_default()),
        ("code", code.unwrap_or_default()),
    ])
}

fn place(position: &Position) -> JsValue {
    let (offset, epoch) = (position.offset.to_string(), position.epoch.to_string());
    let stream = position.stream.as_str();
    object(&[("offset", offset.into()), ("epoch", epoch.into()), ("stream", stream.into())])
}

/// `undefined` is `None`: the newest page. JavaScript has checked everything else.
fn position(value: &JsValue) -> Option<Position> {
    let field = |name: &str| js_sys::Reflect::get(value, &name.into()).ok()?.as_string();
    let number = |name: &str| field(name)?.parse().ok();
    let stream = field("stream").map(|name| Stream::named(&name)).unwrap_or_default();
    Some(Position { stream, epoch: number("epoch")?, offset: number("offset")?, id: None })
}

fn no_page(error: &HistoryError) -> JsValue {
    let code = match error {
        HistoryError::Pattern(_) => "illegal_topic",
        HistoryError::Reset => "reset",
        HistoryError::Refused(code) => code.name(),
        HistoryError::Closed => "closed",
    };
    fail(code, &error.to_string())
}
