//! The relay's binary through real WebSocket clients.

mod backup;
mod bad_input;
mod durable;
mod kept;
mod killed;
mod page;
mod support;
mod third_party;
