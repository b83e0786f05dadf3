//! What developer tools use: see `npm/src/inspector/inspection.js` for the questions.

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::{Core, publish_error};

#[wasm_bindgen]
impl Core {
    /// See [`Bus::inspect`](crate::Bus::inspect).
    #[wasm_bindgen(skip_typescript)]
    pub fn inspect(&self) -> JsValue {
        self.bus.inspect()
    }

    /// Delivers an event of a recording on a sealed bus. The array is that of `inspection.js`.
    ///
    /// # Errors
    /// An `Error` if it was not delivered.
    #[wasm_bindgen(skip_typescript)]
    pub fn deliver(&self, row: &Array) -> Result<(), JsValue> {
        self.bus.deliver_row(row).map_err(|error| publish_error(&error))
    }

    /// See [`Bus::sealed`](crate::Bus::sealed).
    #[wasm_bindgen(skip_typescript)]
    pub fn seal(&self) {
        self.bus.seal();
    }
}
