//! Media types: one rule for relays and pages about the form of an event's data.

/// The form in which data of a media type is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON: `application/json`, `text/json`, every type that ends in `+json`, and data without a media type.
    Json,
    /// A string: all other `text/*` types, in UTF-8.
    Text,
    /// Bytes: everything else, including an invalid media type.
    Bytes,
}

impl Form {
    /// The form of data with this media type (RFC 9110, 8.3.1). Parameters other than the `charset` of a text are
    /// ignored, and so is upper or lower case.
    pub fn of(content_type: Option<&str>) -> Self {
        let Some(content_type) = content_type else { return Self::Json };
        // On bytes, because pages carry this code, and the code for strings is several times as large.
        let mut parts = content_type.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let Some((kind, subtype)) = parts.next().and_then(|essence| halves(essence, b'/')) else {
            return Self::Bytes;
        };
        if !is_name(kind) || !is_name(subtype) {
            return Self::Bytes;
        }
        let suffix = subtype.rsplit(|byte| *byte == b'+').next().unwrap_or_default();
        if suffix.eq_ignore_ascii_case(b"json") {
            Self::Json
        } else if kind.eq_ignore_ascii_case(b"text") && parts.all(is_in_utf8) {
            Self::Text
        } else {
            Self::Bytes
        }
    }
}

/// The parts before and after the first `byte`.
fn halves(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|other| *other == byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Whether this is a name as in RFC 6838, 4.2: a token that begins with a letter or a digit.
fn is_name(name: &[u8]) -> bool {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    name.first().is_some_and(u8::is_ascii_alphanumeric) && name.iter().all(is_token)
}

/// Whether the text stays UTF-8 with this parameter.
fn is_in_utf8(parameter: &[u8]) -> bool {
    let Some((name, value)) = halves(parameter, b'=') else { return true };
    let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    let charset = quoted.unwrap_or(value);
    !name.eq_ignore_ascii_case(b"charset")
        || [&b"utf-8"[..], b"us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn a_media_type_says_whether_data_is_json_text_or_bytes() {
        for (form, types) in [
            (
                Form::Json,
                &[
                    "application/json",
                    "APPLICATION/Json",
                    " application/json ; charset=utf-8",
                    "application/json;charset=\"x;y\"",
                    "application/json;",
                    "text/json",
                    "application/ld+json",
                    "application/ld+JSON",
                    "application/vnd.a.b+x+json; profile=1",
                    "image/x+json",
                ][..],
            ),
            (
                Form::Text,
                &[
                    "text/plain",
                    "Text/HTML",
                    "text/plain; charset=utf-8",
                    "text/plain;format=flowed;Charset=\"UTF-8\"",
                    "text/csv ; charset=us-ascii",
                    "text/x-json",
                    "text/plain;",
                ],
            ),
            (
                Form::Bytes,
                &[
                    "application/octet-stream",
                    "image/png",
                    "image/svg+xml",
                    "application/jsonp",
                    "application/x-json",
                    "application/json+xml",
                    "application/+json",
                    "application/json/text",
                    "application/json text",
                    "application/jso\u{df}",
                    "text/plain; charset=utf-16le",
                    "text/plain;charset=iso-8859-1",
                    "",
                    ";",
                    "json",
                    "/json",
                    "text/",
                    "text",
                    "*/json,text/plain",
                ],
            ),
        ] {
            for content_type in types {
                assert_eq!(Form::of(Some(content_type)), form, "{content_type:?}");
            }
        }
        assert_eq!(Form::of(None), Form::Json);
    }
}
