//! The wasm module of the npm package `event-driven-kit`: [`event_driven_kit::npm`], and nothing else.
//!
//! A crate of its own, because cargo optimises at link time only what is a `cdylib` and nothing else; the
//! library itself is an `rlib` too. That is 13 % of the module.

pub use event_driven_kit::npm;
