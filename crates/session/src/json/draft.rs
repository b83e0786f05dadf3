//! An event that a client publishes, whatever the form of its text.

use super::Incoming;
use crate::rfc3339;
use crate::{Body, Extension};

/// The attributes and the data of an event. `time` and `ephemeral` are not checked yet.
pub struct Draft<'t> {
    pub id: &'t str,
    pub source: String,
    pub topic: String,
    /// As RFC 3339 writes it.
    pub time: Option<&'t str>,
    /// `true` or `false`.
    pub ephemeral: Option<&'t str>,
    pub content_type: Option<String>,
    pub schema: Option<String>,
    pub data: Vec<u8>,
    pub extensions: Vec<(String, Extension)>,
}

impl Draft<'_> {
    /// Checks `time` and `ephemeral`.
    ///
    /// # Errors
    /// A message that names the invalid attribute.
    pub fn publish(self) -> Result<Incoming, String> {
        let Self { source, topic, content_type, schema, data, extensions, .. } = self;
        let time =
            self.time.map(|text| rfc3339::read(text).ok_or("`time` is not an RFC 3339 time"));
        let (time, nanoseconds) = time.transpose()?.unzip();
        let ephemeral = match self.ephemeral {
            Some("true") => true,
            None | Some("false") => false,
            Some(_) => return Err("`ephemeral` must be true or false".to_owned()),
        };
        let body = Body {
            id: self.id.to_owned(),
            source,
            time,
            nanoseconds: nanoseconds.unwrap_or_default(),
            content_type,
            schema,
            data,
            extensions,
            ..Body::default()
        };
        Ok(Incoming::Publish { topic, body, ephemeral })
    }
}
