//! The form of clients and rows in the database: arrays, which are short and can be extended at their ends.

use js_sys::{Array, Uint8Array};
use session::client::{OutboxRow, SavedState, Secret};
use session::{Durability, RejectCode};
use topic::Topic;
use wasm_bindgen::{JsCast, JsValue};

/// The client without its rows.
pub(super) fn head(saved: &SavedState) -> JsValue {
    let (decided, decided_id) = &saved.decided;
    array([
        bytes(&saved.client),
        bytes(&saved.secret.0),
        number(saved.next),
        number(saved.fence),
        number(*decided),
        decided_id.as_str().into(),
    ])
}

/// Returns `None` if it is not a client.
pub(super) fn read_head(head: &JsValue) -> Option<SavedState> {
    let head = head.dyn_ref::<Array>()?;
    Some(SavedState {
        client: read_bytes(&head.get(0))?,
        secret: Secret(read_bytes(&head.get(1))?),
        next: read_number(&head.get(2))?,
        fence: read_number(&head.get(3))?,
        decided: (read_number(&head.get(4))?, head.get(5).as_string()?),
        rows: Vec::new(),
    })
}

pub(super) fn row(row: &OutboxRow) -> JsValue {
    array([
        number(row.number),
        row.id.as_str().into(),
        row.topic.as_str().into(),
        bytes(&row.body),
        row.expires.map_or(JsValue::NULL, number),
        number(row.durability as u64),
        row.leaving.into(),
        bytes(&row.owner),
        row.dropped.map_or(JsValue::NULL, |why| number(why.number())),
        row.sign_by.map_or(JsValue::NULL, number),
    ])
}

/// The rows of an array that can be read. The others are left alone.
pub(super) fn read_rows(rows: &JsValue) -> Vec<OutboxRow> {
    let Some(rows) = rows.dyn_ref::<Array>() else { return Vec::new() };
    rows.iter().filter_map(|row| read_row(row.dyn_ref()?)).collect()
}

fn read_row(row: &Array) -> Option<OutboxRow> {
    Some(OutboxRow {
        number: read_number(&row.get(0))?,
        id: row.get(1).as_string()?,
        topic: Topic::parse(&row.get(2).as_string()?).ok()?,
        body: row.get(3).dyn_into::<Uint8Array>().ok()?.to_vec(),
        expires: read_number(&row.get(4)),
        durability: match read_number(&row.get(5))? {
            0 => Durability::Memory,
            1 => Durability::Disk,
            _ => Durability::Replicated,
        },
        leaving: row.get(6).is_truthy(),
        owner: read_bytes(&row.get(7))?,
        dropped: read_number(&row.get(8)).and_then(RejectCode::from_number),
        // Rows of older versions end before it.
        sign_by: read_number(&row.get(9)),
    })
}

fn array<const N: usize>(values: [JsValue; N]) -> JsValue {
    let array = Array::new();
    for value in &values {
        array.push(value);
    }
    array.into()
}

/// A number of the protocol: a counter or a time, below 2^53.
fn number(number: u64) -> JsValue {
    (number as f64).into()
}

fn read_number(value: &JsValue) -> Option<u64> {
    value.as_f64().map(|number| number as u64)
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

fn read_bytes<const N: usize>(value: &JsValue) -> Option<[u8; N]> {
    value.dyn_ref::<Uint8Array>()?.to_vec().try_into().ok()
}
