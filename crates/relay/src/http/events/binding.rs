//! The HTTP binding of CloudEvents 1.0.2: the three content modes, and attributes in headers.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderValue, header};
use serde_json::Value;
use session::RejectCode;
use session::json::{BatchError, Incoming, ReadError, read, read_attributes, read_batch};

use super::problem::Problem;

/// Media types that begin with this are formats of CloudEvents.
const CLOUDEVENTS: &str = "application/cloudevents";
const STRUCTURED: &str = "application/cloudevents+json";
const BATCHED: &str = "application/cloudevents-batch+json";
/// The prefix of headers with attributes.
const PREFIX: &str = "ce-";
/// The headers that each event in binary mode has.
const REQUIRED: [&str; 4] = ["ce-specversion", "ce-id", "ce-source", "ce-type"];

/// How a request holds its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// One event, whose attributes are headers.
    Binary,
    /// One event in JSON.
    Structured,
    /// Events in a JSON array.
    Batched,
}

impl Mode {
    /// The mode of a request, by its media type.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let is_packed = |coding: &HeaderValue| !coding.as_bytes().eq_ignore_ascii_case(b"identity");
        if headers.get(header::CONTENT_ENCODING).is_some_and(is_packed) {
            return Err(Problem::media_type("a compressed body is not supported"));
        }
        let media_type = media_type(headers)?.unwrap_or_default();
        let (essence, parameters) = media_type.split_once(';').unwrap_or((media_type.as_str(), ""));
        let essence = essence.trim().to_ascii_lowercase();
        let mode = match essence.as_str() {
            STRUCTURED => Self::Structured,
            BATCHED => Self::Batched,
            other if other.starts_with(CLOUDEVENTS) => {
                let detail = "the only supported format of CloudEvents is JSON";
                return Err(Problem::media_type(detail));
            }
            _ if REQUIRED.iter().any(|name| headers.contains_key(*name)) => Self::Binary,
            _ => {
                let detail = "send application/cloudevents+json, application/cloudevents-batch+json, \
                              or the attributes in headers such as `ce-id`";
                return Err(Problem::media_type(detail));
            }
        };
        if mode != Self::Binary && !is_utf8(parameters) {
            return Err(Problem::media_type("the charset of JSON is utf-8"));
        }
        Ok(mode)
    }

    /// Reads at most `most` events.
    pub(super) fn read(
        self,
        headers: &HeaderMap,
        body: Vec<u8>,
        most: usize,
    ) -> Result<Vec<Incoming>, Problem> {
        match self {
            Self::Binary => {
                let attributes = attributes(headers).map_err(|detail| illegal(&detail))?;
                let event = read_attributes(attributes, media_type(headers)?, body);
                event.map(|event| vec![event]).map_err(invalid)
            }
            Self::Structured => read(text(&body)?).map(|event| vec![event]).map_err(invalid),
            Self::Batched => read_batch(text(&body)?, most).map_err(|error| match error {
                BatchError::TooMany { .. } => {
                    Problem::rejected(RejectCode::TooMany, &error.to_string())
                }
                BatchError::Event { error: ReadError::Event { ref id, .. }, .. } => {
                    illegal(&error.to_string()).of(id.clone())
                }
                BatchError::Array(_) | BatchError::Event { .. } => illegal(&error.to_string()),
            }),
        }
    }

    /// The answer: one, or an array for a batch.
    pub(super) fn answer(self, mut acks: Vec<Value>) -> Value {
        match self {
            Self::Batched => acks.into(),
            Self::Binary | Self::Structured => acks.pop().unwrap_or_default(),
        }
    }
}

fn illegal(detail: &str) -> Problem {
    Problem::rejected(RejectCode::IllegalEvent, detail)
}

fn invalid(error: ReadError) -> Problem {
    match error {
        ReadError::Event { id, message } => illegal(&message).of(id),
        ReadError::Text(message) => illegal(&message),
    }
}

fn text(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body).map_err(|_| illegal("the body is not UTF-8"))
}

fn media_type(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    match line.to_str() {
        Ok(line) if lines.next().is_none() => Ok(Some(line.trim().to_owned())),
        _ => Err(Problem::media_type("the header `content-type` must be one media type")),
    }
}

/// Whether the parameters of a media type name no charset but that of JSON or a part of it.
fn is_utf8(parameters: &str) -> bool {
    let parameters = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let mut charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charsets.all(|(_, charset)| {
        let charset = charset.trim().trim_matches('"');
        ["utf-8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known))
    })
}

/// The attributes in headers (3.1.3).
fn attributes(headers: &HeaderMap) -> Result<BTreeMap<String, String>, String> {
    if let Some(missing) = REQUIRED.iter().find(|name| !headers.contains_key(**name)) {
        return Err(format!("the header `{missing}` is missing"));
    }
    let mut attributes = BTreeMap::new();
    for (header, value) in headers {
        let Some(name) = header.as_str().strip_prefix(PREFIX) else { continue };
        let value = decode(value.as_bytes()).map_err(|error| format!("`{header}` {error}"))?;
        if attributes.insert(name.to_owned(), value).is_some() {
            return Err(format!("`{header}` occurs twice"));
        }
    }
    Ok(attributes)
}

/// Decodes a header's value: first double-quoted strings (RFC 7230, 3.2.6), then percent-encoding, once.
fn decode(value: &[u8]) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(value.len());
    let (mut is_quoted, mut rest) = (false, value.iter().copied());
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\\' if is_quoted => bytes.extend(rest.next()),
            b'\t' | b' '..=b'~' => bytes.push(byte),
            _ => return Err("has a byte that must be percent-encoded"),
        }
    }
    if is_quoted {
        return Err("has a double quote without its end");
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes.into_iter();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err("has a `%` without two hexadecimal digits");
        };
        decoded.push((high << 4 | low) as u8);
    }
    String::from_utf8(decoded).map_err(|_| "is not UTF-8 once it is percent-decoded")
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, StatusCode};
    use axum::response::IntoResponse;

    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), value.parse().unwrap())
        };
        lines.iter().map(line).collect()
    }

    fn mode(content_type: &str) -> Result<Mode, StatusCode> {
        let headers = headers(&[("content-type", content_type), ("ce-id", "1")]);
        Mode::of(&headers).map_err(|problem| problem.into_response().status())
    }

    #[test]
    fn the_media_type_says_the_mode() {
        for structured in [
            "application/cloudevents+json",
            "Application/CloudEvents+JSON ; charset=UTF-8",
            "application/cloudevents+json; charset=\"utf-8\"; x=y",
        ] {
            assert_eq!(mode(structured), Ok(Mode::Structured), "{structured}");
        }
        assert_eq!(mode("application/cloudevents-batch+json"), Ok(Mode::Batched));
        for binary in ["application/json", "text/plain; charset=latin1", "image/png"] {
            assert_eq!(mode(binary), Ok(Mode::Binary), "{binary}");
        }
        for unsupported in [
            "application/cloudevents",
            "application/cloudevents+avro",
            "application/cloudevents-batch",
            "application/cloudevents+json; charset=utf-16",
        ] {
            let refused = Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            assert_eq!(mode(unsupported), refused, "{unsupported}");
        }
        let plain = headers(&[("content-type", "application/json")]);
        assert!(Mode::of(&plain).is_err());
        let twice = headers(&[("content-type", "text/plain"), ("content-type", "text/html")]);
        assert!(Mode::of(&twice).is_err());
        let packed = headers(&[("content-encoding", "gzip"), ("content-type", STRUCTURED)]);
        assert!(Mode::of(&packed).is_err());
        let plain = headers(&[("content-encoding", "Identity"), ("content-type", STRUCTURED)]);
        assert_eq!(Mode::of(&plain).ok(), Some(Mode::Structured));
    }

    #[test]
    fn a_value_is_unquoted_and_percent_decoded_once() {
        for (encoded, value) in [
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
            ("%e2%82%ac", "€"),
            ("%41%42", "AB"),
            ("100%25", "100%"),
            ("%2541", "%41"),
            ("\"a b\"", "a b"),
            ("\"a \\\"b\\\" \\\\c\"", "a \"b\" \\c"),
            ("a\\b", "a\\b"),
            ("\"%20\"", " "),
            ("", ""),
        ] {
            assert_eq!(decode(encoded.as_bytes()).as_deref(), Ok(value), "{encoded}");
        }
        for wrong in ["%", "%4", "%zz", "%C0%A0", "%ff", "\"open", "caf\u{e9}"] {
            assert!(decode(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn attributes_are_the_headers_with_the_prefix() {
        let valid = [
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-source", "/s"),
            ("ce-type", "a.b"),
            ("ce-subject", "%C3%A9"),
            ("cache-control", "no-cache"),
        ];
        let found = attributes(&headers(&valid)).unwrap();
        assert_eq!((found.len(), found["subject"].as_str()), (5, "é"));
        let missing = attributes(&headers(&valid[1..])).unwrap_err();
        assert!(missing.contains("ce-specversion"), "{missing}");
        let twice = [&valid[..], &[("ce-id", "2")]].concat();
        assert_eq!(attributes(&headers(&twice)), Err("`ce-id` occurs twice".to_owned()));
    }
}
