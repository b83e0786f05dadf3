//! The test's side of the fake WebSocket class in `fake_socket.js`, with sockets by number.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/tests/bridge/fake_socket.js")]
extern "C" {
    pub fn install();
    pub fn count() -> u32;
    pub fn state(at: u32) -> u16;
    pub fn asked(at: u32) -> String;
    #[wasm_bindgen(js_name = closedWith)]
    pub fn closed_with(at: u32) -> Option<u16>;
    #[wasm_bindgen(js_name = takeSent)]
    pub fn take_sent(at: u32) -> Option<Vec<u8>>;
    #[wasm_bindgen(js_name = setBuffered)]
    pub fn set_buffered(at: u32, bytes: u32);
    pub fn accept(at: u32, protocol: &str);
    pub fn deliver(at: u32, bytes: &[u8]);
    #[wasm_bindgen(js_name = hangUp)]
    pub fn hang_up(at: u32, code: u16, reason: &str);
    pub async fn sleep(ms: u32);
    #[wasm_bindgen(catch)]
    pub fn evaluate(code: &str, bus: &JsValue, other: &JsValue) -> Result<JsValue, JsValue>;
}

/// `WebSocket.OPEN`.
pub const OPEN: u16 = 1;
