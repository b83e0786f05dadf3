//! What the bus does with JavaScript's object for an event, its face. `npm` makes the object.

use wasm_bindgen::prelude::*;

use crate::Payload;

#[wasm_bindgen(module = "/src/npm/event.js")]
extern "C" {
    fn replaced(face: &JsValue, data: &JsValue) -> JsValue;
    #[wasm_bindgen(catch, js_name = idOf)]
    fn id_of(face: &JsValue) -> Result<String, JsValue>;
}

/// Copies `face`, with another payload.
pub(crate) fn with_payload(face: &JsValue, payload: &Payload) -> JsValue {
    replaced(face, &payload.to_js().unwrap_or_default())
}

/// The id that JavaScript has assigned to the event of `face`, if it has read one.
pub(crate) fn event_id(face: &JsValue) -> Option<String> {
    id_of(face).ok()
}
