//! A relay: a native server that logs durable events and carries events between browsers.
//!
//! A [`store`] keeps the log, [`hub`] connects the connections, and each connection drives one
//! [`session::server::Server`]. [`Relay`] serves them on a port; the binary `event-relay` runs one.

pub mod admin;
mod around;
pub mod authority;
mod border;
pub mod budget;
pub mod certificates;
mod connection;
mod exporter;
mod http;
pub mod hub;
pub mod limits;
pub mod metrics;
mod page;
mod proof;
mod relay;
pub mod streams;
mod tls;
pub mod tokens;
pub mod units;
mod upkeep;
mod websocket;

pub use border::{Host, NameError, Origin};
pub use relay::{Config, Relay, RunError, StartError};
pub use tls::{Tls, TlsError};
