//! The payloads with which a bridge reports on its link.

use serde::Deserialize;
use wasm_bindgen::JsValue;

use super::{OutboxStorage, Role};
use crate::js::object;

/// The state of a link. It is part of the [`LinkStatus`], and the events on
/// [`LINK_TOPIC`](crate::bridge::LINK_TOPIC) can be read as it.
///
/// JavaScript reads `{ state: "connecting" | "online" | "offline" | "stopped", ... }` with
/// `retryInMs`, or `code` and `reason`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "StateForm")]
pub enum LinkState {
    /// A socket is being opened, or the handshake runs.
    Connecting,
    /// Events flow.
    Online,
    /// The link is down.
    Offline {
        /// Milliseconds until the next attempt.
        retry_in_ms: f64,
    },
    /// The bridge does not connect again by itself.
    Stopped {
        /// The close code; 4500-4999 if it is the peer's (see [`CloseCode`](crate::bridge::CloseCode)).
        code: u16,
        /// The reason as a text.
        reason: String,
    },
}

/// The status of a link and its outbox: the payload of the events on [`LINK_TOPIC`](crate::bridge::LINK_TOPIC). The
/// newest is retained for subscribers that [replay](crate::Subscriber::replay).
///
/// JavaScript reads the fields of the [`LinkState`], and `outbox`, `lastAcked`, `storage`, `persisted`, `role`,
/// `caughtUp`, `gaps`, `uncertain` and `subject`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "StatusForm")]
#[non_exhaustive]
pub struct LinkStatus {
    /// The state of the link.
    pub state: LinkState,
    /// The number of durable events without an answer: of all tabs that share the outbox, and those of this tab that
    /// could not be written.
    pub outbox: usize,
    /// The last event of this page's client that the peer has stored since the page was loaded.
    pub last_acked: Option<Acked>,
    /// Where the outbox is.
    pub storage: OutboxStorage,
    /// Whether the browser has promised not to clear the outbox when it runs out of space. `None` before it has
    /// answered, or if it cannot be asked.
    pub persisted: Option<bool>,
    /// Which tab holds the connection.
    pub role: Role,
    /// Whether the link is up and every rule has brought all events that existed when it began to read.
    pub caught_up: bool,
    /// How often events that a rule asked for were gone from the peer's log; see
    /// [`GAP_TOPIC`](crate::bridge::GAP_TOPIC).
    pub gaps: u32,
    /// The number of events that the peer may or may not have stored; see
    /// [`UNCERTAIN_TOPIC`](crate::bridge::UNCERTAIN_TOPIC).
    pub uncertain: u32,
    /// [Whose link](crate::Bridge::subject) it is.
    pub subject: Option<String>,
}

/// An event that the peer has stored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Acked {
    /// The event's id.
    pub id: String,
    /// Its offset in the log, as a decimal number.
    pub offset: String,
    /// The epoch of the log, as a decimal number.
    pub epoch: String,
    /// The stream.
    pub stream: String,
}

/// An event that may or may not be in the peer's log: the payload of the events on
/// [`UNCERTAIN_TOPIC`](crate::bridge::UNCERTAIN_TOPIC), the newest hundred of which are retained.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Uncertain {
    /// The event's id.
    pub id: String,
    /// Its topic.
    pub topic: String,
    /// The reason as a text.
    pub message: String,
}

/// A rule has brought all events that existed when it began to read: the payload of the events on
/// [`CAUGHT_UP_TOPIC`](crate::bridge::CAUGHT_UP_TOPIC). Published again after each reconnect.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CaughtUp {
    /// The rule's pattern.
    pub pattern: String,
}

/// Events that are gone from a stream of the peer: the payload of the events on
/// [`GAP_TOPIC`](crate::bridge::GAP_TOPIC).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Gap {
    /// The pattern of the rule that asked for them.
    pub pattern: String,
    /// The stream that they were in.
    pub stream: String,
    /// The first offset that is gone, as a decimal number.
    pub from: String,
    /// The last one.
    pub to: String,
}

/// The state as an object of JavaScript.
#[derive(Deserialize)]
struct StateForm {
    state: Name,
    #[serde(rename = "retryInMs")]
    retry_in_ms: Option<f64>,
    code: Option<u16>,
    reason: Option<String>,
}

/// The status as an object of JavaScript. It repeats the fields of the state, so that a page that reads only the state
/// contains no code for the others.
#[derive(Deserialize)]
struct StatusForm {
    state: Name,
    #[serde(rename = "retryInMs")]
    retry_in_ms: Option<f64>,
    code: Option<u16>,
    reason: Option<String>,
    outbox: usize,
    #[serde(rename = "lastAcked")]
    last_acked: Option<Acked>,
    storage: OutboxStorage,
    persisted: Option<bool>,
    role: Role,
    #[serde(rename = "caughtUp")]
    caught_up: bool,
    gaps: u32,
    uncertain: u32,
    subject: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Connecting,
    Online,
    Offline,
    Stopped,
}

impl LinkStatus {
    /// The status of a new link.
    pub(crate) fn new() -> Self {
        Self {
            state: LinkState::Connecting,
            outbox: 0,
            last_acked: None,
            storage: OutboxStorage::IndexedDb,
            persisted: None,
            role: Role::Alone,
            caught_up: false,
            gaps: 0,
            uncertain: 0,
            subject: None,
        }
    }

    pub(crate) fn to_js(&self) -> JsValue {
        let (state, retry, code, reason) = match &self.state {
            LinkState::Connecting => ("connecting", None, None, None),
            LinkState::Online => ("online", None, None, None),
            LinkState::Offline { retry_in_ms } => ("offline", Some(*retry_in_ms), None, None),
            LinkState::Stopped { code, reason } => {
                ("stopped", None, Some(*code), Some(reason.as_str()))
            }
        };
        let acked = self.last_acked.as_ref().map(|Acked { id, offset, epoch, stream }| {
            let text = |text: &String| text.as_str().into();
            object(&[
                ("id", text(id)),
                ("offset", text(offset)),
                ("epoch", text(epoch)),
                ("stream", text(stream)),
            ])
        });
        let storage = match self.storage {
            OutboxStorage::IndexedDb => "indexeddb",
            OutboxStorage::Memory => "memory",
            OutboxStorage::Failing => "failing",
        };
        let role = match self.role {
            Role::Alone => "alone",
            Role::Leader => "leader",
            Role::Follower => "follower",
        };
        object(&[
            ("state", state.into()),
            ("retryInMs", retry.into()),
            ("code", code.into()),
            ("reason", reason.into()),
            ("outbox", (self.outbox as f64).into()),
            ("lastAcked", acked.unwrap_or_default()),
            ("storage", storage.into()),
            ("persisted", self.persisted.map_or(JsValue::UNDEFINED, Into::into)),
            ("role", role.into()),
            ("caughtUp", self.caught_up.into()),
            ("gaps", self.gaps.into()),
            ("uncertain", self.uncertain.into()),
            ("subject", self.subject.as_deref().into()),
        ])
    }
}

impl From<StateForm> for LinkState {
    fn from(form: StateForm) -> Self {
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

impl From<StatusForm> for LinkStatus {
    fn from(form: StatusForm) -> Self {
        let StatusForm { state, retry_in_ms, code, reason, .. } = form;
        let StatusForm { outbox, last_acked, storage, persisted, .. } = form;
        let StatusForm { role, caught_up, gaps, uncertain, subject, .. } = form;
        let state = StateForm { state, retry_in_ms, code, reason }.into();
        Self {
            state,
            outbox,
            last_acked,
            storage,
            persisted,
            role,
            caught_up,
            gaps,
            uncertain,
            subject,
        }
    }
}

impl From<session::client::ConnectionState> for LinkState {
    fn from(state: session::client::ConnectionState) -> Self {
        use session::client::ConnectionState as Link;
        match state {
            Link::Connecting => Self::Connecting,
            Link::Online => Self::Online,
            Link::Offline { retry_in } => Self::Offline { retry_in_ms: retry_in as f64 },
            Link::Stopped { code, reason } => Self::Stopped { code, reason },
        }
    }
}
