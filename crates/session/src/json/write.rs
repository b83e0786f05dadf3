//! From what the peer says to text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use topic::{Pattern, Topic};

use super::members::nests_too_deep;
use super::{Place, time};
use crate::event::is_reserved;
use crate::{Body, Extension, Form, Position, RejectCode, Stream};

/// `$link.welcome`: the answer to the hello `id`. What the client publishes has sources that begin with this one.
pub fn welcome(id: &str, source: &str) -> String {
    control("welcome", id, json!({ "source": source }))
}

/// `$link.ack`: the event `id` is in the log.
pub fn ack(id: &str, position: &Position) -> String {
    let data = json!({
        "id": id,
        "stream": position.stream.as_str(),
        "epoch": position.epoch.to_string(),
        "offset": position.offset.to_string(),
    });
    control("ack", id, data)
}

/// `$link.reject`: the event `id` was refused, be it one to log or one that steers the link.
pub fn reject(id: &str, code: RejectCode, message: &str) -> String {
    control("reject", id, json!({ "id": id, "code": code.name(), "message": message }))
}

/// `$link.subscribed`: the pattern is subscribed to, with the heads of all streams; or, with `reset`, it is not:
/// with the heads of the streams in which its positions are of another log.
pub fn subscribed<'p>(
    pattern: &Pattern,
    heads: impl Iterator<Item = &'p Position>,
    reset: bool,
) -> String {
    let place = |head: &Position| {
        let mut place = json!({
            "stream": head.stream.as_str(),
            "epoch": head.epoch.to_string(),
            "offset": head.offset.to_string(),
        });
        if let Some(id) = &head.id {
            place["id"] = json!(id);
        }
        place
    };
    let heads: Vec<Value> = heads.map(place).collect();
    let data = json!({ "pattern": pattern.as_str(), "head": heads, "reset": reset });
    control("subscribed", pattern.as_str(), data)
}

/// `$link.gap`: these offsets, both included, are gone from a stream.
pub fn gap(pattern: &Pattern, stream: &Stream, from: u64, to: u64) -> String {
    let data = json!({
        "pattern": pattern.as_str(),
        "stream": stream.as_str(),
        "from": from.to_string(),
        "to": to.to_string(),
    });
    control("gap", pattern.as_str(), data)
}

/// An event, with its place in the log unless it is ephemeral.
pub fn event(topic: &Topic, body: &Body, place: Option<Place<'_>>) -> String {
    let mut members = Map::new();
    // A log may hold what an earlier version took: names of its own that would stand here twice.
    for (name, value) in body.extensions.iter().filter(|(name, _)| !is_reserved(name)) {
        let value = match value {
            Extension::Text(text) => json!(text),
            Extension::Integer(integer) => json!(integer),
            Extension::Boolean(boolean) => json!(boolean),
        };
        members.insert(name.clone(), value);
    }
    match place {
        Some(place) => {
            members.insert("stream".to_owned(), json!(place.stream.as_str()));
            members.insert("epoch".to_owned(), json!(place.epoch.to_string()));
            members.insert("sequence".to_owned(), json!(place.offset.to_string()));
            if let Some(previous) = place.previous {
                members.insert("prev".to_owned(), json!(previous.to_string()));
            }
        }
        None => {
            members.insert("ephemeral".to_owned(), json!(true));
        }
    }
    members.insert("specversion".to_owned(), json!("1.0"));
    members.insert("id".to_owned(), json!(body.id));
    members.insert("source".to_owned(), json!(body.source));
    members.insert("type".to_owned(), json!(topic.as_str()));
    if let Some(time) = body.time.and_then(|time| time::write(time, body.nanoseconds)) {
        members.insert("time".to_owned(), json!(time));
    }
    if let Some(content_type) = &body.content_type {
        members.insert("datacontenttype".to_owned(), json!(content_type));
    }
    if let Some(schema) = &body.schema {
        members.insert("dataschema".to_owned(), json!(schema));
    }
    with_data(members, body)
}

fn with_data(mut members: Map<String, Value>, body: &Body) -> String {
    let bytes = body.data.as_slice();
    let form = Form::of(body.content_type.as_deref());
    match (form, std::str::from_utf8(bytes)) {
        // No JSON is empty: there is no data.
        (Form::Json, _) if bytes.is_empty() => {}
        (Form::Json, Ok(text)) if is_json(text) => {
            // As it stands: numbers keep their digits and objects their order.
            let mut whole = Value::Object(members).to_string();
            whole.pop();
            whole.push_str(",\"data\":");
            whole.push_str(text);
            whole.push('}');
            return whole;
        }
        (Form::Text, Ok(text)) => {
            members.insert("data".to_owned(), json!(text));
        }
        _ => {
            members.insert("data_base64".to_owned(), json!(STANDARD.encode(bytes)));
        }
    }
    Value::Object(members).to_string()
}

/// Whether it may stand in a text for readers in any language.
fn is_json(text: &str) -> bool {
    !nests_too_deep(text) && serde_json::from_str::<&RawValue>(text).is_ok()
}

fn control(kind: &str, about: &str, data: Value) -> String {
    json!({
        "specversion": "1.0",
        "id": format!("{kind}:{about}"),
        "source": "/link",
        "type": format!("$link.{kind}"),
        "datacontenttype": "application/json",
        "data": data,
    })
    .to_string()
}
