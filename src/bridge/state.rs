//! What a bridge tells on the bus about its link.

use serde::{Deserialize, Serialize};

/// The state of a link: the payload of the events on [`LINK_TOPIC`](crate::LINK_TOPIC).
///
/// JavaScript reads `{ state: "connecting" | "online" | "offline" | "stopped", ... }` with
/// `retryInMs`, or `code` and `reason`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub enum LinkState {
    /// A socket is being opened, or greeted.
    Connecting,
    /// Events flow.
    Online,
    /// The link is down.
    Offline {
        /// The next try comes in so many milliseconds.
        retry_in_ms: f64,
    },
    /// There is no next try.
    Stopped {
        /// The close code: 4500-4999 if the peer said so (see [`CloseCode`](crate::CloseCode)).
        code: u16,
        /// Why, in words.
        reason: String,
    },
}

/// Events are gone from the peer's log: the payload of the events on [`GAP_TOPIC`](crate::GAP_TOPIC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The pattern of the rule that asked for them.
    pub pattern: String,
    /// The first offset that is gone, as a decimal number.
    pub from: String,
    /// The last one.
    pub to: String,
}

/// The state as an object with a name: small to write and to read.
#[derive(Serialize, Deserialize)]
struct Form {
    state: Name,
    #[serde(rename = "retryInMs", default, skip_serializing_if = "Option::is_none")]
    retry_in_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Connecting,
    Online,
    Offline,
    Stopped,
}

impl From<LinkState> for Form {
    fn from(state: LinkState) -> Self {
        let form = |state| Self { state, retry_in_ms: None, code: None, reason: None };
        match state {
            LinkState::Connecting => form(Name::Connecting),
            LinkState::Online => form(Name::Online),
            LinkState::Offline { retry_in_ms } => {
                Self { retry_in_ms: Some(retry_in_ms), ..form(Name::Offline) }
            }
            LinkState::Stopped { code, reason } => {
                Self { code: Some(code), reason: Some(reason), ..form(Name::Stopped) }
            }
        }
    }
}

impl From<Form> for LinkState {
    fn from(form: Form) -> Self {
        match form.state {
            Name::Connecting => Self::Connecting,
            Name::Online => Self::Online,
            Name::Offline => Self::Offline { retry_in_ms: form.retry_in_ms.unwrap_or_default() },
            Name::Stopped => Self::Stopped {
                code: form.code.unwrap_or_default(),
                reason: form.reason.unwrap_or_default(),
            },
        }
    }
}

impl From<session::client::LinkState> for LinkState {
    fn from(state: session::client::LinkState) -> Self {
        use session::client::LinkState as Link;
        match state {
            Link::Connecting => Self::Connecting,
            Link::Online => Self::Online,
            Link::Offline { retry_in } => Self::Offline { retry_in_ms: retry_in as f64 },
            Link::Stopped { code, reason } => Self::Stopped { code, reason },
        }
    }
}
