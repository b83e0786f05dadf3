//! What an event is on the wire and in the log: its body, its position, where reading starts.

use std::fmt;
use std::sync::Arc;

/// An event beside its topic: the attributes of CloudEvents 1.0 and the data.
///
/// The topic is the `type` attribute. Encoded once, by whoever logs it, for all its receivers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Body {
    /// Names the event among those of its source; at most [`Body::MAX_ATTRIBUTE_BYTES`].
    pub id: String,
    /// Who says so, a URI reference. A peer puts the client that it has authenticated before it.
    pub source: String,
    /// When it was published, in milliseconds since 1970 by the publisher's clock.
    pub time: Option<u64>,
    /// What of `time` is below its millisecond: at most 999,999.
    pub nanoseconds: u32,
    /// The media type of `data`; `application/json` if absent.
    pub content_type: Option<String>,
    /// The schema that `data` keeps to, a URI.
    pub schema: Option<String>,
    /// The payload. Opaque to the peer.
    pub data: Vec<u8>,
    /// Extension attributes by their names, which are lower-case letters and digits, each there once.
    pub extensions: Vec<(String, Extension)>,
    /// The ids of the peers that it went through, so that no bridge sends it back along them.
    pub path: Vec<String>,
}

/// The value of an extension attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extension {
    /// A string, or a type that CloudEvents writes as one.
    Text(String),
    /// A whole number.
    Integer(i32),
    /// True or false.
    Boolean(bool),
}

/// The name of a stream: one of the logs of a peer, with offsets of its own. The default is
/// [`Stream::MAIN`], which takes all topics that no other stream takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Stream(Option<Arc<str>>);

/// A place in a stream: after the event that it names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// The stream.
    pub stream: Stream,
    /// The life of the stream. One that may have lost its tail starts a new one.
    pub epoch: u64,
    /// Counts from 1; 0 is before the first event.
    pub offset: u64,
    /// The id of the event there, if it is known: a resume is told when another one stands there.
    pub id: Option<String>,
}

/// Where a subscription starts to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// With what comes after now.
    Latest,
    /// With the first event that each stream still holds.
    Earliest,
    /// With the last so many matching events of each stream.
    Last(u64),
    /// After these positions, one of a stream. A stream that none of them is of has come since, and is
    /// read from its first event on.
    After(Vec<Position>),
}

/// A body breaks a rule; the text says which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BodyError(pub(super) &'static str);

impl Body {
    /// The most bytes of an id, a source, a media type, a schema, or an extension's value.
    pub const MAX_ATTRIBUTE_BYTES: usize = 1_024;
    /// The most extensions, and the most peers on the path.
    pub const MAX_LIST: usize = 32;

    /// Checks what comes from the wire against the bounds and CloudEvents' naming rule (3.1).
    ///
    /// # Errors
    /// A [`BodyError`] that names the rule.
    pub fn check(&self) -> Result<(), BodyError> {
        let short = |text: &str| text.len() <= Self::MAX_ATTRIBUTE_BYTES;
        let optional = |text: &Option<String>| text.as_deref().is_none_or(short);
        if self.id.is_empty() {
            return Err(BodyError("the event has no id: give each event one of its own"));
        }
        let attributes_are_short = short(&self.id)
            && short(&self.source)
            && optional(&self.content_type)
            && optional(&self.schema);
        if !attributes_are_short {
            return Err(BodyError("an attribute is longer than 1,024 bytes"));
        }
        if self.nanoseconds > 999_999 {
            return Err(BodyError("the nanoseconds of the time are a millisecond or more"));
        }
        if self.extensions.len() > Self::MAX_LIST || self.path.len() > Self::MAX_LIST {
            return Err(BodyError("more than 32 extensions or peers on the path"));
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
            return Err(BodyError(
                "an extension's name is not 1 to 64 lower-case letters and digits or occurs twice, or a value is too long",
            ));
        }
        Ok(())
    }
}

/// Whether an extension may have this name: 1 to 64 lower-case letters and digits (CloudEvents 1.0.2, "Naming Conventions").
pub(crate) fn is_extension_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Whether a name is CloudEvents' own, or one that only peers set: it is not an extension of a client.
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

    /// Its name.
    pub fn as_str(&self) -> &str {
        self.other().unwrap_or("main")
    }

    /// Its name, unless it is that of [`Stream::MAIN`], which is never sent.
    pub(crate) fn other(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl Position {
    /// Before the first event of a life of [`Stream::MAIN`].
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
