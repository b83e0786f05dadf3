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

use super::event::face_of;
use super::topic_error;
use crate::js::{spawn, text_of};
use crate::{
    Balance, Cause, Event, HandlerResult, Interception, Overflow, Queue, Retention, Subscriber,
    Subscription, TopicError,
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

#[wasm_bindgen]
extern "C" {
    /// The options of a subscription, as `cohorts.js` passes them: checked, and complete but for those that are `None`.
    pub type SubscribeOptions;

    /// Handlers with a higher priority come first.
    #[wasm_bindgen(method, getter)]
    fn priority(this: &SubscribeOptions) -> i32;

    /// The name in failures and notices.
    #[wasm_bindgen(method, getter)]
    fn label(this: &SubscribeOptions) -> String;

    /// Whether it also receives this page's durable events before they are stored.
    #[wasm_bindgen(method, getter)]
    fn echo(this: &SubscribeOptions) -> bool;

    /// Whether it responds to requests.
    #[wasm_bindgen(method, getter)]
    fn serves(this: &SubscribeOptions) -> bool;

    /// Whether it starts with the retained events.
    #[wasm_bindgen(method, getter)]
    fn replay(this: &SubscribeOptions) -> bool;

    /// The name of its queue group.
    #[wasm_bindgen(method, getter)]
    fn group(this: &SubscribeOptions) -> Option<String>;

    /// How the group chooses a member: in rotation (0), the least pending (1), or by the key (2).
    #[wasm_bindgen(method, getter)]
    fn balance(this: &SubscribeOptions) -> u8;

    /// The capacity of its queue, or 0 for no queue.
    #[wasm_bindgen(method, getter)]
    fn capacity(this: &SubscribeOptions) -> u32;

    /// What its full queue does, as a number; see `subscribe.js`.
    #[wasm_bindgen(method, getter)]
    fn policy(this: &SubscribeOptions) -> u8;

    /// The key of an event, for a queue that conflates.
    #[wasm_bindgen(method, getter)]
    fn key(this: &SubscribeOptions) -> Option<Function>;

    /// The key of an event, for a group that balances by key.
    #[wasm_bindgen(method, getter)]
    fn by(this: &SubscribeOptions) -> Option<Function>;
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

/// A plain handler.
pub(super) fn subscribe(
    subscriber: Subscriber<'_>,
    name: SubscriptionRef,
) -> Result<Registration, JsValue> {
    handled(subscriber.host_handler(name.number, move |event| name.handle(event)))
}

pub(super) fn subscribe_with(
    subscriber: Subscriber<'_>,
    name: SubscriptionRef,
    options: &SubscribeOptions,
) -> Result<Registration, JsValue> {
    let label = options.label();
    let mut subscriber = subscriber.priority(options.priority()).label(&label);
    if options.echo() {
        subscriber = subscriber.echo();
    }
    if options.serves() {
        subscriber = subscriber.serving();
    }
    let group = options.group();
    if let Some(group) = &group {
        let balance = balance_of(options.balance(), options.by());
        subscriber = subscriber.group(group, balance);
    }
    if let Some(capacity) = NonZeroUsize::new(options.capacity() as usize) {
        let queue = subscriber.queue(capacity, overflow_of(options.policy(), options.key()));
        let queue = Rc::new(RefCell::new(Some(queue.map_err(|error| topic_error(&error))?)));
        spawn(read(queue.clone(), name));
        return Ok(Registration::Queue(queue));
    }
    if group.is_some() {
        handled(subscriber.pure().map(|pure| {
            pure.handle_pending(move |event, pending| {
                let answer = name.hear(event.payload)?;
                keep_until_settled(answer, (event.payload.hold(), pending));
                Ok(())
            })
        }))
    } else if options.replay() {
        handled(subscriber.replay(move |event| name.handle(event)))
    } else {
        subscribe(subscriber, name)
    }
}

fn handled(subscription: Result<Subscription, TopicError>) -> Result<Registration, JsValue> {
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
    /// Calls the handler, and holds the event until its promise settles.
    fn handle(self, event: &Event) -> HandlerResult {
        let answer = self.hear(event)?;
        if let Some(hold) = event.hold() {
            keep_until_settled(answer, hold);
        }
        Ok(())
    }

    fn hear(self, event: &Event) -> Result<JsValue, Cause> {
        let data = event.js()?;
        Ok(hear(self.bus, self.number, &data, face_of(event, &data))?)
    }
}

fn balance_of(balance: u8, key: Option<Function>) -> Balance {
    match (balance, key) {
        (2, Some(key)) => Balance::by_key(move |_, event| key_of(&key, event)),
        (1, _) => Balance::least_pending(),
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
