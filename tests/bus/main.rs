//! The bus in a browser. One page runs all of these tests: they need nothing but the bus.
#![cfg(target_arch = "wasm32")]

#[cfg(feature = "npm")]
mod executor;
#[cfg(feature = "npm")]
mod face;
mod handles;
mod interceptors;
#[cfg(feature = "npm")]
mod notices;
mod payloads;
mod recorder;
mod semantics;
mod typed;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
