//! Topics, patterns, and the escape that turns any text into one token of a topic; and the forms of an event's data.
//!
//! The rules are those of [NATS subjects](https://docs.nats.io/nats-concepts/subjects): tokens are separated by
//! dots, and contain no white space and no control characters. Events are published to a [`Topic`], which has no
//! wildcards. A [`Pattern`] may contain `*` and end with `>`.
//!
//! ```
//! use topic::{Pattern, Topic, escape_token};
//! let topic = Topic::parse(&format!("chat.{}.TEXT_MESSAGE", escape_token("tea & cake")))?;
//! assert!(Pattern::parse("chat.*.TEXT_MESSAGE")?.matches(&topic));
//! # Ok::<(), topic::TopicError>(())
//! ```

mod media;
mod pattern;
mod token;
mod topic;

use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt;

pub use crate::topic::Topic;
pub use media::Form;
pub use pattern::Pattern;
pub use token::{escape_token, unescape_token};

/// The maximal length of a topic or a pattern, in bytes of UTF-8.
pub const MAX_TOPIC_BYTES: usize = 256;

/// Why a text is not a valid topic or pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// The text is empty, begins or ends with a dot, or has two dots in a row.
    #[error("empty token: put at least one character between dots")]
    EmptyToken,
    /// The text is longer than [`MAX_TOPIC_BYTES`].
    #[error("{0} bytes are too long for a topic: at most {MAX_TOPIC_BYTES}")]
    TooLong(usize),
    /// The text contains white space or a control character.
    // A code point and not `{:?}`, whose tables of printable characters would make the wasm module larger.
    #[error("invalid character U+{:04X} in a topic: escape text from users with `escape_token`", u32::from(*.0))]
    IllegalCharacter(char),
    /// A wildcard in a topic or inside a longer token, or a `>` that is not last.
    #[error(
        "misplaced wildcard: `*` must be a whole token and `>` the last one, and only patterns may hold them"
    )]
    MisplacedWildcard,
}

impl From<Infallible> for TopicError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

fn check(text: &str, is_wildcard: impl Fn(&str, bool) -> bool) -> Result<(), TopicError> {
    if text.len() > MAX_TOPIC_BYTES {
        return Err(TopicError::TooLong(text.len()));
    }
    let mut tokens = text.split('.').peekable();
    while let Some(token) = tokens.next() {
        if token.is_empty() {
            return Err(TopicError::EmptyToken);
        }
        if let Some(illegal) = token.chars().find(|&character| is_illegal(character)) {
            return Err(TopicError::IllegalCharacter(illegal));
        }
        if token.contains(['*', '>']) && !is_wildcard(token, tokens.peek().is_none()) {
            return Err(TopicError::MisplacedWildcard);
        }
    }
    Ok(())
}

fn is_illegal(character: char) -> bool {
    character.is_whitespace() || character.is_control()
}

/// Conversions of topics and patterns.
macro_rules! reads_as_text {
    ($($name:ident)*) => {$(
        impl TryFrom<&str> for $name {
            type Error = TopicError;
            fn try_from(text: &str) -> Result<Self, TopicError> {
                Self::parse(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = TopicError;
            fn try_from(text: String) -> Result<Self, TopicError> {
                Self::parse(&text)
            }
        }
        impl TryFrom<&String> for $name {
            type Error = TopicError;
            fn try_from(text: &String) -> Result<Self, TopicError> {
                Self::parse(text)
            }
        }
        impl From<&$name> for $name {
            fn from(same: &$name) -> Self {
                same.clone()
            }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, out)
            }
        }
    )*};
}
reads_as_text!(Topic Pattern);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_follows_the_rules_of_nats_subjects() {
        for good in ["a", "chat.lobby.TEXT_MESSAGE", "$bus.error", "räume.日本.🙂", "a-b_c.d%20"]
        {
            assert_eq!(Topic::parse(good).map(|topic| topic.to_string()), Ok(good.to_owned()));
        }
        for empty in ["", ".", "a.", ".a", "a..b"] {
            assert_eq!(Topic::parse(empty), Err(TopicError::EmptyToken), "{empty:?}");
        }
        for illegal in ["a b", "a.\t", "a\u{0}", "a\u{85}", "a\u{a0}b", "a\u{2028}"] {
            let found = Topic::parse(illegal);
            assert!(matches!(found, Err(TopicError::IllegalCharacter(_))), "{illegal:?}");
        }
        for wild in ["*", ">", "a.*", "a.>", "a*b", "x>"] {
            assert_eq!(Topic::parse(wild), Err(TopicError::MisplacedWildcard), "{wild:?}");
        }
        assert!(Topic::parse(&"x".repeat(256)).is_ok());
        assert_eq!(Topic::parse(&"x".repeat(257)), Err(TopicError::TooLong(257)));
    }

    #[test]
    fn a_wildcard_is_a_whole_token_and_a_tail_is_the_last_one() {
        for good in ["*", ">", "a.*.b", "*.*", "a.>", "*.>"] {
            assert!(Pattern::parse(good).is_ok(), "{good:?}");
        }
        for bad in ["a*", "*a.b", ">.a", "a.>.b", ">>", "**"] {
            assert_eq!(Pattern::parse(bad), Err(TopicError::MisplacedWildcard), "{bad:?}");
        }
    }

    #[test]
    fn a_star_matches_one_token_and_a_tail_one_or_more() {
        let matches = |pattern: &str, topic: &str| {
            Pattern::parse(pattern).unwrap().matches(&Topic::parse(topic).unwrap())
        };
        assert!(matches("a.*.c", "a.b.c"));
        assert!(!matches("a.*", "a"));
        assert!(!matches("a.*", "a.b.c"));
        assert!(matches("a.>", "a.b.c"));
        assert!(!matches("a.>", "a"));
        assert!(matches("*", "a"));
        assert!(!matches("a", "b"));
    }

    #[test]
    fn a_leading_wildcard_matches_no_topic_of_the_runtime() {
        let error = Topic::parse("$bus.error").unwrap();
        for (pattern, matches) in
            [(">", false), ("*.error", false), ("*.>", false), ("$bus.>", true), ("$bus.*", true)]
        {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(&error), matches, "{pattern}");
        }
    }

    #[test]
    fn any_text_can_be_escaped_and_unescaped() {
        for text in
            ["", "lobby", "a.b", "5 % of *", "$bus", ">", "日本 語", "\u{2028}\u{7f}\n", "%", "🙂"]
        {
            let token = escape_token(text);
            let topic = Topic::parse(&token);
            assert!(
                topic.is_ok_and(|topic| !topic.is_system() && topic.tokens().count() == 1),
                "{text:?}"
            );
            assert_eq!(unescape_token(&token), text);
        }
    }
}
