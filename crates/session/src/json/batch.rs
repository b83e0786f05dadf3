//! Reads a batch: a JSON array of events (CloudEvents JSON format, 4).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Incoming, ReadError, read};

/// Why a batch is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The text is not an array.
    #[error("not a JSON array of CloudEvents: {0}")]
    Array(String),
    /// There are too many events.
    #[error("a batch may have at most {most} events, and this one has {count}")]
    TooMany {
        /// The number of events.
        count: usize,
        /// The maximum.
        most: usize,
    },
    /// An event is invalid.
    #[error("event {index} of the batch: {error}")]
    Event {
        /// Its index, from 0 on.
        index: usize,
        /// What is wrong with it.
        error: ReadError,
    },
}

/// Reads a batch of at most `most` events.
///
/// # Errors
/// A [`BatchError`] for the first problem.
pub fn read_batch(text: &str, most: usize) -> Result<Vec<Incoming>, BatchError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let invalid = |error: serde_json::Error| BatchError::Array(error.to_string());
    let Elements { kept, count } = First(most).deserialize(&mut json).map_err(invalid)?;
    json.end().map_err(invalid)?;
    if count > most {
        return Err(BatchError::TooMany { count, most });
    }
    let event = |(index, text): (usize, &RawValue)| {
        read(text.get()).map_err(|error| BatchError::Event { index, error })
    };
    kept.into_iter().enumerate().map(event).collect()
}

/// Keeps the first elements of an array and counts the rest, so that an array of many small ones does not fill the
/// memory.
struct First(usize);

struct Elements<'a> {
    kept: Vec<&'a RawValue>,
    count: usize,
}

impl<'de> DeserializeSeed<'de> for First {
    type Value = Elements<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for First {
    type Value = Elements<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < self.0
            && let Some(element) = array.next_element()?
        {
            kept.push(element);
        }
        let mut count = kept.len();
        while count >= self.0 && array.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Elements { kept, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str) -> String {
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"a.b","data":1}}"#)
    }

    fn ids(text: &str) -> Result<Vec<String>, BatchError> {
        let id = |incoming| match incoming {
            Incoming::Publish { body, .. } => body.id,
            other => panic!("{other:?}"),
        };
        read_batch(text, 2).map(|events| events.into_iter().map(id).collect())
    }

    #[test]
    fn a_batch_is_an_array_of_events_in_their_order() {
        assert_eq!(ids("[]"), Ok(Vec::new()));
        let two = format!("[{}, {}]", event("1"), event("2"));
        assert_eq!(ids(&two), Ok(vec!["1".to_owned(), "2".to_owned()]));
    }

    #[test]
    fn what_is_not_an_array_of_valid_events_is_refused() {
        for text in ["", "{}", "[", "[]]", "7", &event("1")] {
            assert!(matches!(ids(text), Err(BatchError::Array(_))), "{text}");
        }
        let second = format!("[{}, {{\"id\":\"2\"}}]", event("1"));
        let error = ids(&second).unwrap_err();
        assert!(
            matches!(&error, BatchError::Event { index: 1, error: ReadError::Event { id, .. } } if id == "2"),
            "{error:?}"
        );
        assert!(error.to_string().starts_with("event 1 of the batch: `specversion`"), "{error}");
    }

    #[test]
    fn too_many_events_are_counted_and_not_kept() {
        let many = format!("[{}]", vec!["1"; 100].join(","));
        assert_eq!(ids(&many), Err(BatchError::TooMany { count: 100, most: 2 }));
    }
}
