//! The members of a JSON object in their original form, each at most once, and the nesting depth of JSON.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// How deep arrays and objects may nest. Readers in other languages fail beyond a few hundred.
const MAX_NESTING: usize = 64;

/// The members of an event. The values keep their original form, so that data keeps its bytes.
#[derive(Debug)]
pub(super) struct Members<'a> {
    pub(super) by_name: BTreeMap<String, &'a RawValue>,
    /// A name that occurs twice.
    pub(super) twice: Option<String>,
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
                let mut members = Members { by_name: BTreeMap::new(), twice: None };
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    match members.by_name.entry(name) {
                        Entry::Vacant(new) => _ = new.insert(value),
                        Entry::Occupied(there) => members.twice = Some(there.key().clone()),
                    }
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// Whether JSON nests deeper than readers in other languages can handle.
pub(super) fn nests_too_deep(json: &str) -> bool {
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
}
