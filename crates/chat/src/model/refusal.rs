//! What the page says about a message that was refused.

use event_driven_kit::PublishError;
use yew::AttrValue;

use crate::language::{t, t_with};

/// Why a message was not stored, in words for its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A sentence.
    pub reason: String,
    /// Whether the same message may be stored if it is sent again.
    pub can_retry: bool,
}

/// The code of a message that its author has taken back.
pub const CANCELLED: &str = "cancelled";

impl Refusal {
    /// The refusal with the protocol's `code`. The protocol's message is for developers.
    pub fn new(code: &str) -> Self {
        let (reason, can_retry) = match code {
            "too_large" => (t("It is too long."), false),
            "not_allowed" => (t("You may not write in this room."), false),
            "illegal_topic"
            | "illegal_event"
            | "bad_signature"
            | "unknown_certificate"
            | "not_signed" => (not_accepted(code), false),
            "uncertain" | "stale_number" => (t("It may have been sent already."), true),
            "expired" => (t("It waited too long for a connection."), true),
            "disk_full" => (t("The server has no room for it."), true),
            "unavailable" | "held_back" | "too_many" | "too_fast" => {
                (t("The server is too busy."), true)
            }
            _ => (not_accepted(code), true),
        };
        Self { reason: reason.to_string(), can_retry }
    }
}

fn not_accepted(code: &str) -> AttrValue {
    t_with("The server does not accept it ({code}).", &[("code", code)])
}

/// Why a message could not be published, in words for its author.
pub fn unpublished(error: &PublishError) -> AttrValue {
    match error {
        PublishError::OutboxFull(_) => {
            t("Too many messages are waiting. Send this one when some have been sent.")
        }
        PublishError::TooLarge(_) => t("This message is too long."),
        // A chat without interceptors and queues has no others.
        _ => t("This message can't be sent."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_sentence_for_people_and_only_some_can_be_retried() {
        let too_large = Refusal::new("too_large");
        assert_eq!(too_large.reason, "It is too long.");
        assert!(!too_large.can_retry);
        let denied = Refusal::new("not_allowed");
        assert_eq!(denied.reason, "You may not write in this room.");
        assert!(!denied.can_retry);
        let illegal = Refusal::new("illegal_event");
        assert_eq!(illegal.reason, "The server does not accept it (illegal_event).");
        assert!(!illegal.can_retry);
        assert!(Refusal::new("too_fast").can_retry);
        assert!(!unpublished(&PublishError::OutboxFull(9)).contains('9'));
        let unknown = Refusal::new("later");
        let reason = "The server does not accept it (later).".to_owned();
        assert_eq!(unknown, Refusal { reason, can_retry: true });
    }
}
