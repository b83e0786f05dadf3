//! Bindings of the JavaScript in `src/keys`: keys, certificates and signatures. It uses the browser's reader of JSON, its
//! cryptography and its database. An asynchronous function in JavaScript has a tenth of the bytes of one in wasm.

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// Reads the topic of a device's key, for the keyring.
pub(crate) type Ask = Closure<dyn Fn(JsValue) -> Promise>;

#[wasm_bindgen(module = "/src/keys/keyring.js")]
extern "C" {
    /// The keys of other devices and of the issuers.
    pub(crate) type Keyring;

    pub(crate) fn keyring(issuers: &Array, ask: &Ask) -> Keyring;

    /// Verifies an event. It reads the arrays later, so they must not be views of wasm's memory.
    #[wasm_bindgen(method)]
    pub(crate) fn verify(
        this: &Keyring,
        source: &str,
        signature: Uint8Array,
        message: Uint8Array,
        time: Option<f64>,
        account: Option<&str>,
    ) -> Promise;

    pub(crate) fn learn(device: &JsValue, page: &Array, is_newest: bool) -> bool;

    #[wasm_bindgen(js_name = topicOf)]
    pub(crate) fn topic_of(device: &JsValue) -> String;

    #[wasm_bindgen(js_name = namesKey)]
    pub(crate) fn names_key(source: &str) -> bool;

    #[wasm_bindgen(js_name = reasonFor)]
    pub(crate) fn reason_for(code: &JsValue) -> JsValue;
}

#[wasm_bindgen(module = "/src/keys/device.js")]
extern "C" {
    /// The key of a link's client, and its certificate.
    pub(crate) type Device;

    pub(crate) fn device() -> Device;

    #[wasm_bindgen(method)]
    pub(crate) fn key(this: &Device, database: Option<&str>, is_soon: bool) -> Promise;

    #[wasm_bindgen(method)]
    pub(crate) fn prove(this: &Device, database: Option<&str>, bytes: Uint8Array) -> Promise;

    #[wasm_bindgen(method, js_name = isCertified)]
    pub(crate) fn is_certified(this: &Device, time: f64) -> bool;

    #[wasm_bindgen(method)]
    pub(crate) fn sign(
        this: &Device,
        database: Option<&str>,
        bytes: Uint8Array,
        time: f64,
    ) -> Promise;

    #[wasm_bindgen(method)]
    pub(crate) fn notice(
        this: &Device,
        database: Option<&str>,
        key: &str,
        data: &str,
        is_stored: bool,
    ) -> Promise;

    #[wasm_bindgen(method)]
    pub(crate) fn refuse(this: &Device, data: &str);

    #[wasm_bindgen(method)]
    pub(crate) fn examine(
        this: &Device,
        database: Option<&str>,
        jwt: &str,
        keyring: Option<&Keyring>,
    ) -> Promise;

    #[wasm_bindgen(js_name = isAvailable)]
    pub(crate) fn is_available() -> bool;

    #[wasm_bindgen(js_name = hostOf)]
    pub(crate) fn host_of(url: &str) -> String;
}

#[wasm_bindgen]
extern "C" {
    /// The device's key.
    pub(crate) type Key;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn thumbprint(this: &Key) -> String;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn jwk(this: &Key) -> String;

    /// What applications learn of a certificate.
    pub(crate) type Certified;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn subject(this: &Certified) -> String;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn name(this: &Certified) -> Option<String>;

    #[wasm_bindgen(method, getter, js_name = key)]
    pub(crate) fn key_of(this: &Certified) -> String;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn expires(this: &Certified) -> f64;
}

/// Never called: wasm-bindgen copies only files that Rust names.
#[wasm_bindgen(module = "/src/keys/certificate.js")]
extern "C" {
    #[allow(dead_code)]
    fn read();
}

/// The result of a promise, or undefined if it is rejected.
pub(crate) async fn result_of(promise: Promise) -> JsValue {
    JsFuture::from(promise).await.unwrap_or_default()
}

/// Bytes that no later change of the module's memory changes.
pub(crate) fn copied(bytes: &[u8]) -> Uint8Array {
    Uint8Array::from(bytes)
}
