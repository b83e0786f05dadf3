//! Persistence: asks the browser not to clear this origin's storage when it runs out of space.

use std::cell::Cell;

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::Link;
use crate::js::spawn;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["navigator", "storage"])]
    fn persist() -> Result<JsValue, JsValue>;
}

#[derive(Default)]
pub(super) struct Persistence {
    was_requested: Cell<bool>,
    /// The browser's answer.
    pub(super) granted: Cell<Option<bool>>,
}

impl Link {
    /// Asks the browser once, when there is something to lose.
    pub(super) fn ask_to_persist(&self) {
        if self.persistence.was_requested.replace(true) {
            return;
        }
        let link = self.this.clone();
        spawn(async move {
            // A worker, an insecure page and some engines have no such function.
            let request = persist().ok().and_then(|request| request.dyn_into::<Promise>().ok());
            let granted = match request {
                Some(request) => JsFuture::from(request).await.ok(),
                None => None,
            };
            let granted = granted.and_then(|granted| granted.as_bool());
            if let Some(link) = link.upgrade() {
                link.persistence.granted.set(granted);
                if let Some(port) = link.port.upgrade() {
                    port.idle();
                }
            }
        });
    }
}
