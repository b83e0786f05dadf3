//! The form in which an event is signed, and the name of the key that signs.
//!
//! The form is the extension "Verifiable CloudEvents with DSSE" of CloudEvents
//! (`cloudevents/extensions/verifiability.md`, `payloadType` `…/dsse/v0.1`): the digests of all attributes and of the
//! data make the digest `core`, the chosen extensions make the digest `ext`, and what is signed is the JSON of both in
//! the pre-authentication encoding of DSSE 1.0.2. On the wire of frames only the signature travels, because each end
//! can make the rest from the event. In `cloudevents.json` the attribute `dssematerial` has all of it.
//!
//! `time` is signed to the second, as the extension demands. `authid` and the path are not signed: peers set them.

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

use crate::rfc3339::zulu;
pub use crate::thumbprint::{PublicKey, Thumbprint, is_for_certificates};
pub use crate::wire::body::Signature;
use crate::{Body, Extension};

/// The type of what is signed.
pub const PAYLOAD_TYPE: &str = "https://cloudevents.io/verifiability/dsse/v0.1";

/// The bytes that a key signs by ES256, for an event of this topic with this source.
///
/// The source is a parameter because a body on its way to the peer does not have it yet: the peer puts
/// `/keys/<thumbprint>` before the source that the body has.
///
/// ```
/// use session::{Body, signed};
/// let body = Body { id: "1".into(), data: b"true".to_vec(), ..Body::default() };
/// let bytes = signed::signed_bytes("chat.lobby", "/keys/x", &body);
/// assert!(bytes.starts_with(b"DSSEv1 46 https://cloudevents.io/verifiability/dsse/v0.1 55 {\"core\":"));
/// ```
pub fn signed_bytes(topic: &str, source: &str, body: &Body) -> Vec<u8> {
    pae(PAYLOAD_TYPE, verification_material(topic, source, body).as_bytes())
}

/// The pre-authentication encoding of DSSE 1.0.2: it keeps what is signed for one purpose from being taken for another.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let [of_type, of_payload] = [payload_type.len(), payload.len()].map(|it| it.to_string());
    let head = ["DSSEv1 ", &of_type, " ", payload_type, " ", &of_payload, " "].concat();
    [head.as_bytes(), payload].concat()
}

/// The value of the attribute `dssematerial`, a DSSE envelope in base64. `None` for an event without a signature.
pub fn dsse_material(topic: &str, body: &Body) -> Option<String> {
    let signature = Base64::encode_string(&body.signature?);
    let payload =
        Base64::encode_string(verification_material(topic, &body.source, body).as_bytes());
    // Its text needs no escape: a source that names no key has no key id.
    let key = Thumbprint::from_source(&body.source).map(|key| key.to_string()).unwrap_or_default();
    let envelope = format!(
        r#"{{"payloadType":"{PAYLOAD_TYPE}","payload":"{payload}","signatures":[{{"keyid":"{key}","sig":"{signature}"}}]}}"#
    );
    Some(Base64::encode_string(envelope.as_bytes()))
}

/// The JSON of the digests. The names of extensions need no escape.
fn verification_material(topic: &str, source: &str, body: &Body) -> String {
    let core = Base64::encode_string(&core_digest(topic, source, body));
    if body.signed.is_empty() {
        return [r#"{"core":""#, &core, r#""}"#].concat();
    }
    let mut digests = Sha256::new();
    for name in &body.signed {
        digests.update(Sha256::digest(extension(body, name)));
    }
    let (ext, names) = (Base64::encode_string(&digests.finalize()), body.signed.join("\",\""));
    [r#"{"core":""#, &core, r#"","ext":""#, &ext, r#"","signedextattrs":[""#, &names, r#""]}"#]
        .concat()
}

/// The digest `core`, of the attributes in the order of the specification. An absent attribute counts as empty.
fn core_digest(topic: &str, source: &str, body: &Body) -> [u8; 32] {
    let time = body.time.and_then(|time| zulu(time / 1_000)).unwrap_or_default();
    // A body has CloudEvents' `subject` among its extensions.
    let subject = extension(body, "subject");
    let mut digests = Sha256::new();
    for value in [
        body.id.as_bytes(),
        source.as_bytes(),
        b"1.0",
        topic.as_bytes(),
        body.content_type.as_deref().unwrap_or_default().as_bytes(),
        body.schema.as_deref().unwrap_or_default().as_bytes(),
        subject.as_bytes(),
        time.as_bytes(),
        &body.data,
    ] {
        digests.update(Sha256::digest(value));
    }
    digests.finalize().into()
}

/// The canonical text of an extension's value. Empty if there is no such extension.
pub fn extension(body: &Body, name: &str) -> String {
    let mut extensions = body.extensions.iter();
    match extensions.find(|(it, _)| it == name).map(|(_, value)| value) {
        Some(Extension::Text(text)) => text.clone(),
        Some(Extension::Integer(integer)) => integer.to_string(),
        Some(Extension::Boolean(boolean)) => boolean.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The payload of a DSSE envelope in base64.
    fn payload(material: &str) -> String {
        let envelope = String::from_utf8(Base64::decode_vec(material).unwrap()).unwrap();
        let (_, rest) = envelope.split_once(r#""payload":""#).unwrap();
        let payload = Base64::decode_vec(rest.split_once('"').unwrap().0).unwrap();
        String::from_utf8(payload).unwrap()
    }

    fn text(name: &str, value: &str) -> (String, Extension) {
        (name.to_owned(), Extension::Text(value.to_owned()))
    }

    fn example() -> Body {
        Body {
            id: "1".to_owned(),
            source: "example/uri".to_owned(),
            content_type: Some("application/json".to_owned()),
            data: br#"{"hello":"world"}"#.to_vec(),
            ..Body::default()
        }
    }

    fn material(topic: &str, body: &Body) -> String {
        verification_material(topic, &body.source, body)
    }

    /// The section "Test Vectors" of the extension. Of its cases with JSON data only the digests of extensions are
    /// compared: no serialization of the data gives their `core`.
    #[test]
    fn the_cases_of_the_cloudevents_specification_come_out() {
        let five = Body {
            content_type: Some("application/octet-stream".to_owned()),
            data: vec![0xf0, 0x9f, 0xa4, 0xa1],
            ..example()
        };
        let expected = r#"{"core":"qCSeiZkS+hH9WiClfq6plfqYNVy2kvxWRfoBrLEzoDk="}"#;
        assert_eq!(material("example.type.binary", &five), expected);
        let six = Body {
            extensions: vec![text("exta", "value1"), text("extb", "value2")],
            signed: vec!["exta".to_owned()],
            ..example()
        };
        let ends =
            r#"","ext":"kU1P8bDaEnyNhglWzdTJNHh77khNWSZebBUxufVM2pU=","signedextattrs":["exta"]}"#;
        assert!(material("example.type", &six).ends_with(ends));
        let seven = Body { signed: vec!["exta".to_owned(), "extb".to_owned()], ..six };
        let ends = r#"","ext":"HB1pe431FoQZRsJbyLNMq0QaAvqPtmhdi8dHGShbJAU=","signedextattrs":["exta","extb"]}"#;
        assert!(material("example.type", &seven).ends_with(ends));
    }

    #[test]
    fn a_time_is_signed_to_the_second() {
        let at =
            |time, nanoseconds| material("t", &Body { time: Some(time), nanoseconds, ..example() });
        assert_eq!(at(1_592_501_093_000, 0), at(1_592_501_093_999, 999_999));
        assert_ne!(at(1_592_501_093_000, 0), at(1_592_501_094_000, 0));
        assert_eq!(zulu(1_592_501_093).unwrap(), "2020-06-18T17:24:53Z");
    }

    #[test]
    fn subject_is_an_attribute_of_its_own_and_not_an_extension() {
        let with = |value: &str| Body { extensions: vec![text("subject", value)], ..example() };
        assert_eq!(material("t", &with("")), material("t", &example()));
        assert_ne!(material("t", &with("a")), material("t", &example()));
    }

    #[test]
    fn an_event_without_a_signature_has_no_material() {
        assert_eq!(dsse_material("t", &example()), None);
        let signed = Body { signature: Some([7; 64]), ..example() };
        let made = dsse_material("t", &signed).unwrap();
        assert_eq!(payload(&made), material("t", &signed));
    }
}
