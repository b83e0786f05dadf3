//! Writes the peer's texts.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use topic::{Pattern, Topic};

use super::EventPosition;
use super::members::is_json;
use crate::rfc3339;
use crate::rights::{Right, Rights};
use crate::signed::dsse_material;
use crate::wire::body::is_reserved;
use crate::wire::deletion::is_of_peers;
use crate::{Body, Extension, Form, Position, RejectCode, Stream, TopicTally};

/// The bytes of an event's text without its topic, id, source and data: names, the time, and what the peer adds.
const REST: usize = 192;

/// `$link.welcome`: the answer to the hello `id`. The sources of the client's events begin with this one. The rights are
/// left out if they are [`Rights::all`].
pub fn welcome(id: &str, source: &str, subject: &str, rights: &Rights) -> String {
    let mut data = with_rights(rights);
    data.insert("source".to_owned(), json!(source));
    data.insert("subject".to_owned(), json!(subject));
    control("welcome", id, Value::Object(data))
}

/// `$link.rights`: the client's rights from now on. They are left out if they are [`Rights::all`].
pub fn rights(rights: &Rights) -> String {
    control("rights", "credential", Value::Object(with_rights(rights)))
}

fn with_rights(rights: &Rights) -> Map<String, Value> {
    let mut data = Map::new();
    if !rights.are_all() {
        let lists = Right::ALL.iter().filter_map(|right| {
            let patterns = rights.patterns(*right)?.iter().map(Pattern::as_str);
            Some((right.name().to_owned(), patterns.collect()))
        });
        data.insert("rights".to_owned(), Value::Object(lists.collect()));
    }
    data
}

/// `$link.expiring`: the credential ends after these milliseconds, unless the client shows another one by
/// `$link.refresh`.
pub fn expiring(milliseconds: u32) -> String {
    control("expiring", "credential", json!({ "milliseconds": milliseconds }))
}

/// `$link.refused`: the pattern is not subscribed, or no longer.
pub fn refused(pattern: &str, code: RejectCode, message: &str) -> String {
    let data = json!({ "pattern": pattern, "code": code.name(), "message": message });
    control("refused", pattern, data)
}

/// The name as one segment of a URI's path (RFC 3986, 3.3).
pub(crate) fn path_segment(name: &str) -> String {
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
            segment.push(byte.into());
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    segment
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

/// `$link.reject`: the event `id` was refused, an application's or a control event.
pub fn reject(id: &str, code: RejectCode, message: &str) -> String {
    control("reject", id, json!({ "id": id, "code": code.name(), "message": message }))
}

/// `$link.tallied`: the counts of the topics with these names, for the tally `id`.
pub fn tallied(id: &str, names: &[String], tallies: &[TopicTally]) -> String {
    let topics = names.iter().zip(tallies).map(|(name, tally)| topic_tally(name, tally));
    let (id_text, topics) = (json!(id), topics.collect::<Vec<_>>().join(","));
    control("tallied", id, format_args!(r#"{{"id":{id_text},"topics":[{topics}]}}"#))
}

/// The newest event is the text that its readers get, byte by byte: another form of its data would break its signature.
fn topic_tally(name: &str, tally: &TopicTally) -> String {
    let mut topic = json!({ "topic": name });
    if let Some(code) = tally.refused {
        topic["code"] = json!(code.name());
        return topic.to_string();
    }
    topic["count"] = json!(tally.count);
    let Some(head) = &tally.head else { return topic.to_string() };
    topic["head"] = place(head);
    let mut topic = topic.to_string();
    let newest = tally.newest.as_ref().and_then(|(offset, body)| {
        let (topic, body) = (Topic::parse(name).ok()?, Body::decode(body).ok()?);
        let (stream, epoch) = (&head.stream, head.epoch);
        let place = EventPosition { stream, epoch, offset: *offset, previous: None };
        Some(event(&topic, &body, Some(place)))
    });
    if let Some(newest) = newest {
        topic.pop(); // the closing brace
        topic.push_str(&format!(r#","newest":{newest}}}"#));
    }
    topic
}

fn place(position: &Position) -> Value {
    let mut place = json!({
        "stream": position.stream.as_str(),
        "epoch": position.epoch.to_string(),
        "offset": position.offset.to_string(),
    });
    if let Some(id) = &position.id {
        place["id"] = json!(id);
    }
    place
}

/// `$link.subscribed`: the pattern is subscribed, with the heads of all streams. With `reset` it is not, because its
/// positions are invalid in these streams, whose heads follow.
pub fn subscribed<'p>(
    pattern: &Pattern,
    heads: impl Iterator<Item = &'p Position>,
    reset: bool,
) -> String {
    let heads: Vec<Value> = heads.map(place).collect();
    let data = json!({ "pattern": pattern.as_str(), "head": heads, "reset": reset });
    control("subscribed", pattern.as_str(), data)
}

/// `$link.gap`: these offsets, both inclusive, are gone from a stream.
pub fn gap(pattern: &Pattern, stream: &Stream, from: u64, to: u64) -> String {
    let data = json!({
        "pattern": pattern.as_str(),
        "stream": stream.as_str(),
        "from": from.to_string(),
        "to": to.to_string(),
    });
    control("gap", pattern.as_str(), data)
}

/// An event, with its position in the log unless it is ephemeral.
pub fn event(topic: &Topic, body: &Body, place: Option<EventPosition<'_>>) -> String {
    let text = Text::new(topic, body, place.map(|place| (place.stream, place.offset)));
    let receiver = place.map(|place| (place.epoch, place.previous));
    let mut out = Vec::with_capacity(text.len() + 64);
    text.write(receiver, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// An event's text that many receivers share. The parts that differ are inserted for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    text: Vec<u8>,
    /// Where to insert the receiver's part.
    at: usize,
}

impl Text {
    /// An event, with its stream and its offset unless it is ephemeral.
    pub(crate) fn new(topic: &Topic, body: &Body, place: Option<(&Stream, u64)>) -> Self {
        Self::with(topic, body, place, |text| is_json(text) && is_exact(text, body))
    }

    /// An ephemeral event that was read from a text, so that data without a media type was read as JSON.
    pub(crate) fn of_read(topic: &Topic, body: &Body) -> Self {
        Self::with(topic, body, None, |text| body.content_type.is_none() || is_json(text))
    }

    /// `is_json` says whether the data can be written as it is, if its media type is that of JSON.
    fn with(
        topic: &Topic,
        body: &Body,
        place: Option<(&Stream, u64)>,
        is_json: impl FnOnce(&str) -> bool,
    ) -> Self {
        // Enough for most events, and little more: the text is kept with its capacity.
        let texts = topic.as_str().len() + body.id.len() + body.source.len();
        let mut out = Vec::with_capacity(body.data.len() + texts + REST);
        out.extend_from_slice(br#"{"specversion":"1.0","type":"#);
        string(&mut out, topic.as_str());
        member(&mut out, r#","id":"#, &body.id);
        member(&mut out, r#","source":"#, &body.source);
        if let Some(time) = body.time.and_then(|time| rfc3339::write(time, body.nanoseconds)) {
            member(&mut out, r#","time":"#, &time);
        }
        if let Some(content_type) = &body.content_type {
            member(&mut out, r#","datacontenttype":"#, content_type);
        }
        if let Some(schema) = &body.schema {
            member(&mut out, r#","dataschema":"#, schema);
        }
        match &body.authid {
            Some(account) => {
                out.extend_from_slice(br#","authtype":"app_user""#);
                member(&mut out, r#","authid":"#, account);
            }
            None => out.extend_from_slice(br#","authtype":"unauthenticated""#),
        }
        if let Some(material) = dsse_material(topic.as_str(), body) {
            member(&mut out, r#","dssematerial":"#, &material);
        }
        // The log may hold what earlier versions accepted: extensions whose names would occur twice here.
        let is_of_peer = body.deletes().is_some() || body.deleted().is_some();
        let is_written = |name: &str| !is_reserved(name) || (is_of_peer && is_of_peers(name));
        for (name, value) in body.extensions.iter().filter(|(name, _)| is_written(name)) {
            let name = [",\"", name, "\":"].concat();
            match value {
                Extension::Text(text) => member(&mut out, &name, text),
                Extension::Integer(integer) => bare(&mut out, &name, &integer.to_string()),
                Extension::Boolean(boolean) => bare(&mut out, &name, &boolean.to_string()),
            }
        }
        match place {
            Some((stream, offset)) => {
                member(&mut out, r#","stream":"#, stream.as_str());
                decimal(&mut out, r#","sequence":"#, offset);
            }
            None => out.extend_from_slice(br#","ephemeral":true"#),
        }
        let at = out.len();
        data(&mut out, body, is_json);
        out.push(b'}');
        Self { text: out, at }
    }

    /// How many bytes of memory the text occupies.
    pub(crate) fn capacity(&self) -> usize {
        self.text.capacity()
    }

    /// The shared bytes.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Appends it for a receiver that knows the stream up to an offset, in this epoch.
    pub(crate) fn write(&self, receiver: Option<(u64, Option<u64>)>, out: &mut Vec<u8>) {
        let (before, after) = self.text.split_at(self.at);
        out.extend_from_slice(before);
        if let Some((epoch, previous)) = receiver {
            decimal(out, r#","epoch":"#, epoch);
            if let Some(previous) = previous {
                decimal(out, r#","prev":"#, previous);
            }
        }
        out.extend_from_slice(after);
    }
}

fn data(out: &mut Vec<u8>, body: &Body, is_json: impl FnOnce(&str) -> bool) {
    let bytes = body.data.as_slice();
    let form = Form::of(body.content_type.as_deref());
    match (form, std::str::from_utf8(bytes)) {
        // JSON is never empty, so there is no data.
        (Form::Json, _) if bytes.is_empty() => {}
        (Form::Json, Ok(text)) if is_json(text) => {
            // In its original form: numbers keep their digits, and objects their order.
            out.extend_from_slice(br#","data":"#);
            out.extend_from_slice(bytes);
        }
        (Form::Text, Ok(text)) => member(out, r#","data":"#, text),
        _ => member(out, r#","data_base64":"#, &STANDARD.encode(bytes)),
    }
}

/// Appends a text member to an object that has a member already. `name` is the name as JSON between a comma and a
/// colon.
fn member(out: &mut Vec<u8>, name: &str, text: &str) {
    out.extend_from_slice(name.as_bytes());
    string(out, text);
}

/// Appends a member whose value is JSON.
fn bare(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(value.as_bytes());
}

/// Appends a member with a number in a string.
fn decimal(out: &mut Vec<u8>, name: &str, number: u64) {
    bare(out, name, "\"");
    written(serde_json::to_writer(&mut *out, &number));
    out.push(b'"');
}

fn string(out: &mut Vec<u8>, text: &str) {
    let is_special = |byte| matches!(byte, 0..0x20 | b'"' | b'\\');
    // Most texts need no escape. A loop without an early exit compares many bytes at once.
    if text.bytes().fold(false, |some, byte| some | is_special(byte)) {
        return written(serde_json::to_writer(out, text));
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn written(result: serde_json::Result<()>) {
    debug_assert!(result.is_ok(), "a text or a number could not be written");
}

/// Whether readers find exactly these bytes as the value of a member. Unsigned data may lose the spaces around it.
fn is_exact(text: &str, body: &Body) -> bool {
    body.signature.is_none() || text.trim_ascii().len() == text.len()
}

/// The peer's control events begin as events do, with what distinguishes them.
fn control(kind: &str, about: &str, data: impl fmt::Display) -> String {
    let id = json!(format!("{kind}:{about}"));
    format!(
        r#"{{"specversion":"1.0","type":"$link.{kind}","id":{id},"source":"/link","datacontenttype":"application/json","data":{data}}}"#
    )
}
