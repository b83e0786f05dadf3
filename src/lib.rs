//! An event runtime for the browser: components, scripts and remote peers publish events to topics and
//! subscribe to patterns of topics, and every event reaches every subscriber once and in one order.
//!
//! A [`Bus`] carries events inside a page. A [`Bridge`] joins it to a peer (`event-relay`) by
//! [`Rule`]s that say which patterns flow and how. With the feature `yew` there are hooks for
//! components; with `workers` there are pools of Web Workers for heavy handlers; with the feature `npm`
//! the wasm module exports the face that JavaScript sees; with `allocator` it has a small and fast global
//! allocator. The last two are defaults: Rust applications switch `npm` off, and `allocator` if they
//! bring their own.
//!
//! ```no_run
//! use event_driven_kit::Bus;
//!
//! let bus = Bus::singleton("app");
//! let subscription = bus.subscribe("greeting.*", |event| {
//!     let text = event.data::<String>()?;
//!     assert_eq!(*text, "hello");
//!     Ok(())
//! })?;
//! bus.publish("greeting.world", "hello".to_owned())?;
//! drop(subscription); // dropped, it ends
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A payload is published as a Rust value, a JS value or bytes, and is converted only for a subscriber
//! or a bridge that needs another form, and then once.

#[cfg(all(feature = "allocator", target_family = "wasm"))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

mod bridge;
mod bus;
mod cause;
mod event;
mod flow;
mod handle;
#[cfg(feature = "yew")]
mod hooks;
mod intercept;
mod js;
mod notice;
#[cfg(feature = "npm")]
pub mod npm;
mod payload;
mod queue;
mod receipt;
mod recorder;
mod request;
mod room;
mod schedule;
mod subscriber;
mod typed;
#[cfg(feature = "workers")]
mod workers;

pub use crate::bridge::{
    Acked, Bridge, BridgeError, BridgeOptions, CAUGHT_UP_TOPIC, CaughtUp, GAP_TOPIC, Gap,
    HistoryError, HistoryPage, LINK_TOPIC, LinkState, LinkStatus, Occupant, Occupants,
    OutboxStorage, PRESENCE_TOPIC, PresenceGuard, Role, Rule, RuleGuard, UNCERTAIN_TOPIC,
    Uncertain,
};
pub use crate::bus::{Bus, Measurement, PublishError, Retention};
pub use crate::cause::{Cause, Failure, HandlerResult};
pub use crate::event::{Delivery, Event, Rejection, Stage};
pub use crate::flow::Hold;
pub use crate::handle::TopicHandle;
#[cfg(feature = "yew")]
pub use crate::hooks::{
    BridgeProvider, BridgeProviderProps, BusProvider, BusProviderProps, UseHistory, UseRequest,
    use_bridge, use_bus, use_gaps, use_history, use_join, use_link, use_presence, use_publish,
    use_request, use_subscription, use_subscription_with_echo, use_topic, use_topic_stream,
    use_topic_with, use_uncertain,
};
pub use crate::intercept::{Intercepted, Interception, Verdict};
pub use crate::notice::{DROPPED_TOPIC, Dropped, SUBSCRIBED_TOPIC, Subscribed, UNSUBSCRIBED_TOPIC};
pub use crate::payload::{Bytes, DataError, JSON, OCTET_STREAM, Payload};
pub use crate::queue::{Overflow, Queue};
pub use crate::receipt::{Receipt, Status};
pub use crate::recorder::{Pace, Recorder, Replay, ReplayError};
pub use crate::request::RequestError;
pub use crate::subscriber::{Balance, Subscriber, Subscription};
pub use crate::typed::{TypeMismatch, Typed};
#[cfg(feature = "workers")]
pub use crate::workers::{Job, JobError, WorkerPool, Workers, WorkersError, serve};
#[cfg(feature = "workers")]
pub use ::bus::WORKER_TOPIC;
pub use ::bus::{
    ERROR_TOPIC, HandlerCount, MAX_TOPIC_BYTES, NoReply, Pattern, Topic, TopicCount, TopicError,
    Window, escape_token, unescape_token,
};
pub use session::{CloseCode, Durability, Position, RejectCode, Start as StartFrom};
