//! The fields of a map: one loop over maps for all frames.

use std::cell::Cell;

use super::reader::Kind;
use super::{Malformed, Read, Reader, list, position, rights, triple};
use crate::rights::Rights;
use crate::wire::body::{Position, Stream};
use crate::wire::frame::Attendee;
use crate::{Durability, MAX_NUMBER, RejectCode};

/// One more than the highest known key.
const FIELDS: usize = 12;

/// The fields of a map with known keys; others are skipped. A field that is missing or has the wrong type is recorded
/// and replaced by a default. A single check at the end reports it.
pub(crate) struct Fields<'b> {
    values: [Option<Value<'b>>; FIELDS],
    malformed: Cell<bool>,
}

enum Value<'b> {
    Number(u64),
    Flag(bool),
    Text(&'b str),
    Bytes(&'b [u8]),
    /// A map or an array, to be read from here.
    Nested(Reader<'b>),
}

impl<'b> Fields<'b> {
    pub(crate) fn read(d: &mut Reader<'b>) -> Read<Self> {
        let mut fields = Self { values: [const { None }; FIELDS], malformed: Cell::new(false) };
        let mut left = d.map()?;
        while d.more(&mut left)? {
            let key = d.number64()?;
            let value = Value::read(d)?;
            if let Some(field) =
                usize::try_from(key).ok().and_then(|key| fields.values.get_mut(key))
            {
                *field = value;
            }
        }
        Ok(fields)
    }

    /// The result, if all fields were valid.
    pub(crate) fn checked<T>(&self, made: T) -> Read<T> {
        if self.malformed.get() { Err(Malformed) } else { Ok(made) }
    }

    /// The value, or `instead` if it is missing. In that case `checked` returns an error, so `instead` is never seen.
    pub(crate) fn required<T>(&self, read: Option<T>, instead: T) -> T {
        read.unwrap_or_else(|| {
            self.malformed.set(true);
            instead
        })
    }

    /// What `read` makes of a value, if there is one. `read` returns `None` for a value of the wrong type.
    fn optional<T>(&self, key: usize, read: impl FnOnce(&Value<'b>) -> Option<T>) -> Option<T> {
        let made = read(self.values[key].as_ref()?);
        if made.is_none() {
            self.malformed.set(true);
        }
        made
    }

    /// A number of up to 64 bits.
    pub(crate) fn optional_number64(&self, key: usize) -> Option<u64> {
        self.optional(key, |value| match value {
            Value::Number(number) => Some(*number),
            _ => None,
        })
    }

    pub(crate) fn optional_number(&self, key: usize) -> Option<u64> {
        let number = self.optional_number64(key)?;
        Some(self.required((number <= MAX_NUMBER).then_some(number), 0))
    }

    /// A number. A higher one counts as the highest.
    pub(crate) fn clamped_number(&self, key: usize) -> Option<u64> {
        Some(self.optional_number64(key)?.min(MAX_NUMBER))
    }

    pub(crate) fn number(&self, key: usize) -> u64 {
        self.required(self.optional_number(key), 0)
    }

    pub(crate) fn optional_number32(&self, key: usize) -> Option<u32> {
        let number = self.optional_number(key)?;
        Some(self.required(number.try_into().ok(), 0))
    }

    pub(crate) fn number32(&self, key: usize) -> u32 {
        self.required(self.optional_number32(key), 0)
    }

    pub(crate) fn flag(&self, key: usize) -> bool {
        let flag = self.optional(key, |value| match value {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        });
        flag.unwrap_or(false)
    }

    pub(crate) fn optional_text(&self, key: usize) -> Option<String> {
        self.optional(key, |value| match value {
            Value::Text(text) => Some((*text).to_owned()),
            _ => None,
        })
    }

    pub(crate) fn text(&self, key: usize) -> String {
        self.required(self.optional_text(key), String::new())
    }

    pub(crate) fn optional_bytes(&self, key: usize) -> Option<&'b [u8]> {
        self.optional(key, |value| match value {
            Value::Bytes(bytes) => Some(*bytes),
            _ => None,
        })
    }

    pub(crate) fn bytes(&self, key: usize) -> &'b [u8] {
        self.required(self.optional_bytes(key), &[])
    }

    pub(crate) fn optional_array<const N: usize>(&self, key: usize) -> Option<[u8; N]> {
        let bytes = self.optional_bytes(key)?;
        Some(self.required(bytes.try_into().ok(), [0; N]))
    }

    pub(crate) fn array<const N: usize>(&self, key: usize) -> [u8; N] {
        self.required(self.bytes(key).try_into().ok(), [0; N])
    }

    /// What `read` makes of a map or an array. `None` if there is neither.
    pub(crate) fn nested<T>(&self, key: usize, read: fn(Reader<'b>) -> Read<T>) -> Option<T> {
        self.optional(key, |value| match value {
            Value::Nested(nested) => read(nested.clone()).ok(),
            _ => None,
        })
    }

    pub(crate) fn stream(&self, key: usize) -> Stream {
        let name = self.optional(key, |value| match value {
            Value::Text(text) => Some(Stream::named(text)),
            _ => None,
        });
        name.unwrap_or_default()
    }

    pub(crate) fn position(&self, key: usize) -> Position {
        let read = self.nested(key, |mut nested| position(&mut nested));
        self.required(read, Position::start_of(0))
    }

    pub(crate) fn reject_code(&self, key: usize) -> RejectCode {
        self.required(self.optional_reject_code(key), RejectCode::Unavailable)
    }

    pub(crate) fn optional_reject_code(&self, key: usize) -> Option<RejectCode> {
        let number = self.optional_number(key)?;
        Some(RejectCode::from_number(number).unwrap_or(RejectCode::Unknown))
    }

    pub(crate) fn triples<T>(&self, key: usize, made: fn((u64, String, Vec<u8>)) -> T) -> Vec<T> {
        let triples = self.nested(key, |nested| list(nested, triple)).unwrap_or_default();
        triples.into_iter().map(made).collect()
    }

    pub(crate) fn attendees(&self, key: usize) -> Vec<Attendee> {
        self.triples(key, |(id, key, data)| Attendee { id, key, data })
    }

    pub(crate) fn numbers(&self, key: usize) -> Vec<u64> {
        self.nested(key, |nested| list(nested, |item| item.number())).unwrap_or_default()
    }

    /// All rights if they are absent.
    pub(crate) fn rights(&self, key: usize) -> Rights {
        self.nested(key, rights).unwrap_or_default()
    }

    pub(crate) fn durability(&self, key: usize) -> Durability {
        Durability::from_number(self.number(key))
    }
}

impl<'b> Value<'b> {
    /// The next value. `None` for null.
    fn read(d: &mut Reader<'b>) -> Read<Option<Self>> {
        Ok(Some(match d.kind()? {
            Kind::Number => Self::Number(d.number64()?),
            Kind::Flag => Self::Flag(d.flag()?),
            Kind::Text => Self::Text(d.text()?),
            Kind::Bytes => Self::Bytes(d.bytes()?),
            kind => {
                let nested = d.clone();
                d.skip()?;
                if kind == Kind::Null {
                    return Ok(None);
                }
                Self::Nested(nested)
            }
        }))
    }
}
