//! Bindings of the JavaScript in `src/keys`: keys, certificates and signatures. It uses the browser's reader of JSON,
//! its cryptography and its database. An asynchronous function in JavaScript has a tenth of the bytes of one in wasm.
//! Links that have no key and trust no issuer load little of it.

mod files;

use js_sys::{Array, Function, Promise, Uint8Array};
use session::{Body, Extension};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::js::promise;

/// See [`call`].
pub(crate) type Call = Closure<dyn Fn(JsValue) -> Promise>;

#[wasm_bindgen(module = "/src/keys/lazy.js")]
extern "C" {
    /// The keys of other devices and of the issuers.
    pub(crate) type Keyring;

    /// `ask` reads the topic of an [`Asked`] key.
    pub(crate) fn keyring(issuers: &Array, ask: &Call) -> Keyring;

    /// Verifies an event. `signed` is what [`signed`] returns. It reads the arrays later, so they must not be views of
    /// wasm's memory.
    #[wasm_bindgen(method)]
    pub(crate) fn verify(
        this: &Keyring,
        signature: Uint8Array,
        signed: Array,
        time: Option<f64>,
        account: Option<&str>,
    ) -> Promise;

    #[wasm_bindgen(js_name = namesKey)]
    pub(crate) fn names_key(source: &str) -> bool;

    #[wasm_bindgen(js_name = reasonFor)]
    pub(crate) fn reason_for(code: &JsValue) -> JsValue;

    /// The key of a link's client, and its certificate.
    pub(crate) type Device;

    pub(crate) fn device() -> Device;

    #[wasm_bindgen(method)]
    pub(crate) fn key(this: &Device, database: Option<&str>) -> Promise;

    #[wasm_bindgen(method)]
    pub(crate) fn prove(
        this: &Device,
        database: Option<&str>,
        url: &str,
        begin: Uint8Array,
        token: Option<&str>,
    ) -> Promise;

    #[wasm_bindgen(method, js_name = isCertified)]
    pub(crate) fn is_certified(this: &Device, time: f64) -> bool;

    #[wasm_bindgen(method)]
    pub(crate) fn sign(this: &Device, database: Option<&str>, signed: Array) -> Promise;

    #[wasm_bindgen(method)]
    pub(crate) fn notice(
        this: &Device,
        database: Option<&str>,
        key: &str,
        data: &str,
        is_stored: Option<bool>,
    ) -> Promise;

    #[wasm_bindgen(method)]
    pub(crate) fn certify(
        this: &Device,
        database: Option<&str>,
        keyring: Option<&Keyring>,
        fetch: &Function,
        publish: &Function,
    ) -> Promise;

    #[wasm_bindgen(js_name = isAvailable)]
    pub(crate) fn is_available() -> bool;

    /// The parts of an event that a key signs, in this order.
    #[allow(clippy::too_many_arguments)]
    fn parts(
        id: &str,
        source: &str,
        topic: &str,
        content_type: &str,
        schema: &str,
        subject: JsValue,
        seconds: Option<f64>,
        data: Uint8Array,
        extensions: Array,
    ) -> Array;
}

#[wasm_bindgen]
extern "C" {
    /// The device's key.
    pub(crate) type Key;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn thumbprint(this: &Key) -> String;

    /// A key whose certificates are being looked up.
    pub(crate) type Asked;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn topic(this: &Asked) -> String;

    #[wasm_bindgen(method)]
    pub(crate) fn learn(this: &Asked, page: &Array, is_newest: bool) -> bool;

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

/// The result of a promise, or undefined if it is rejected.
pub(crate) async fn result_of(promise: Promise) -> JsValue {
    JsFuture::from(promise).await.unwrap_or_default()
}

/// A function that JavaScript calls, and that returns a promise. Boxed, so that the module contains it once.
pub(crate) fn call<F>(function: impl Fn(JsValue) -> F + 'static) -> Call
where
    F: Future<Output = Result<JsValue, JsValue>> + 'static,
{
    let call: Box<dyn Fn(JsValue) -> Promise> = Box::new(move |given| promise(function(given)));
    Closure::wrap(call)
}

/// Bytes that no later change of the module's memory changes.
pub(crate) fn copied(bytes: &[u8]) -> Uint8Array {
    Uint8Array::from(bytes)
}

/// The parts of an event that a key signs, from which JavaScript makes the bytes, as
/// [`signed_bytes`](session::signed::signed_bytes) does.
pub(crate) fn signed(topic: &str, source: &str, body: &Body) -> Array {
    let extensions = Array::new();
    for name in &body.signed {
        extensions.push(&name.as_str().into());
        extensions.push(&extension(body, name));
    }
    parts(
        &body.id,
        source,
        topic,
        body.content_type.as_deref().unwrap_or_default(),
        body.schema.as_deref().unwrap_or_default(),
        // It comes as an extension, because it is no member of a body.
        extension(body, "subject"),
        body.time.map(|time| (time / 1_000) as f64),
        copied(&body.data),
        extensions,
    )
}

/// The value of an extension, which JavaScript turns into a text. Undefined if there is none.
fn extension(body: &Body, name: &str) -> JsValue {
    match body.extensions.iter().find(|(it, _)| it == name) {
        Some((_, Extension::Text(text))) => text.as_str().into(),
        Some((_, Extension::Integer(integer))) => (*integer).into(),
        Some((_, Extension::Boolean(boolean))) => (*boolean).into(),
        None => JsValue::UNDEFINED,
    }
}
