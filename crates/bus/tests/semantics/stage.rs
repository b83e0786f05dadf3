//! Shared by the tests: a bus of texts, a log, and a console as the last resort for failures.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bus::{Bus, Failure, Notice, Pattern, Payload, Published, Queue, Subscription, Topic};

#[derive(Debug, Clone, PartialEq)]
pub struct Text(pub String);

impl Payload for Text {
    type Cause = &'static str;
    fn failure(failure: Failure<&'static str>) -> Self {
        Self(format!("{}|{}|{}", failure.topic, failure.label, failure.cause))
    }
    fn notice(notice: Notice) -> Option<Self> {
        Some(Self(match notice {
            Notice::Subscribed { pattern, label } => format!("+{pattern} {label}"),
            Notice::Unsubscribed { pattern, label } => format!("-{pattern} {label}"),
            Notice::Dropped { topic, label } => format!("lost {topic} {label}"),
            other => format!("{other:?}"),
        }))
    }
}

pub type Log = Rc<RefCell<Vec<String>>>;

pub struct Stage {
    pub bus: Bus<Text>,
    pub log: Log,
    pub console: Log,
}

impl Stage {
    pub fn new() -> Self {
        let console = Log::default();
        let reported = console.clone();
        let bus = Bus::new(move |failure| reported.borrow_mut().push(failure.to_string()));
        Self { bus, log: Log::default(), console }
    }

    /// Logs `name:payload` for each event that matches `at`.
    pub fn listen(&self, name: &'static str, at: &str) -> Subscription {
        let log = self.log.clone();
        self.bus.subscribe(pattern(at), move |event| {
            log.borrow_mut().push(format!("{name}:{}", event.payload.0));
            Ok(())
        })
    }

    /// Subscribes twice to `a`: a handler that answers "one" with "two" there, and then one that logs as `second`.
    pub fn cascade(&self) -> (Subscription, Subscription) {
        let bus = self.bus.clone();
        let first = self.bus.subscribe(pattern("a"), move |event| {
            if event.payload.0 == "one" {
                publish(&bus, "a", "two");
            }
            Ok(())
        });
        (first, self.listen("second", "a"))
    }

    pub fn publish(&self, topic: &str, text: &str) -> Published {
        publish(&self.bus, topic, text)
    }

    pub fn publish_all(&self, topic: &str, texts: &[&str]) {
        for text in texts {
            self.publish(topic, text);
        }
    }

    pub fn logged(&self) -> Vec<String> {
        self.log.take()
    }
}

pub fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

pub fn topic(text: &str) -> Topic {
    Topic::parse(text).unwrap()
}

pub fn publish(bus: &Bus<Text>, at: &str, text: &str) -> Published {
    bus.publish(topic(at), Text(text.into())).unwrap()
}

pub fn n(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

/// Takes the texts out of a queue.
pub fn texts(queue: &Queue<Text>) -> Vec<String> {
    std::iter::from_fn(|| queue.pop()).map(|message| message.payload.0).collect()
}

/// Polls once.
pub fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}
