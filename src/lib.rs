//! An event runtime for the browser. Components, scripts and remote peers publish events to topics and
//! subscribe to patterns of topics. Every event reaches every matching subscriber exactly once and in one
//! order.
//!
//! A [`Bus`] carries events inside a page. A [`Bridge`] connects it to a peer (`event-relay`) by [`Rule`]s,
//! which say which patterns flow and how.
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
//! drop(subscription); // ends it
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A payload is published as a Rust value, a JavaScript value or bytes. It is converted at most once per
//! form, and only for a subscriber or a bridge that needs that form.
//!
//! # Modules
//!
//! The types of everyday use are at the root. The rest is in modules by feature:
//!
//! - [`bridge`]: the state of a bridge, its topics, presence and history (feature `bridge`).
//! - [`hooks`]: hooks for Yew components (feature `yew`).
//! - [`trust`]: signed events and the certificates of devices (feature `trust`).
//! - [`workers`]: pools of Web Workers for heavy handlers (feature `workers`).
//! - [`recorder`]: recording and replaying events.
//! - [`measure`]: counters and handler times.
//! - [`notice`]: the runtime's notices about subscriptions and dropped events.
//!
//! # Features
//!
//! These are on by default:
//!
//! - `bridge`: bridges to peers. Without it all events stay on the bus, and the module contains neither the protocol
//!   nor a database.
//! - `trust`: signed events, which a bridge verifies. Without it the module contains no cryptography.
//! - `inspect`: [`Bus::inspect`], which developer tools in JavaScript use. It is part of `npm`.
//! - `npm` exports the API for JavaScript from the wasm module, bridges included. Rust applications switch it off.
//! - `allocator` installs a small and fast global allocator. Applications with their own switch it off.

#[cfg(all(feature = "allocator", target_family = "wasm"))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

mod answer;
#[cfg(feature = "bridge")]
pub mod bridge;
mod bus;
mod cause;
mod event;
#[cfg(feature = "npm")]
mod face;
mod flow;
mod handle;
#[cfg(feature = "yew")]
pub mod hooks;
#[cfg(feature = "inspect")]
mod inspect;
mod js;
#[cfg(feature = "trust")]
mod keys;
#[cfg(feature = "bridge")]
mod link;
pub mod measure;
pub mod notice;
#[cfg(feature = "npm")]
pub mod npm;
mod payload;
mod queue;
mod receipt;
pub mod recorder;
mod request;
mod room;
mod schedule;
#[cfg(feature = "trust")]
pub mod trust;
mod typed;
mod words;
#[cfg(feature = "workers")]
pub mod workers;

pub use crate::answer::Rejection;
#[cfg(feature = "bridge")]
pub use crate::bridge::{Bridge, BridgeOptions, Rule};
pub use crate::bus::{
    Balance, Bus, Intercepted, Interception, PublishError, Retention, Subscriber, Subscription,
    Verdict,
};
pub use crate::cause::{Cause, Failure, HandlerResult};
pub use crate::event::{Delivery, Event, Stage};
pub use crate::flow::Hold;
pub use crate::handle::TopicHandle;
pub use crate::payload::{Bytes, DataError, JSON, OCTET_STREAM, Payload};
pub use crate::queue::{Overflow, Queue};
pub use crate::receipt::{Receipt, Status};
pub use crate::request::RequestError;
pub use crate::typed::{TypeMismatch, Typed};
pub use ::bus::{
    ERROR_TOPIC, MAX_TOPIC_BYTES, NoReply, Pattern, Topic, TopicError, Window, escape_token,
    unescape_token,
};
