//! The values of fields, and maps of them.

use super::writer::Writer;
use crate::wire::body::{Extension, Position, Start, Stream};

/// The value of a field.
pub(crate) enum Value<'v> {
    Number(u64),
    Flag,
    Text(&'v str),
    Bytes(&'v [u8]),
    Position(&'v Position),
    Positions(&'v [Position]),
    Start(&'v Start),
    Pair(u32, u32),
    /// Frame encoders that only one end needs, so that the other does not contain them.
    By(&'v dyn Fn(&mut Writer<'_>)),
    Extensions(&'v [(String, Extension)]),
    Path(&'v [String]),
    Numbers(&'v [u64]),
}

use Value::{By, Bytes, Extensions, Number, Pair, Path, Start as StartAt, Text};

/// A field's key is its index. Absent fields are left out.
pub(super) fn map(out: &mut Writer<'_>, fields: &[Option<Value<'_>>]) {
    out.map(fields.iter().flatten().count());
    for (key, value) in fields.iter().enumerate() {
        if let Some(value) = value {
            out.number(key as u64);
            write(out, value);
        }
    }
}

pub(super) fn write(out: &mut Writer<'_>, value: &Value<'_>) {
    match value {
        Number(number) => out.number(*number),
        Value::Flag => out.flag(true),
        Text(text) => out.text(text),
        Bytes(bytes) => out.bytes(bytes),
        Value::Position(position) => map(
            out,
            &[
                stream(&position.stream),
                number(position.epoch),
                number(position.offset),
                optional_text(&position.id),
            ],
        ),
        Value::Positions(positions) => {
            out.array(positions.len());
            write_positions(out, positions);
        }
        StartAt(start) => {
            let (kind, items) = match start {
                Start::Latest => (0, 1),
                Start::Earliest => (1, 1),
                Start::Last(_) => (2, 2),
                Start::After(positions) => (3, 1 + positions.len()),
            };
            out.array(items);
            out.number(kind);
            match start {
                Start::Latest | Start::Earliest => {}
                Start::Last(count) => out.number(*count),
                Start::After(positions) => write_positions(out, positions),
            }
        }
        Pair(first, second) => {
            out.array(2);
            out.number((*first).into());
            out.number((*second).into());
        }
        By(write) => write(out),
        Extensions(extensions) => {
            out.map(extensions.len());
            for (name, value) in *extensions {
                out.text(name);
                match value {
                    Extension::Text(text) => out.text(text),
                    Extension::Integer(integer) => out.integer(*integer),
                    Extension::Boolean(boolean) => out.flag(*boolean),
                }
            }
        }
        Value::Numbers(numbers) => {
            out.array(numbers.len());
            numbers.iter().for_each(|number| out.number(*number));
        }
        Path(path) => {
            out.array(path.len());
            for peer in *path {
                out.text(peer);
            }
        }
    }
}

fn write_positions(out: &mut Writer<'_>, positions: &[Position]) {
    for position in positions {
        write(out, &Value::Position(position));
    }
}

pub(crate) fn number(number: impl Into<u64>) -> Option<Value<'static>> {
    Some(Number(number.into()))
}

pub(crate) fn text(text: &str) -> Option<Value<'_>> {
    Some(Text(text))
}

/// The main stream is left out.
pub(super) fn stream(stream: &Stream) -> Option<Value<'_>> {
    stream.other().map(Text)
}

pub(super) fn optional_text(text: &Option<String>) -> Option<Value<'_>> {
    text.as_deref().map(Text)
}

pub(crate) fn bytes(bytes: &[u8]) -> Option<Value<'_>> {
    Some(Bytes(bytes))
}

pub(crate) fn at(position: &Position) -> Option<Value<'_>> {
    Some(Value::Position(position))
}

/// An empty list is left out.
pub(crate) fn number_list(numbers: &[u64]) -> Option<Value<'_>> {
    (!numbers.is_empty()).then_some(Value::Numbers(numbers))
}

/// A false flag is left out.
pub(crate) fn flag(flag: bool) -> Option<Value<'static>> {
    flag.then_some(Value::Flag)
}
