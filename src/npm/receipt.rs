//! JavaScript's receipts.

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::event::{make_status, rejected, stored_at};
use super::fail;
use crate::Status;

/// The receipt behind JavaScript's object.
#[derive(Debug)]
#[wasm_bindgen(skip_typescript)]
pub struct Receipt(crate::Receipt);

impl Receipt {
    /// For durable events only.
    pub(super) fn of(receipt: crate::Receipt) -> Option<Self> {
        receipt.is_durable().then_some(Self(receipt))
    }
}

#[wasm_bindgen]
impl Receipt {
    /// The event's id.
    #[wasm_bindgen(skip_typescript)]
    pub fn id(&self) -> String {
        self.0.id().to_owned()
    }

    /// The status of the event.
    #[wasm_bindgen(skip_typescript)]
    pub fn status(&self) -> JsValue {
        match self.0.status() {
            Status::Delivered | Status::Dropped => make_status("local", "", "", ""),
            Status::Queued => make_status("queued", "", "", ""),
            Status::Kept => make_status("kept", "", "", ""),
            Status::Sent => make_status("sent", "", "", ""),
            Status::Stored(position) => stored_at(&position),
            Status::Rejected(rejection) => rejected(&rejection),
        }
    }

    /// Calls `reached` with the status once the event is in the outbox, or with `stored` once the peer has stored it.
    /// Calls `rejected` with an `Error` otherwise.
    #[wasm_bindgen(skip_typescript)]
    pub fn when(&self, stored: bool, reached: Function, rejected: Function) {
        let enough: fn(&Status) -> bool =
            if stored { Status::is_final } else { |status| *status != Status::Queued };
        self.0.when(enough, move |status| {
            let _ = match status {
                Status::Stored(position) => {
                    reached.call1(&JsValue::UNDEFINED, &stored_at(position))
                }
                Status::Rejected(rejection) => rejected
                    .call1(&JsValue::UNDEFINED, &fail(rejection.code.name(), &rejection.message)),
                _ => reached.call0(&JsValue::UNDEFINED),
            };
        });
    }

    /// Cancels the event. Returns false if it may have been sent.
    #[wasm_bindgen(skip_typescript)]
    pub fn cancel(&self) -> bool {
        self.0.cancel()
    }
}
