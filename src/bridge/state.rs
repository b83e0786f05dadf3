//! What a bridge tells on the bus about its link.

use serde::Deserialize;
use wasm_bindgen::JsValue;

use crate::js::object;

/// The state of a link: the payload of the events on [`LINK_TOPIC`](crate::LINK_TOPIC).
///
/// JavaScript reads `{ state: "connecting" | "online" | "offline" | "stopped", ... }` with
/// `retryInMs`, or `code` and `reason`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Form")]
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Gap {
    /// The pattern of the rule that asked for them.
    pub pattern: String,
    /// The first offset that is gone, as a decimal number.
    pub from: String,
    /// The last one.
    pub to: String,
}

/// The state as JavaScript has it: an object with a name.
#[derive(Deserialize)]
struct Form {
    state: Name,
    #[serde(rename = "retryInMs")]
    retry_in_ms: Option<f64>,
    code: Option<u16>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Connecting,
    Online,
    Offline,
    Stopped,
}

impl LinkState {
    pub(crate) fn to_js(&self) -> JsValue {
        match self {
            Self::Connecting => object(&[("state", "connecting".into())]),
            Self::Online => object(&[("state", "online".into())]),
            Self::Offline { retry_in_ms } => {
                object(&[("state", "offline".into()), ("retryInMs", (*retry_in_ms).into())])
            }
            Self::Stopped { code, reason } => object(&[
                ("state", "stopped".into()),
                ("code", (*code).into()),
                ("reason", reason.as_str().into()),
            ]),
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
