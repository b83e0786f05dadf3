//! What developer tools use: see `npm/src/inspector/inspection.js` for the questions.

use wasm_bindgen::prelude::*;

use super::Core;

#[wasm_bindgen]
impl Core {
    /// See [`Bus::inspect`](crate::Bus::inspect).
    #[wasm_bindgen(skip_typescript)]
    pub fn inspect(&self) -> JsValue {
        self.bus.inspect()
    }

    /// See [`Bus::sealed`](crate::Bus::sealed).
    #[wasm_bindgen(skip_typescript)]
    pub fn seal(&self) {
        self.bus.seal();
    }
}
