//! What a page and its workers say to each other: plain objects, with payloads as they are, so that the
//! browser's structured clone is all that copies them.

use gloo_worker::Codec;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen::throw_str;

use crate::js::text_of;
use crate::{DataError, Payload};

/// To a worker: an event to be handled.
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
    /// It can be given an event.
    Ready,
    /// It publishes.
    Publish {
        topic: String,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        payload: JsValue,
    },
    /// It answers a request.
    Reply {
        ticket: u64,
        topic: String,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        payload: JsValue,
    },
    /// It has handled an event.
    Done { ticket: u64, failed: Option<String> },
}

/// Objects instead of gloo's bytes.
#[derive(Debug)]
pub(super) struct Objects;

impl Codec for Objects {
    fn encode<I: Serialize>(input: I) -> JsValue {
        // Plain fields and preserved values have nothing that can fail.
        serde_wasm_bindgen::to_value(&input).unwrap_or(JsValue::UNDEFINED)
    }

    fn decode<O: for<'de> Deserialize<'de>>(input: JsValue) -> O {
        // An exception of this one message, not a panic of the page: what it was about ends at its deadline.
        serde_wasm_bindgen::from_value(input).unwrap_or_else(|error| {
            throw_str(&format!("a worker and its page do not understand each other: {error}"))
        })
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = structuredClone)]
    fn structured_clone(value: &JsValue) -> Result<JsValue, JsValue>;
}

/// A copy of the payload, which therefore can be posted. gloo throws in its own midst if a message cannot be.
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
