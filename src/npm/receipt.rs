//! Receipts as JavaScript holds them.

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::{fail, make_status, rejected, stored_at};
use crate::Status;

/// A receipt behind the object that JavaScript holds.
#[derive(Debug)]
#[wasm_bindgen(skip_typescript)]
pub struct Receipt(crate::Receipt);

impl Receipt {
    /// Of a durable event; others need none.
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

    /// How far the event has come.
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

    /// Calls `reached` with the status when the event is in the outbox, or when the peer has stored it if
    /// `stored` says so; or `rejected` with an `Error`.
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

    /// Takes the event back; false if it may have left.
    #[wasm_bindgen(skip_typescript)]
    pub fn cancel(&self) -> bool {
        self.0.cancel()
    }
}
