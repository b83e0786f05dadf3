//! What the page says about a message that was refused.

use event_driven_kit::PublishError;

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
    /// The refusal with the protocol's `code` and `message`.
    pub fn new(code: &str, message: &str) -> Self {
        let (reason, can_retry) = match code {
            "too_large" => ("It is too long.", false),
            "not_allowed" => ("You may not write in this room.", false),
            "illegal_topic"
            | "illegal_event"
            | "bad_signature"
            | "unknown_certificate"
            | "not_signed" => {
                let reason = ["The server does not accept it: ", message, "."].concat();
                return Self { reason, can_retry: false };
            }
            "uncertain" | "stale_number" => ("It may have been sent already.", true),
            "expired" => ("It waited too long for a connection.", true),
            "disk_full" => ("The server has no room for it.", true),
            "unavailable" | "held_back" | "too_many" | "too_fast" => {
                ("The server is too busy.", true)
            }
            _ => return Self { reason: message.to_owned(), can_retry: true },
        };
        Self { reason: reason.to_owned(), can_retry }
    }
}

/// Why a message could not be published, in words for its author.
pub fn unpublished(error: &PublishError) -> String {
    match error {
        PublishError::OutboxFull(_) => {
            "Too many messages are waiting. Send this one when some have been sent.".to_owned()
        }
        PublishError::TooLarge(_) => "This message is too long.".to_owned(),
        // A chat without interceptors and queues has no others.
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_sentence_for_people_and_only_some_can_be_retried() {
        let too_large = Refusal::new("too_large", "an event may have 262144 bytes");
        assert_eq!(too_large.reason, "It is too long.");
        assert!(!too_large.can_retry);
        let denied = Refusal::new("not_allowed", "no rule allows to publish here");
        assert_eq!(denied.reason, "You may not write in this room.");
        assert!(!denied.can_retry);
        let illegal = Refusal::new("illegal_event", "it has no id");
        assert_eq!(illegal.reason, "The server does not accept it: it has no id.");
        assert!(!illegal.can_retry);
        assert!(Refusal::new("too_fast", "").can_retry);
        assert!(!unpublished(&PublishError::OutboxFull(9)).contains('9'));
        let unknown = Refusal::new("a code of a later version", "not today");
        assert_eq!(unknown, Refusal { reason: "not today".to_owned(), can_retry: true });
    }
}
