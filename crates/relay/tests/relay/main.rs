//! The relay's binary through real WebSocket clients.

mod authority;
mod bad_input;
mod durable;
mod page;
mod presence;
mod reading;
mod support;
mod third_party;
