//! The hooks that call a handler for each event of a pattern.

use std::cell::RefCell;
use std::rc::Rc;

use bus::Topic;
use yew::prelude::*;

use super::use_bus;
use crate::{Bus, Cause, Event, HandlerResult, Subscription};

/// Calls `handler` for each event whose topic `pattern` matches, while the component is mounted.
///
/// The handler of the newest render is called, so it sees the newest props and state. Another pattern or bus
/// makes a new subscription. An invalid pattern is reported on [`ERROR_TOPIC`](crate::ERROR_TOPIC).
#[hook]
pub fn use_subscription(pattern: &str, handler: impl Fn(&Event) -> HandlerResult + 'static) {
    use_handler(pattern, Echo::Without, Rc::new(handler));
}

/// Like [`use_subscription`], and also receives durable events of this page before the peer has stored them; see
/// [`Subscriber::echo`](crate::Subscriber::echo).
#[hook]
pub fn use_subscription_with_echo(
    pattern: &str,
    handler: impl Fn(&Event) -> HandlerResult + 'static,
) {
    use_handler(pattern, Echo::With, Rc::new(handler));
}

type Handler = Rc<dyn Fn(&Event) -> HandlerResult>;

#[derive(Clone, Copy, PartialEq)]
enum Echo {
    With,
    Without,
}

#[hook]
fn use_handler(pattern: &str, echo: Echo, handler: Handler) {
    let bus = use_bus();
    let newest = {
        let handler = handler.clone();
        use_memo((), move |()| RefCell::new(handler))
    };
    // Dropped without a borrow, because it is user code.
    let outdated = newest.replace(handler);
    drop(outdated);
    use_memo((bus, pattern.to_owned(), echo), move |(bus, pattern, echo)| {
        subscribe(bus, pattern, *echo, move |event| {
            let handler = newest.borrow().clone();
            handler(event)
        })
    });
}

fn subscribe(
    bus: &Bus,
    pattern: &str,
    echo: Echo,
    handler: impl Fn(&Event) -> HandlerResult + 'static,
) -> Option<Subscription> {
    let subscriber = bus.subscriber(pattern);
    let subscriber = if echo == Echo::With { subscriber.echo() } else { subscriber };
    subscriber.handle(handler).map_err(|error| report(bus, "$bus.subscribe", pattern, error)).ok()
}

/// Reports an error that a rendering component cannot receive.
pub(super) fn report(bus: &Bus, topic: &str, label: &str, cause: impl Into<Cause>) {
    if let Ok(topic) = Topic::parse(topic) {
        bus.fail(topic, label, cause);
    }
}
