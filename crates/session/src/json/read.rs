//! From text to what a client says.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Incoming, OF_THE_PEER, ReadError};
use crate::{Body, Extension, Form, Position, Start, Stream};

/// The media type of `data_base64` without a `datacontenttype`.
const BYTES: &str = "application/octet-stream";

/// The members of the event; their values as they were written, so that data keeps its bytes.
type Members<'a> = BTreeMap<String, &'a RawValue>;

/// What a text says.
///
/// # Errors
/// [`ReadError::Text`] if it is no JSON object with an `id`, otherwise [`ReadError::Event`].
pub fn read(text: &str) -> Result<Incoming, ReadError> {
    let mut members: Members<'_> = serde_json::from_str(text)
        .map_err(|error| ReadError::Text(format!("not a CloudEvents JSON object: {error}")))?;
    // Of data `null` is a value.
    members.retain(|name, value| name == "data" || value.get() != "null");
    let id = string(&mut members, "id")
        .ok()
        .flatten()
        .filter(|id| !id.is_empty())
        .ok_or_else(|| ReadError::Text("the event has no `id`, a string".to_owned()))?;
    event(&id, members).map_err(|message| ReadError::Event { id, message })
}

fn event(id: &str, mut members: Members<'_>) -> Result<Incoming, String> {
    if string(&mut members, "specversion")?.as_deref() != Some("1.0") {
        return Err("`specversion` is not \"1.0\"".to_owned());
    }
    let source = required(&mut members, "source")?;
    let topic = required(&mut members, "type")?;
    match topic.as_str() {
        "$link.subscribe" => subscribe(id, &members),
        "$link.unsubscribe" => {
            let pattern = text_of(&control(&members)?, "pattern")?;
            Ok(Incoming::Unsubscribe { pattern })
        }
        _ if topic.starts_with("$link.") => {
            Err("clients say `$link.subscribe` and `$link.unsubscribe` only".to_owned())
        }
        _ => publish(id, source, topic, members),
    }
}

fn publish(
    id: &str,
    source: String,
    topic: String,
    mut members: Members<'_>,
) -> Result<Incoming, String> {
    let time = string(&mut members, "time")?.map(|time| milliseconds(&time)).transpose()?;
    let content_type = string(&mut members, "datacontenttype")?;
    let schema = string(&mut members, "dataschema")?;
    let (content_type, data) = data(&mut members, content_type)?;
    for name in OF_THE_PEER {
        members.remove(name);
    }
    let ephemeral = match members.remove("ephemeral").map(RawValue::get) {
        Some("true") => true,
        None | Some("false") => false,
        Some(_) => return Err("`ephemeral` is true or false".to_owned()),
    };
    let extensions = members
        .into_iter()
        .map(|(name, value)| extension(&name, value).map(|value| (name, value)))
        .collect::<Result<_, _>>()?;
    let id = id.to_owned();
    let body = Body { id, source, time, content_type, schema, data, extensions, path: Vec::new() };
    Ok(Incoming::Publish { topic, body, ephemeral })
}

/// The media type and the data; without data there is nothing that a media type says something about.
fn data(
    members: &mut Members<'_>,
    content_type: Option<String>,
) -> Result<(Option<String>, Vec<u8>), String> {
    let form = Form::of(content_type.as_deref());
    let is_value = |value: &&RawValue| form == Form::Json || value.get() != "null";
    let (value, base64) = (members.remove("data"), string(members, "data_base64")?);
    let data = match (value.filter(is_value), base64) {
        (Some(value), Some(_)) if value.get() != "null" => {
            return Err("an event has `data` or `data_base64`, not both".to_owned());
        }
        (_, Some(bytes)) => {
            let bytes = STANDARD
                .decode(bytes)
                .map_err(|error| format!("`data_base64` is not base64 (RFC 4648): {error}"))?;
            return Ok((content_type.or_else(|| Some(BYTES.to_owned())), bytes));
        }
        // CloudEvents JSON format, 3.1: a string that is not declared to be JSON is the data.
        (Some(value), None) if form != Form::Json && value.get().starts_with('"') => {
            let text = serde_json::from_str::<String>(value.get());
            text.map_err(|error| format!("`data` is not a string of Unicode: {error}"))?.into()
        }
        (Some(value), None) => value.get().as_bytes().to_owned(),
        (None, None) => return Ok((None, Vec::new())),
    };
    Ok((content_type, data))
}

fn extension(name: &str, value: &RawValue) -> Result<Extension, String> {
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

fn subscribe(id: &str, members: &Members<'_>) -> Result<Incoming, String> {
    let data = control(members)?;
    let pattern = text_of(&data, "pattern")?;
    let start = match data.get("from") {
        None => Start::Latest,
        Some(from) => start(from)?,
    };
    Ok(Incoming::Subscribe { id: id.to_owned(), pattern, start })
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
            last.get("last").and_then(Value::as_u64).map(Start::Last).ok_or_else(unfit)
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
    let decimal = |name| from.get(name)?.as_str()?.parse().ok();
    Some(Position {
        stream: Stream::named(from.get("stream")?.as_str()?),
        epoch: decimal("epoch")?,
        offset: decimal("offset")?,
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

fn string(members: &mut Members<'_>, name: &str) -> Result<Option<String>, String> {
    let value = members.remove(name).map(|value| serde_json::from_str(value.get()));
    value.transpose().map_err(|_| format!("`{name}` is not a string"))
}

fn required(members: &mut Members<'_>, name: &str) -> Result<String, String> {
    let value = string(members, name)?.filter(|value| !value.is_empty());
    value.ok_or_else(|| format!("the event has no `{name}`, a string"))
}

fn milliseconds(time: &str) -> Result<u64, String> {
    let time: jiff::Timestamp =
        time.parse().map_err(|error| format!("`time` is not as RFC 3339 asks: {error}"))?;
    u64::try_from(time.as_millisecond()).map_err(|_| "`time` is before 1970".to_owned())
}
