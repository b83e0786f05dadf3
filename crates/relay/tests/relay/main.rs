//! The relay's binary through real WebSocket clients.

mod bad_input;
mod durable;
mod page;
mod support;
mod third_party;
