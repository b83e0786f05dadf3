//! An event whose attributes come as texts and whose data comes as bytes, as in the binary content mode of CloudEvents'
//! HTTP binding.

use std::collections::BTreeMap;

use super::draft::Draft;
use super::read::{extension_name, type_of_bytes};
use super::{Incoming, ReadError};
use crate::Extension;

/// Reads an event from its attributes. `content_type` is the attribute `datacontenttype`. Values of extensions are
/// strings, because their type is unknown.
///
/// # Errors
/// [`ReadError::Text`] if there is no `id`, otherwise [`ReadError::Event`].
pub fn read_attributes(
    mut attributes: BTreeMap<String, String>,
    content_type: Option<String>,
    data: Vec<u8>,
) -> Result<Incoming, ReadError> {
    let id = attributes.remove("id").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| ReadError::Text("the event has no `id`".to_owned()))?;
    event(&id, attributes, content_type, data).map_err(|message| ReadError::Event { id, message })
}

fn event(
    id: &str,
    mut attributes: BTreeMap<String, String>,
    content_type: Option<String>,
    data: Vec<u8>,
) -> Result<Incoming, String> {
    if attributes.remove("specversion").as_deref() != Some("1.0") {
        return Err("`specversion` is not 1.0".to_owned());
    }
    let source = required(&mut attributes, "source")?;
    let topic = required(&mut attributes, "type")?;
    let (time, ephemeral) = (attributes.remove("time"), attributes.remove("ephemeral"));
    let content_type = match content_type {
        None if data.is_empty() => None,
        content_type => type_of_bytes(content_type, &data),
    };
    let schema = attributes.remove("dataschema");
    let extension = |(name, value): (String, String)| {
        extension_name(&name).map(|()| (name, Extension::Text(value)))
    };
    let extensions = attributes.into_iter().map(extension).collect::<Result<_, _>>()?;
    let (time, ephemeral) = (time.as_deref(), ephemeral.as_deref());
    Draft { id, source, topic, time, ephemeral, content_type, schema, data, extensions }.publish()
}

fn required(attributes: &mut BTreeMap<String, String>, name: &str) -> Result<String, String> {
    let value = attributes.remove(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| format!("the event has no `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changed: &[(&str, &str)], data: &str) -> Result<Incoming, ReadError> {
        let valid = [("specversion", "1.0"), ("id", "1"), ("source", "s"), ("type", "a.b")];
        let mut attributes: BTreeMap<_, _> =
            valid.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        for (name, value) in changed {
            match *value {
                "-" => attributes.remove(*name),
                value => attributes.insert((*name).to_owned(), value.to_owned()),
            };
        }
        read_attributes(attributes, None, data.into())
    }

    #[test]
    fn attributes_and_data_are_an_event() {
        let more = [("time", "1970-01-01T00:00:01Z"), ("subject", "x"), ("ephemeral", "true")];
        let Ok(Incoming::Publish { topic, body, ephemeral }) = read(&more, "hi") else { panic!() };
        assert_eq!((topic.as_str(), ephemeral), ("a.b", true));
        assert_eq!((body.id.as_str(), body.source.as_str(), body.time), ("1", "s", Some(1_000)));
        assert_eq!(
            (body.content_type.as_deref(), body.data),
            (Some("application/octet-stream"), b"hi".to_vec())
        );
        let subject = ("subject".to_owned(), Extension::Text("x".to_owned()));
        assert_eq!(body.extensions, [subject]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        assert!(matches!(read(&[("id", "-")], ""), Err(ReadError::Text(_))));
        for (name, value) in [
            ("specversion", "-"),
            ("specversion", "0.3"),
            ("source", "-"),
            ("type", ""),
            ("time", "yesterday"),
            ("ephemeral", "yes"),
            ("data", "1"),
            ("authid", "ann"),
            ("datacontenttype", "text/plain"),
            ("not-a-name", "1"),
        ] {
            let Err(ReadError::Event { id, message }) = read(&[(name, value)], "") else {
                panic!("{name}={value}")
            };
            assert_eq!(id, "1");
            assert!(message.contains(name), "{message}");
        }
    }
}
