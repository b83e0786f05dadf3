//! The texts of the link bar.

use event_driven_kit::bridge::{CloseCode, LinkState};

/// The content of the bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The state for style and tests: `connecting`, `online`, `offline` or `stopped`.
    pub state: &'static str,
    /// A few words, announced when they change.
    pub word: &'static str,
    /// How many messages wait, or why the link has stopped.
    pub detail: Option<String>,
    /// What the button that connects says. `None` if there is nothing to do.
    pub action: Option<&'static str>,
}

/// The content for `state`, with `waiting` messages in the outbox. A failed attempt to connect again is not shown:
/// `was_offline` says that the link was offline before it was connecting.
pub fn words(state: &LinkState, was_offline: bool, waiting: usize) -> Words {
    let outbox = || (waiting > 0).then(|| [&waiting.to_string(), " waiting"].concat());
    let words = |state, word, detail, action| Words { state, word, detail, action };
    match state {
        LinkState::Online => words("online", "Online", None, None),
        LinkState::Connecting if !was_offline => words("connecting", "Connecting", outbox(), None),
        LinkState::Connecting | LinkState::Offline { .. } => {
            words("offline", "Offline", outbox(), Some("Try now"))
        }
        LinkState::Stopped { code, .. } if *code == CloseCode::Fenced.code() => {
            words("stopped", "In use elsewhere", outbox(), Some("Use here"))
        }
        LinkState::Stopped { code, .. } if *code == CloseCode::CredentialRefused.code() => {
            words("stopped", "Signed out", outbox(), Some("Sign in again"))
        }
        LinkState::Stopped { code, reason } => {
            let code = code.to_string();
            let detail = match reason.as_str() {
                "" => code,
                reason => [reason, " (", &code, ")"].concat(),
            };
            words("stopped", "Disconnected", Some(detail), Some("Connect again"))
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
        assert_eq!((offline.word, offline.detail.as_deref()), ("Offline", Some("3 waiting")));
        assert_eq!(offline.action, Some("Try now"));
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
            (words.word, words.detail, words.action.unwrap_or_default())
        };
        assert_eq!(stopped(4503, "fenced"), ("In use elsewhere", None, "Use here"));
        assert_eq!(stopped(4508, "expired"), ("Signed out", None, "Sign in again"));
        let other = |detail: &str| ("Disconnected", Some(detail.to_owned()), "Connect again");
        assert_eq!(stopped(4501, "no protocol"), other("no protocol (4501)"));
        assert_eq!(stopped(4501, ""), other("4501"));
    }
}
