//! JavaScript's objects for events.

use wasm_bindgen::prelude::*;

use crate::{Delivery, Event, Rejection, Stage};

#[wasm_bindgen(module = "/src/npm/event.js")]
extern "C" {
    #[wasm_bindgen(js_name = makeEvent)]
    fn make_event(
        topic: &str,
        data: &JsValue,
        source: &str,
        time: Option<f64>,
        delivery: JsValue,
        id: Option<&str>,
        account: Option<&str>,
        verified: &JsValue,
        error: &JsValue,
        deletion: Option<String>,
    ) -> JsValue;
    #[wasm_bindgen(js_name = makeStatus)]
    pub(super) fn make_status(status: &str, first: &str, second: &str, stream: &str) -> JsValue;
}

/// The object for JavaScript's handlers.
pub(super) fn face_of<'a>(event: &'a Event, data: &JsValue) -> &'a JsValue {
    marked(event, data, &JsValue::UNDEFINED)
}

/// The same for an event that may lack data because of an error.
pub(super) fn marked<'a>(event: &'a Event, data: &JsValue, error: &JsValue) -> &'a JsValue {
    event.face(|id| {
        let delivery = delivery(event.delivery());
        let (topic, source, account) = (event.topic().as_str(), event.source(), event.account());
        let (verified, deletion) = (event.author(), deletion(event));
        let time = event.time();
        make_event(topic, data, source, time, delivery, id, account, verified, error, deletion)
    })
}

/// The offset of the deleted event for a deletion, and an empty text for a deleted event.
fn deletion(event: &Event) -> Option<String> {
    let deletes = event.deletes().map(|position| position.offset.to_string());
    deletes.or_else(|| event.is_deleted().then(String::new))
}

fn delivery(delivery: &Delivery) -> JsValue {
    match delivery {
        Delivery::Local => make_status("local", "", "", ""),
        Delivery::Ephemeral => make_status("ephemeral", "", "", ""),
        Delivery::Pending(Stage::Queued) => make_status("queued", "", "", ""),
        Delivery::Pending(Stage::Kept) => make_status("kept", "", "", ""),
        Delivery::Pending(Stage::Sent) => make_status("sent", "", "", ""),
        Delivery::Stored(position) => stored_at(position),
        Delivery::Rejected(rejection) => rejected(rejection),
    }
}

pub(super) fn stored_at(position: &session::Position) -> JsValue {
    let session::Position { stream, offset, epoch, .. } = position;
    make_status("stored", &offset.to_string(), &epoch.to_string(), stream.as_str())
}

pub(super) fn rejected(rejection: &Rejection) -> JsValue {
    make_status("rejected", rejection.code.name(), &rejection.message, "")
}
