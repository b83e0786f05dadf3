//! JavaScript's subscriptions: plain handlers, which JavaScript can also call itself; members of groups; and queues.

use std::cell::RefCell;
use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use futures_util::Stream;
use js_sys::{Function, Promise};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{face_of, topic_error};
use crate::js::{spawn, text_of};
use crate::{
    Balance, Cause, Event, Interception, Overflow, Queue, Retention, Subscriber, Subscription,
};

#[wasm_bindgen(module = "/src/npm/hear.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn hear(bus: u32, number: u32, data: &JsValue, event: &JsValue) -> Result<JsValue, JsValue>;
}

/// How JavaScript identifies a subscription.
#[derive(Debug, Clone, Copy)]
pub(super) struct SubscriptionRef {
    pub(super) bus: u32,
    pub(super) number: u32,
}

/// The options of a subscription.
pub(super) struct Options {
    pub(super) group: Option<String>,
    pub(super) balance: Option<String>,
    /// `None` for no queue.
    pub(super) capacity: Option<NonZeroUsize>,
    pub(super) policy: u8,
    pub(super) key: Option<Function>,
    /// Whether to start with the retained events.
    pub(super) replay: bool,
}

/// Ends when it is dropped. A queue ends with its subscription, and its reader then stops.
#[derive(Debug)]
pub(super) enum Registration {
    Handler { _subscription: Subscription },
    Interceptor { _interception: Interception },
    Retention { _retention: Retention },
    Queue(Rc<RefCell<Option<Queue>>>),
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Self::Queue(queue) = self {
            let ended = queue.take();
            drop(ended);
        }
    }
}

pub(super) fn subscribe(
    subscriber: Subscriber<'_>,
    name: SubscriptionRef,
    options: Options,
) -> Result<Registration, JsValue> {
    let Options { group, balance, capacity, policy, key, replay } = options;
    let grouped = group.is_some();
    let subscriber = match &group {
        Some(group) => subscriber.group(group, balance_of(balance.as_deref(), key.clone())),
        None => subscriber,
    };
    if let Some(capacity) = capacity {
        let queue = subscriber.queue(capacity, overflow_of(policy, key));
        let queue = Rc::new(RefCell::new(Some(queue.map_err(|error| topic_error(&error))?)));
        spawn(read(queue.clone(), name));
        return Ok(Registration::Queue(queue));
    }
    let heard = move |event: &Event| {
        let answer = name.hear(event)?;
        if let Some(hold) = event.hold() {
            keep_until_settled(answer, hold);
        }
        Ok(())
    };
    let subscription = if grouped {
        subscriber.pure().map(|pure| {
            pure.handle_pending(move |event, pending| {
                let answer = name.hear(event.payload)?;
                keep_until_settled(answer, (event.payload.hold(), pending));
                Ok(())
            })
            .into()
        })
    } else if replay {
        subscriber.replay(heard)
    } else {
        subscriber.host_handler(name.number, heard)
    };
    let subscription = subscription.map_err(|error| topic_error(&error))?;
    Ok(Registration::Handler { _subscription: subscription })
}

/// Keeps the handler's work unfinished until its promise settles.
fn keep_until_settled(answer: JsValue, what: impl Sized + 'static) {
    if let Ok(promise) = answer.dyn_into::<Promise>() {
        spawn(async move {
            let _ = JsFuture::from(promise).await;
            drop(what);
        });
    }
}

/// Delivers one event at a time: the next one when the handler's promise settles.
async fn read(queue: Rc<RefCell<Option<Queue>>>, name: SubscriptionRef) {
    let next = || {
        poll_fn(|context| match &mut *queue.borrow_mut() {
            Some(queue) => Pin::new(queue).poll_next(context),
            None => Poll::Ready(None),
        })
    };
    while let Some(event) = next().await {
        // JavaScript has reported the failure.
        let Ok(answer) = name.hear(&event) else { continue };
        if let Ok(promise) = answer.dyn_into::<Promise>() {
            let _ = JsFuture::from(promise).await;
        }
    }
}

impl SubscriptionRef {
    fn hear(self, event: &Event) -> Result<JsValue, Cause> {
        let data = event.js()?;
        Ok(hear(self.bus, self.number, &data, face_of(event, &data))?)
    }
}

fn balance_of(name: Option<&str>, key: Option<Function>) -> Balance {
    match (name, key) {
        (Some("by"), Some(key)) => Balance::by_key(move |_, event| key_of(&key, event)),
        (Some("least-pending"), _) => Balance::least_pending(),
        _ => Balance::round_robin(),
    }
}

fn overflow_of(policy: u8, key: Option<Function>) -> Overflow {
    match (policy, key) {
        (3, Some(key)) => Overflow::conflate(move |_, event| key_of(&key, event)),
        (2, _) => Overflow::wait(),
        (1, _) => Overflow::drop_newest(),
        _ => Overflow::drop_oldest(),
    }
}

/// The string that `key` returns for an event; empty if it throws.
fn key_of(key: &Function, event: &Event) -> Box<str> {
    let data = event.js().unwrap_or_default();
    let key = key.call2(&JsValue::UNDEFINED, &data, face_of(event, &data));
    key.map(|key| text_of(&key)).unwrap_or_default().into()
}
