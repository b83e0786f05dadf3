//! The members of a JSON object in their original form, each at most once, and the nesting depth of JSON.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// How deep arrays and objects may nest. Readers in other languages fail beyond a few hundred.
const MAX_NESTING: usize = 64;

/// The maximum number of members: more than the attributes and extensions that an event can have.
const MAX_MEMBERS: usize = 64;
/// The number of members that have a place of their own.
const KNOWN: usize = 10;

/// The members of an event. The values keep their original form, so that data keeps its bytes.
#[derive(Debug, Default)]
pub(super) struct Members<'a> {
    /// Those that most events have, by their places.
    known: [Option<&'a RawValue>; KNOWN],
    /// The others. A linear search is the fastest for so few.
    others: Vec<(Name<'a>, &'a RawValue)>,
    /// Why the members are not those of an event: one occurs twice, or there are too many.
    pub(super) fault: Option<String>,
}

/// The name of a member, copied only if it has escapes.
#[derive(Debug, PartialEq)]
struct Name<'a>(Cow<'a, str>);

/// The place of a known member. The data is first.
fn place(name: &str) -> Option<usize> {
    Some(match name {
        "data" => 0,
        "data_base64" => 1,
        "datacontenttype" => 2,
        "dataschema" => 3,
        "ephemeral" => 4,
        "id" => 5,
        "source" => 6,
        "specversion" => 7,
        "time" => 8,
        "type" => 9,
        _ => return None,
    })
}

impl<'a> Members<'a> {
    /// The value of a member.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        match place(name) {
            Some(place) => self.known[place],
            None => self.others.iter().find(|(other, _)| other.0 == name).map(|(_, value)| *value),
        }
    }

    /// Removes a known member and returns it.
    pub(super) fn remove(&mut self, name: &str) -> Option<&'a RawValue> {
        self.known[place(name)?].take()
    }

    /// Removes the members that are null. Null data stays.
    pub(super) fn drop_nulls(&mut self) {
        let is_null = |value: &RawValue| value.get() == "null";
        let [_data, attributes @ ..] = &mut self.known;
        for attribute in attributes {
            attribute.take_if(|value| is_null(value));
        }
        self.others.retain(|(_, value)| !is_null(value));
    }

    /// The members without a place, by name.
    pub(super) fn into_others(mut self) -> impl Iterator<Item = (String, &'a RawValue)> {
        self.others.sort_unstable_by(|(one, _), (other, _)| one.0.cmp(&other.0));
        self.others.into_iter().map(|(name, value)| (name.0.into_owned(), value))
    }

    fn insert(&mut self, name: Name<'a>, value: &'a RawValue) {
        if self.get(&name.0).is_some() {
            self.fault = Some(format!("`{}` occurs twice", name.0));
        } else if let Some(place) = place(&name.0) {
            self.known[place] = Some(value);
        } else {
            self.others.push((name, value));
        }
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Members::default();
                let mut count = 0;
                while let Some((name, value)) = map.next_entry()? {
                    count += 1;
                    if count <= MAX_MEMBERS {
                        members.insert(name, value);
                    }
                }
                if count > MAX_MEMBERS {
                    members.fault = Some(format!("an event has at most {MAX_MEMBERS} members"));
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Object)
    }
}

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a name")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// Whether JSON nests deeper than readers in other languages can handle.
pub(super) fn nests_too_deep(json: &str) -> bool {
    // Counting brackets is much faster than finding the strings that contain some.
    if json.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() <= MAX_NESTING {
        return false;
    }
    let (mut depth, mut is_text) = (0_usize, false);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => is_text = !is_text,
            b'\\' if is_text => _ = bytes.next(),
            b'[' | b'{' if !is_text => depth += 1,
            b']' | b'}' if !is_text => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth > MAX_NESTING {
            return true;
        }
    }
    false
}

/// Whether this is JSON that readers in any language can handle.
pub(super) fn is_json(text: &str) -> bool {
    !nests_too_deep(text) && serde_json::from_str::<&RawValue>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{ReadError, read};

    #[test]
    fn nesting_is_counted_outside_of_strings() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!nests_too_deep(&nested(MAX_NESTING)));
        assert!(nests_too_deep(&nested(MAX_NESTING + 1)));
        assert!(nests_too_deep(&nested(50_000)));
        assert!(nests_too_deep(&format!("{}1{}", "{\"a\":".repeat(65), "}".repeat(65))));
        assert!(!nests_too_deep(&format!("\"\\\"{}\\\\\"", "[".repeat(100))));
        assert!(!nests_too_deep(&format!("[{}1]", "[],{},".repeat(100))));
    }

    #[test]
    fn a_member_that_occurs_twice_makes_an_illegal_event() {
        for twice in [
            r#""data":1,"data":2"#,
            r#""data":null,"data":2"#,
            r#""\u0064ata":1,"data":2"#,
            r#""source":"a""#,
            r#""id":"other""#,
            r#""x":1,"x":1"#,
        ] {
            let text =
                format!(r#"{{"specversion":"1.0","id":"e1","source":"s","type":"t",{twice}}}"#);
            let error = read(&text).unwrap_err();
            assert!(matches!(error, ReadError::Event { ref id, .. } if id == "e1"), "{text}");
        }
    }

    #[test]
    fn an_event_with_too_many_members_is_illegal() {
        let with = |members: usize| {
            let more: String = (4..members).map(|it| format!(r#","{it:04}":null"#)).collect();
            read(&format!(r#"{{"specversion":"1.0","id":"e1","source":"s","type":"t"{more}}}"#))
        };
        assert!(with(64).is_ok());
        for many in [65, 50_000] {
            assert!(
                matches!(with(many), Err(ReadError::Event { ref id, .. }) if id == "e1"),
                "{many}"
            );
        }
    }
}
