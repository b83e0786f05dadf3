//! An event on the wire and in the log: its body, its position, and where reading starts.

use std::fmt;
use std::sync::Arc;

use super::codes::RejectCode;

/// The `r` and `s` of a signature by ES256 (RFC 7518, 3.4), as WebCrypto makes it.
pub type Signature = [u8; 64];

/// An event without its topic: the attributes of CloudEvents 1.0 and the data.
///
/// The topic is the `type` attribute. The peer that logs an event encodes it once for all receivers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Body {
    /// Identifies the event within its source. At most [`Body::MAX_ATTRIBUTE_BYTES`].
    pub id: String,
    /// The origin of the event, a URI reference. A peer prefixes it with the authenticated client.
    pub source: String,
    /// When it was published, in milliseconds since 1970 on the publisher's clock.
    pub time: Option<u64>,
    /// The nanoseconds below the millisecond of `time`: at most 999,999.
    pub nanoseconds: u32,
    /// The media type of `data`; `application/json` if absent.
    pub content_type: Option<String>,
    /// The URI of the schema of `data`.
    pub schema: Option<String>,
    /// The payload. Opaque to the peer.
    pub data: Vec<u8>,
    /// Extension attributes. Names are unique, of lower-case letters and digits.
    pub extensions: Vec<(String, Extension)>,
    /// The ids of the peers that it passed, so that no bridge sends it back to one of them.
    pub path: Vec<String>,
    /// The name of the account that published it, which the peer attests. A guest's event has none.
    pub authid: Option<String>,
    /// What the publisher's key has signed: see [`signed`](crate::signed).
    pub signature: Option<Signature>,
    /// The names of the extensions that are signed too, in the order in which they are signed.
    pub signed: Vec<String>,
}

/// The value of an extension attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extension {
    /// A string, or a type that CloudEvents writes as one.
    Text(String),
    /// A whole number.
    Integer(i32),
    /// A Boolean.
    Boolean(bool),
}

/// The name of a stream: one of the logs of a peer, with its own offsets. The default is [`Stream::MAIN`], which
/// holds all topics that belong to no other stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Stream(Option<Arc<str>>);

/// A position in a stream: after the event that it names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// The stream.
    pub stream: Stream,
    /// The epoch of the stream. A stream that may have lost its newest events starts a new epoch.
    pub epoch: u64,
    /// Counts from 1; 0 is before the first event.
    pub offset: u64,
    /// The id of the event at the offset, if known. If another event has the offset, a resume fails.
    pub id: Option<String>,
}

/// Where a subscription starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At events that are published from now on.
    Latest,
    /// At the first event that each stream still holds.
    Earliest,
    /// At the last matching events of each stream: this many.
    Last(u64),
    /// After these positions, one per stream. A stream without a position is new, and is read from its first event
    /// on.
    After(Vec<Position>),
}

/// The rule that a body breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BodyError(&'static str, RejectCode);

impl BodyError {
    pub(super) fn event(rule: &'static str) -> Self {
        Self(rule, RejectCode::IllegalEvent)
    }

    pub(super) fn signature(rule: &'static str) -> Self {
        Self(rule, RejectCode::BadSignature)
    }

    /// The code with which a peer rejects the event.
    pub fn code(&self) -> RejectCode {
        self.1
    }
}

impl Body {
    /// The maximum size of an id, a source, a media type, a schema, or an extension's value.
    pub const MAX_ATTRIBUTE_BYTES: usize = 1_024;
    /// The maximum number of extensions, and of peers on the path.
    pub const MAX_LIST: usize = 32;

    /// Checks a body from the wire against the limits and CloudEvents' naming rule (3.1).
    ///
    /// # Errors
    /// A [`BodyError`] that names the rule.
    pub fn check(&self) -> Result<(), BodyError> {
        let short = |text: &str| text.len() <= Self::MAX_ATTRIBUTE_BYTES;
        let optional = |text: &Option<String>| text.as_deref().is_none_or(short);
        if self.id.is_empty() {
            return Err(BodyError::event("the event has no id: give each event one of its own"));
        }
        let attributes_are_short = short(&self.id)
            && short(&self.source)
            && optional(&self.content_type)
            && optional(&self.schema);
        if !attributes_are_short {
            return Err(BodyError::event("an attribute is longer than 1,024 bytes"));
        }
        if self.nanoseconds > 999_999 {
            return Err(BodyError::event("the nanoseconds of the time are a millisecond or more"));
        }
        if self.extensions.len() > Self::MAX_LIST || self.path.len() > Self::MAX_LIST {
            return Err(BodyError::event("more than 32 extensions or peers on the path"));
        }
        let value_is_fine =
            |value: &Extension| !matches!(value, Extension::Text(text) if !short(text));
        let is_first = |at: usize, name: &str| {
            !self.extensions.iter().take(at).any(|(earlier, _)| earlier == name)
        };
        let extensions_are_fine = self.extensions.iter().enumerate().all(|(at, (name, value))| {
            is_extension_name(name) && value_is_fine(value) && is_first(at, name)
        });
        if !extensions_are_fine || !self.path.iter().all(|peer| short(peer)) {
            return Err(BodyError::event(
                "an extension's name is not 1 to 64 lower-case letters and digits or occurs twice, or a value is too long",
            ));
        }
        if !self.signed.is_empty() && !self.has_valid_list() {
            return Err(BodyError::signature(
                "the list of signed extensions is for an event with a signature: at most 32 names of extensions, each once",
            ));
        }
        Ok(())
    }

    /// Whether [`signed`](Self::signed) lists extensions, each once, of an event with a signature.
    fn has_valid_list(&self) -> bool {
        let is_first = |at: usize, name: &str| !self.signed.iter().take(at).any(|it| it == name);
        let is_fine = |(at, name): (usize, &String)| {
            let is_extension = is_extension_name(name) && name != "subject" && !is_reserved(name);
            is_extension && is_first(at, name)
        };
        self.signature.is_some()
            && self.signed.len() <= Self::MAX_LIST
            && self.signed.iter().enumerate().all(is_fine)
    }
}

/// Whether this is a valid name of an extension: 1 to 64 lower-case letters and digits (CloudEvents 1.0.2, "Naming
/// Conventions").
pub(crate) fn is_extension_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Whether CloudEvents defines the name, or only peers may set it. A client cannot use it for an extension.
pub(crate) fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "data"
            | "datacontenttype"
            | "dataschema"
            | "id"
            | "source"
            | "specversion"
            | "time"
            | "type"
            | "authid"
            | "authtype"
            | "deleted"
            | "deletes"
            | "dssematerial"
            | "ephemeral"
            | "epoch"
            | "prev"
            | "sequence"
            | "stream"
    )
}

impl Stream {
    /// The stream that every peer has.
    pub const MAIN: Self = Self(None);

    /// The stream with this name; `main` is [`Stream::MAIN`].
    pub fn named(name: &str) -> Self {
        Self((name != "main").then(|| name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.other().unwrap_or("main")
    }

    /// The name, or `None` for [`Stream::MAIN`], whose name is never sent.
    pub(crate) fn other(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl Position {
    /// The position before the first event of an epoch of [`Stream::MAIN`].
    pub fn start_of(epoch: u64) -> Self {
        Self { stream: Stream::MAIN, epoch, offset: 0, id: None }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(stream) = self.stream.other() {
            write!(out, "{stream}:")?;
        }
        write!(out, "{}@{:x}", self.offset, self.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_signed_extensions_has_names_once_and_a_signature() {
        let with = |names: &[&str]| Body {
            signature: Some([7; 64]),
            signed: names.iter().map(|name| (*name).to_owned()).collect(),
            id: "1".to_owned(),
            ..Body::default()
        };
        assert_eq!(with(&[]).check(), Ok(()));
        assert_eq!(with(&["exta", "extb"]).check(), Ok(()));
        for names in [
            &["exta", "exta"][..],
            &["id"],
            &["subject"],
            &["time"],
            &["dssematerial"],
            &["authid"],
            &["specversion"],
            &[""],
            &["A"],
            &["a\"b"],
        ] {
            let refused = with(names).check().unwrap_err();
            assert_eq!(refused.code(), RejectCode::BadSignature, "{names:?}");
        }
        let many: Vec<String> = (0..33).map(|number| format!("a{number}")).collect();
        assert!(Body { signed: many, ..with(&[]) }.check().is_err());
        assert!(Body { signature: None, ..with(&["exta"]) }.check().is_err());
    }
}
