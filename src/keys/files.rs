//! The JavaScript files that `lazy.js` loads. wasm-bindgen copies only files that Rust names, so this module names
//! them. Nothing here is called.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/keys/certificate.js")]
extern "C" {
    #[allow(dead_code)]
    fn read();
}

#[wasm_bindgen(module = "/src/keys/device.js")]
extern "C" {
    #[allow(dead_code)]
    #[wasm_bindgen(js_name = device)]
    fn loaded_device();
}

#[wasm_bindgen(module = "/src/keys/keyring.js")]
extern "C" {
    #[allow(dead_code)]
    fn learn();
}

#[wasm_bindgen(module = "/src/keys/keys.js")]
extern "C" {
    #[allow(dead_code)]
    #[wasm_bindgen(js_name = keyring)]
    fn loaded_keyring();
}

#[wasm_bindgen(module = "/src/keys/signed.js")]
extern "C" {
    #[allow(dead_code)]
    #[wasm_bindgen(js_name = sha256)]
    fn digest();
}
