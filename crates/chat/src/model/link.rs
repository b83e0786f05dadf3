//! The texts of the link bar.

use event_driven_kit::bridge::{CloseCode, LinkState};
use yew::AttrValue;

use crate::language::{t, t_count};

/// The content of the bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The state for style and tests: `connecting`, `online`, `offline`, `stopped` or `replay`.
    pub state: &'static str,
    /// A few words, announced when they change.
    pub word: AttrValue,
    /// How many messages wait, or the code with which the link has stopped.
    pub detail: Option<AttrValue>,
    /// What the button that connects says. `None` if there is nothing to do.
    pub action: Option<AttrValue>,
}

/// The content of a page without a link, which replays a recording.
pub fn replay() -> Words {
    Words { state: "replay", word: t("Replay"), detail: None, action: None }
}

/// The content for `state`, with `waiting` messages in the outbox. A failed attempt to connect again is not shown:
/// `was_offline` says that the link was offline before it was connecting.
pub fn words(state: &LinkState, was_offline: bool, waiting: usize) -> Words {
    let outbox = || (waiting > 0).then(|| t_count("{n} waiting", "{n} waiting", waiting as u64));
    let words = |state, word, detail, action| Words { state, word, detail, action };
    match state {
        LinkState::Online => words("online", t("Online"), None, None),
        LinkState::Connecting if !was_offline => {
            words("connecting", t("Connecting"), outbox(), None)
        }
        LinkState::Connecting | LinkState::Offline { .. } => {
            words("offline", t("Offline"), outbox(), Some(t("Try now")))
        }
        LinkState::Stopped { code, .. } if *code == CloseCode::Fenced.code() => {
            words("stopped", t("In use elsewhere"), outbox(), Some(t("Use here")))
        }
        LinkState::Stopped { code, .. } if *code == CloseCode::CredentialRefused.code() => {
            words("stopped", t("Signed out"), outbox(), Some(t("Sign in again")))
        }
        // The reason is for developers.
        LinkState::Stopped { code, .. } => {
            let code = code.to_string().into();
            words("stopped", t("Disconnected"), Some(code), Some(t("Connect again")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFLINE: LinkState = LinkState::Offline { retry_in_ms: 2_500.0 };

    #[test]
    fn an_offline_link_says_how_many_messages_wait_and_can_be_tried_now() {
        let offline = words(&OFFLINE, false, 3);
        assert_eq!((&*offline.word, offline.detail.as_deref()), ("Offline", Some("3 waiting")));
        assert_eq!(offline.action.as_deref(), Some("Try now"));
        assert_eq!(words(&OFFLINE, false, 0).detail, None);
    }

    #[test]
    fn each_attempt_to_connect_again_looks_the_same_as_the_wait() {
        assert_eq!(words(&LinkState::Connecting, true, 1), words(&OFFLINE, false, 1));
        assert_eq!(words(&LinkState::Connecting, false, 1).action, None);
    }

    #[test]
    fn a_stopped_link_says_why_and_what_to_do() {
        let stopped = |code, reason: &str| {
            let words = words(&LinkState::Stopped { code, reason: reason.into() }, false, 0);
            assert_eq!(words.state, "stopped");
            [Some(words.word), words.detail, words.action].map(Option::unwrap_or_default)
        };
        assert_eq!(stopped(4503, "fenced"), ["In use elsewhere", "", "Use here"]);
        assert_eq!(stopped(4508, "expired"), ["Signed out", "", "Sign in again"]);
        assert_eq!(stopped(4501, "no protocol"), ["Disconnected", "4501", "Connect again"]);
    }
}
