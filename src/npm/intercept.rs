//! Interceptors in JavaScript.

use wasm_bindgen::prelude::*;

use super::subscribe::{Registration, SubscriptionRef};
use super::topic_error;
use crate::js::text_of;
use crate::{Bus, Payload, Verdict};

#[wasm_bindgen(module = "/src/npm/judge.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn judge(
        bus: u32,
        number: u32,
        topic: &str,
        data: &JsValue,
        inbound: bool,
    ) -> Result<u32, JsValue>;
    #[wasm_bindgen(js_name = verdictWith)]
    fn verdict_with() -> JsValue;
}

pub(super) fn intercept(
    bus: &Bus,
    pattern: &str,
    name: SubscriptionRef,
) -> Result<Registration, JsValue> {
    let interception = bus.intercept(pattern, move |event| {
        let Ok(data) = event.js() else { return Verdict::Pass };
        let inbound = event.inbound().is_some();
        match judge(name.bus, name.number, event.topic().as_str(), &data, inbound) {
            Ok(0) => Verdict::Pass,
            Ok(1) => Verdict::Replace(Payload::from_js(verdict_with())),
            Ok(2) => Verdict::Drop,
            Ok(_) => Verdict::Deny(text_of(&verdict_with())),
            Err(thrown) => Verdict::Deny(text_of(&thrown)),
        }
    });
    let interception = interception.map_err(|error| topic_error(&error))?;
    Ok(Registration::Interceptor { _interception: interception })
}
