//! The messages between a page and its workers. They are plain objects that contain the payloads themselves, so
//! that only the browser's structured clone copies them.

use gloo_worker::Codec;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen::throw_str;

use crate::js::text_of;
use crate::payload::read;
use crate::{DataError, Payload};

/// To a worker: an event to handle.
#[derive(Serialize, Deserialize)]
pub(super) struct Handed {
    pub(super) ticket: u64,
    pub(super) topic: String,
    pub(super) id: String,
    pub(super) redelivered: bool,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub(super) payload: JsValue,
}

/// From a worker.
#[derive(Serialize, Deserialize)]
pub(super) enum Said {
    /// It is ready for an event.
    Ready,
    /// It publishes an event.
    Publish {
        topic: String,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        payload: JsValue,
    },
    /// It replies to a request.
    Reply {
        ticket: u64,
        topic: String,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        payload: JsValue,
    },
    /// It has handled an event.
    Done { ticket: u64, failed: Option<String> },
}

/// Encodes messages as objects instead of bytes.
#[derive(Debug)]
pub(super) struct Objects;

impl Codec for Objects {
    fn encode<I: Serialize>(input: I) -> JsValue {
        // Plain fields and preserved values cannot fail.
        serde_wasm_bindgen::to_value(&input).unwrap_or(JsValue::UNDEFINED)
    }

    fn decode<O: for<'de> Deserialize<'de>>(input: JsValue) -> O {
        // An exception for this message, not a panic of the page. Its event ends at the deadline.
        read(input).unwrap_or_else(|error| {
            throw_str(&format!("a worker and its page do not understand each other: {error}"))
        })
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = structuredClone)]
    fn structured_clone(value: &JsValue) -> Result<JsValue, JsValue>;
}

/// A clone of the payload, which proves that it can be posted. gloo would throw internally otherwise.
pub(super) fn postable(payload: &Payload) -> Result<JsValue, DataError> {
    let value = payload.to_js()?;
    if value.is_object() || value.is_function() || value.is_symbol() {
        structured_clone(&value).map_err(|thrown| {
            DataError::Serialize(format!("{}; publish plain data", text_of(&thrown)))
        })
    } else {
        Ok(value)
    }
}
