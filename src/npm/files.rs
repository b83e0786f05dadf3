//! The files of JavaScript that only other files of JavaScript import: wasm-bindgen brings along a file that Rust names.
//! Nothing here is called.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/npm/batch.js")]
extern "C" {
    #[allow(dead_code)]
    fn batched();
}

#[wasm_bindgen(module = "/src/npm/ends.js")]
extern "C" {
    #[allow(dead_code)]
    fn disposer();
}

#[wasm_bindgen(module = "/src/npm/freeze.js")]
extern "C" {
    #[allow(dead_code)]
    fn freeze();
}

#[wasm_bindgen(module = "/src/npm/link.js")]
extern "C" {
    #[allow(dead_code)]
    fn connector();
}

#[wasm_bindgen(module = "/src/npm/record.js")]
extern "C" {
    #[allow(dead_code)]
    fn recorder();
}

#[wasm_bindgen(module = "/src/npm/request.js")]
extern "C" {
    #[allow(dead_code)]
    fn requests();
}

#[wasm_bindgen(module = "/src/npm/stats.js")]
extern "C" {
    #[allow(dead_code)]
    fn stats();
}

#[wasm_bindgen(module = "/src/npm/subscribe.js")]
extern "C" {
    #[allow(dead_code)]
    fn subscriptions();
}

#[wasm_bindgen(module = "/src/npm/topic.js")]
extern "C" {
    #[allow(dead_code)]
    fn topic();
}
