//! The remote peer: a native server that logs durable events and carries them between browsers.
pub mod store;
