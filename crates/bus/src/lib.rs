//! Topics, patterns, compiled routes and subscriptions: the pure core of `event-driven-kit`.
//!
//! A [`Bus`] carries each event that is published on a [`Topic`] to every subscription whose
//! [`Pattern`] matches, once and in one order. It is generic over what it carries, does no I/O, has no
//! clock of its own and knows no JavaScript: the browser's runtime and the relay join it to the
//! outside world.
//!
//! ```
//! use std::{cell::RefCell, rc::Rc};
//! use bus::{Bus, Failure, Payload, Published, Topic};
//!
//! struct Text(String);
//! impl Payload for Text {
//!     type Cause = String;
//!     fn failure(failure: Failure<String>) -> Self {
//!         Text(format!("{failure}"))
//!     }
//! }
//!
//! let bus = Bus::<Text>::new(|failure| eprintln!("{failure}"));
//! let seen = Rc::new(RefCell::new(Vec::new()));
//! let log = seen.clone();
//! let subscription = bus.subscribe("chat.*.message".try_into()?, move |event| {
//!     log.borrow_mut().push(format!("{}: {}", event.topic, event.payload.0));
//!     Ok(())
//! });
//!
//! let published = bus.publish(Topic::parse("chat.lobby.message")?, Text("hi".into()));
//! assert_eq!(published.ok(), Some(Published::Delivered(1)));
//! assert_eq!(*seen.borrow(), ["chat.lobby.message: hi"]);
//!
//! drop(subscription); // dropped, it ends
//! let published = bus.publish(Topic::parse("chat.lobby.message")?, Text("anybody?".into()));
//! assert_eq!(published.ok(), Some(Published::Delivered(0)));
//! # Ok::<(), bus::TopicError>(())
//! ```
//!
//! # What is promised
//!
//! 1. **One order per bus.** An event published inside a handler is delivered after the current event
//!    has reached all its subscribers. Outside a handler, [`Bus::publish`] returns when the event has
//!    been delivered.
//! 2. Among the subscribers of one event, the higher priority is first, then the older subscription.
//! 3. A subscription made inside a handler sees the next event; one that is ended inside a handler is
//!    not called again, not even for the event in flight.
//! 4. A handler that fails stops no other: the failure is published on [`ERROR_TOPIC`]. A failure of
//!    one of its handlers, or one for which nobody subscribed, goes to the bus's last resort.
//! 5. Topics that begin with `$` belong to the runtime: publishing to one is an error.
//!
//! Each has its test in `tests/semantics.rs`.

mod batch;
mod bus;
mod core;
mod edges;
mod event;
mod group;
mod handle;
mod intercept;
mod measure;
mod notice;
mod order;
mod queue;
mod request;
mod retain;
mod router;
mod routes;
mod schedule;
mod slot;
mod subscriber;
mod subscription;
mod topic;
mod typed;

pub use batch::Window;
pub use bus::Bus;
pub use event::{
    ERROR_TOPIC, Event, Failure, HandlerResult, MAX_QUEUED, Payload, PublishError, Published,
};
pub use group::{Balance, Pending};
pub use handle::TopicHandle;
pub use intercept::{Interception, Verdict};
pub use measure::{HandlerCount, Measurement, TopicCount};
pub use notice::Notice;
pub use queue::{Message, Overflow, Queue};
pub use request::{NoReply, Reply, Request, RequestError};
pub use retain::Retention;
pub use router::{Key, Router};
pub use schedule::{Job, Schedule, VirtualTime};
pub use subscriber::Subscriber;
pub use subscription::Subscription;
pub use topic::{MAX_TOPIC_BYTES, Pattern, Topic, TopicError, escape_token, unescape_token};
pub use typed::{Carries, TypeMismatch, Typed};
