//! The relay's binary through real WebSocket clients.

mod accounts;
mod attacks;
mod authority;
mod backup;
mod bad_input;
mod deleting;
mod durable;
mod events;
mod kept;
mod killed;
mod metrics;
mod page;
mod presence;
mod reading;
mod streams;
mod support;
mod texts;
mod third_party;
mod tls;
