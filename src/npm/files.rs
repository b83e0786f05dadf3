//! The JavaScript files that only other JavaScript files import. wasm-bindgen copies only files that Rust names, so
//! this module names them. Nothing here is called.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/npm/batch.js")]
extern "C" {
    #[allow(dead_code)]
    fn batched();
}

#[wasm_bindgen(module = "/src/npm/cohorts.js")]
extern "C" {
    #[allow(dead_code)]
    fn subscribing();
}

#[wasm_bindgen(module = "/src/npm/deliver.js")]
extern "C" {
    #[allow(dead_code)]
    fn delivery();
}

#[wasm_bindgen(module = "/src/npm/ends.js")]
extern "C" {
    #[allow(dead_code)]
    fn disposer();
}

#[wasm_bindgen(module = "/src/npm/executor.js")]
extern "C" {
    #[allow(dead_code)]
    fn executor();
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

#[wasm_bindgen(module = "/src/npm/listen.js")]
extern "C" {
    #[allow(dead_code)]
    fn listeners();
}

#[wasm_bindgen(module = "/src/npm/memory.js")]
extern "C" {
    #[allow(dead_code)]
    #[wasm_bindgen(js_name = refreshViews)]
    fn refresh_views();
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

#[wasm_bindgen(module = "/src/npm/retain.js")]
extern "C" {
    #[allow(dead_code)]
    fn retains();
}

#[wasm_bindgen(module = "/src/npm/routes.js")]
extern "C" {
    #[allow(dead_code)]
    fn routing();
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

#[wasm_bindgen(module = "/src/npm/use.js")]
extern "C" {
    #[allow(dead_code)]
    fn interceptors();
}

#[wasm_bindgen(module = "/src/npm/watch.js")]
extern "C" {
    #[allow(dead_code)]
    fn watching();
}
