//! Reads a client's texts.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::value::RawValue;

use super::draft::Draft;
use super::members::{Members, is_json, nests_too_deep};
use super::{Incoming, ReadError};
use crate::wire::body::{is_extension_name, is_reserved};
use crate::{Body, Extension, Form, MAX_NUMBER, Position, Start, Stream, TallyTopic};

/// The media type of `data_base64` without a `datacontenttype`.
const BYTES: &str = "application/octet-stream";
/// The media type of `data` without a `datacontenttype`.
const JSON: &str = "application/json";

/// Reads a text.
///
/// # Errors
/// [`ReadError::Text`] if it is not a JSON object with an `id`, otherwise [`ReadError::Event`].
pub fn read(text: &str) -> Result<Incoming, ReadError> {
    let mut members: Members<'_> = serde_json::from_str(text)
        .map_err(|error| ReadError::Text(format!("not a CloudEvents JSON object: {error}")))?;
    // A null attribute is absent. Null data is data.
    members.drop_nulls();
    let id = string(&mut members, "id")
        .ok()
        .flatten()
        .filter(|id| !id.is_empty())
        .ok_or_else(|| ReadError::Text("the event has no `id`, a string".to_owned()))?;
    event(&id, members).map_err(|message| ReadError::Event { id: id.into_owned(), message })
}

fn event(id: &str, mut members: Members<'_>) -> Result<Incoming, String> {
    if let Some(fault) = members.fault {
        return Err(fault);
    }
    if string(&mut members, "specversion")?.as_deref() != Some("1.0") {
        return Err("`specversion` is not \"1.0\"".to_owned());
    }
    let source = required(&mut members, "source")?;
    let topic = required(&mut members, "type")?;
    match &*topic {
        "$link.hello" => hello(id, &members),
        "$link.refresh" => Ok(Incoming::Refresh { token: text_of(&control(&members)?, "token")? }),
        "$link.subscribe" => subscribe(id, &members),
        "$link.unsubscribe" => {
            let pattern = text_of(&control(&members)?, "pattern")?;
            Ok(Incoming::Unsubscribe { pattern })
        }
        "$link.delete" => delete(id, &members),
        "$link.tally" => tally(id, &members),
        _ if topic.starts_with("$link.") => {
            Err("a client may send only `$link.hello`, `$link.refresh`, `$link.subscribe`, `$link.unsubscribe`, `$link.delete` and `$link.tally`"
                .to_owned())
        }
        _ => publish(id, source.into_owned(), topic.into_owned(), members),
    }
}

fn publish(
    id: &str,
    source: String,
    topic: String,
    mut members: Members<'_>,
) -> Result<Incoming, String> {
    let time = string(&mut members, "time")?;
    let content_type = string(&mut members, "datacontenttype")?;
    let schema = string(&mut members, "dataschema")?.map(Cow::into_owned);
    let (content_type, data) = data(&mut members, content_type)?;
    let ephemeral = members.remove("ephemeral").map(RawValue::get);
    let extensions = members
        .into_others()
        .map(|(name, value)| extension(&name, value).map(|value| (name, value)))
        .collect::<Result<_, _>>()?;
    let time = time.as_deref();
    Draft { id, source, topic, time, ephemeral, content_type, schema, data, extensions }.publish()
}

/// The media type and the data. Without data a media type is ignored, and [`JSON`] need not be named.
fn data(
    members: &mut Members<'_>,
    content_type: Option<Cow<'_, str>>,
) -> Result<(Option<String>, Vec<u8>), String> {
    let form = match content_type.as_deref() {
        // The most frequent ones.
        None | Some(JSON) => Form::Json,
        other => Form::of(other),
    };
    let is_value = |value: &&RawValue| form == Form::Json || value.get() != "null";
    let (value, base64) = (members.remove("data"), string(members, "data_base64")?);
    let data = match (value.filter(is_value), base64) {
        (Some(value), Some(_)) if value.get() != "null" => {
            return Err("an event has `data` or `data_base64`, not both".to_owned());
        }
        (_, Some(bytes)) => {
            let bytes = STANDARD
                .decode(&*bytes)
                .map_err(|error| format!("`data_base64` is not base64 (RFC 4648): {error}"))?;
            return Ok((type_of_bytes(content_type.map(Cow::into_owned), &bytes), bytes));
        }
        (Some(value), None) if nests_too_deep(value.get()) => {
            return Err("`data` nests more than 64 levels deep".to_owned());
        }
        // CloudEvents JSON format, 3.1: a string that is not declared to be JSON is the data itself.
        (Some(value), None) if form != Form::Json && value.get().starts_with('"') => {
            let text = text(value);
            text.map_err(|error| format!("`data` is not a Unicode string: {error}"))?
                .into_owned()
                .into()
        }
        (Some(value), None) => value.get().as_bytes().to_owned(),
        (None, None) => return Ok((None, Vec::new())),
    };
    Ok((content_type.filter(|it| it != JSON).map(Cow::into_owned), data))
}

/// The media type of bytes. [`JSON`] need not be named if they are JSON.
pub(super) fn type_of_bytes(content_type: Option<String>, bytes: &[u8]) -> Option<String> {
    let is_plain = bytes.is_empty() || std::str::from_utf8(bytes).is_ok_and(is_json);
    let content_type = content_type.or_else(|| Some(BYTES.to_owned()));
    content_type.filter(|it| it != JSON || !is_plain)
}

/// Checks the name of an extension.
pub(super) fn extension_name(name: &str) -> Result<(), String> {
    if is_reserved(name) {
        return Err(format!("`{name}` is not an extension that a client may set"));
    }
    if !is_extension_name(name) {
        return Err(format!(
            "{name:?} is not an extension's name: 1 to 64 lower-case letters and digits"
        ));
    }
    Ok(())
}

fn extension(name: &str, value: &RawValue) -> Result<Extension, String> {
    extension_name(name)?;
    let unfit = || format!("`{name}` is not a string, a boolean or an integer of 32 bits");
    match serde_json::from_str(value.get()).map_err(|_| unfit())? {
        Value::String(text) => Ok(Extension::Text(text)),
        Value::Bool(boolean) => Ok(Extension::Boolean(boolean)),
        Value::Number(number) => {
            let integer = number.as_i64().and_then(|number| i32::try_from(number).ok());
            integer.map(Extension::Integer).ok_or_else(unfit)
        }
        _ => Err(unfit()),
    }
}

fn hello(id: &str, members: &Members<'_>) -> Result<Incoming, String> {
    let data = control(members)?;
    let guest = match data.get("guest") {
        None | Some(Value::Null) => None,
        Some(Value::String(secret)) if is_guest_secret(secret) => Some(secret.clone()),
        Some(_) => {
            let unfit = "`guest` is a random string of 128 bits or more: 32 hexadecimal digits, or 22 of base64url";
            return Err(unfit.to_owned());
        }
    };
    let token = match data.get("token") {
        None | Some(Value::Null) => None,
        Some(Value::String(token)) => Some(token.clone()),
        Some(_) => return Err("`token` is a string, the credential".to_owned()),
    };
    Ok(Incoming::Hello { id: id.to_owned(), guest, token })
}

/// Whether a guest's secret is long enough to have 128 random bits.
pub fn is_guest_secret(secret: &str) -> bool {
    let is_hex = secret.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    secret.len() >= if is_hex { 32 } else { 22 }
}

fn subscribe(id: &str, members: &Members<'_>) -> Result<Incoming, String> {
    let data = control(members)?;
    let pattern = text_of(&data, "pattern")?;
    let start = match data.get("from") {
        None => Start::Latest,
        Some(from) => start(from)?,
    };
    Ok(Incoming::Subscribe { id: id.to_owned(), pattern, start })
}

fn delete(id: &str, members: &Members<'_>) -> Result<Incoming, String> {
    let position = position(&control(members)?).ok_or(
        "`data` is the event's position: {\"stream\": \"main\", \"epoch\": \"…\", \"offset\": \"…\"}",
    )?;
    Ok(Incoming::Delete { id: short(id)?.to_owned(), position })
}

fn tally(id: &str, members: &Members<'_>) -> Result<Incoming, String> {
    let data = control(members)?;
    let topic = |it: &Value| {
        let topic = it.get("topic")?.as_str()?.to_owned();
        let after = match it.get("after") {
            None | Some(Value::Null) => None,
            Some(after) => Some(position(after)?),
        };
        Some(TallyTopic { topic, after })
    };
    let topics = data.get("topics").and_then(Value::as_array);
    let topics = topics.and_then(|topics| topics.iter().map(topic).collect::<Option<Vec<_>>>());
    let topics = topics.ok_or(
        "`data` has no `topics`: [{\"topic\": \"…\", \"after\": {\"stream\": \"main\", \"epoch\": \"…\", \"offset\": \"…\"}}]",
    )?;
    if topics.iter().any(|it: &TallyTopic| it.topic.len() > topic::MAX_TOPIC_BYTES) {
        return Err(format!("a topic has at most {} bytes", topic::MAX_TOPIC_BYTES));
    }
    Ok(Incoming::Tally { id: short(id)?.to_owned(), topics })
}

/// Checks the id of a request. The server keeps it until it answers, because the answer names it.
fn short(id: &str) -> Result<&str, String> {
    let is_short = id.len() <= Body::MAX_ATTRIBUTE_BYTES;
    is_short.then_some(id).ok_or_else(|| {
        format!("the `id` of a request has at most {} bytes", Body::MAX_ATTRIBUTE_BYTES)
    })
}

fn start(from: &Value) -> Result<Start, String> {
    let unfit = || {
        "`from` is \"latest\", \"earliest\", {\"last\": n} or \
         [{\"stream\": \"main\", \"epoch\": \"…\", \"offset\": \"…\"}]"
            .to_owned()
    };
    match from {
        Value::String(word) if word == "latest" => Ok(Start::Latest),
        Value::String(word) if word == "earliest" => Ok(Start::Earliest),
        Value::Object(last) => {
            // A count beyond 64 bits means all events.
            let count = last.get("last").and_then(Value::as_number).ok_or_else(unfit)?;
            let is_huge = || count.as_f64().is_some_and(|it| it >= MAX_NUMBER as f64);
            let count = count.as_u64().or_else(|| is_huge().then_some(MAX_NUMBER));
            count.map(|count| Start::Last(count.min(MAX_NUMBER))).ok_or_else(unfit)
        }
        Value::Array(positions) => {
            let positions: Option<Vec<Position>> = positions.iter().map(position).collect();
            let positions = positions.filter(|positions| !positions.is_empty());
            positions.map(Start::After).ok_or_else(unfit)
        }
        _ => Err(unfit()),
    }
}

fn position(from: &Value) -> Option<Position> {
    let decimal = |name| {
        let digits = from.get(name)?.as_str()?;
        // The standard library accepts a sign too.
        let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u64>().ok().filter(|_| are_digits)
    };
    Some(Position {
        stream: Stream::named(from.get("stream")?.as_str()?),
        epoch: decimal("epoch")?,
        offset: decimal("offset").filter(|offset| *offset <= MAX_NUMBER)?,
        id: from.get("id").and_then(Value::as_str).map(str::to_owned),
    })
}

/// The data of a control event.
fn control(members: &Members<'_>) -> Result<Value, String> {
    let data = members.get("data").ok_or("a control event has `data`, an object")?;
    serde_json::from_str(data.get()).map_err(|error| format!("`data` is not JSON: {error}"))
}

fn text_of(data: &Value, name: &str) -> Result<String, String> {
    let text = data.get(name).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| format!("`data` has no `{name}`, a string"))
}

fn string<'a>(members: &mut Members<'a>, name: &str) -> Result<Option<Cow<'a, str>>, String> {
    members.remove(name).map(text).transpose().map_err(|_| format!("`{name}` is not a string"))
}

/// The value of a JSON string, copied only if it has escapes.
fn text(value: &RawValue) -> serde_json::Result<Cow<'_, str>> {
    let quoted = value.get().strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match quoted.filter(|text| !text.contains('\\')) {
        Some(text) => Ok(Cow::Borrowed(text)),
        None => serde_json::from_str(value.get()).map(Cow::Owned),
    }
}

fn required<'a>(members: &mut Members<'a>, name: &str) -> Result<Cow<'a, str>, String> {
    let value = string(members, name)?.filter(|value| !value.is_empty());
    value.ok_or_else(|| format!("the event has no `{name}`, a string"))
}
