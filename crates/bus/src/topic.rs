//! Topics, patterns, and the escape that turns a user's text into one token of a topic.
//!
//! The rules are those of NATS subjects: tokens separated by dots, none empty, no white space and no
//! control character. A topic is what an event is published to, so it holds no wildcard.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// The most bytes that a topic or a pattern may have, in UTF-8.
pub const MAX_TOPIC_BYTES: usize = 256;

/// What an event is published to: `chat.lobby.TEXT_MESSAGE`. Valid once it exists, cheap to clone.
///
/// ```
/// use bus::Topic;
/// let topic = Topic::parse("chat.lobby.TEXT_MESSAGE")?;
/// assert_eq!(topic.tokens().count(), 3);
/// assert!(Topic::parse("chat..lobby").is_err());
/// # Ok::<(), bus::TopicError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(Arc<str>);

/// What a subscription asks for: a topic in which `*` stands for exactly one token, and a final `>`
/// for one or more.
///
/// A leading wildcard does not match topics that begin with `$`, which belong to the runtime.
///
/// ```
/// use bus::{Pattern, Topic};
/// let pattern = Pattern::parse("chat.*.TEXT_MESSAGE")?;
/// assert!(pattern.matches(&Topic::parse("chat.lobby.TEXT_MESSAGE")?));
/// assert!(!Pattern::parse(">")?.matches(&Topic::parse("$bus.error")?));
/// # Ok::<(), bus::TopicError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Arc<str>);

/// Why a text is no topic or no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// The text is empty, or two dots stand side by side, or one stands at an end.
    #[error("a token is empty: put at least one character between dots")]
    EmptyToken,
    /// More than [`MAX_TOPIC_BYTES`].
    #[error("{0} bytes are too many for a topic: at most {MAX_TOPIC_BYTES}")]
    TooLong(usize),
    /// White space or a control character.
    // A code point, not `{:?}`, whose tables of printable characters a browser would have to download.
    #[error("U+{:04X} may not stand in a topic: escape text from users with `escape_token`", u32::from(*.0))]
    IllegalCharacter(char),
    /// A wildcard in a topic, or one inside a longer token, or a `>` that is not last.
    #[error(
        "a wildcard stands where none may: `*` is a whole token, `>` the last one, of a pattern only"
    )]
    MisplacedWildcard,
}

impl From<Infallible> for TopicError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Topic {
    /// Checks `text` against the rules of topics.
    ///
    /// # Errors
    /// A [`TopicError`] that names the rule which `text` breaks.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        check(text, |_, _| false)?;
        Ok(Self(text.into()))
    }

    /// The topic as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its tokens, in order; at least one.
    pub fn tokens(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.split('.')
    }

    /// Whether it belongs to the runtime: begins with `$`.
    pub fn is_system(&self) -> bool {
        self.0.starts_with('$')
    }
}

impl Pattern {
    /// Checks `text` against the rules of patterns.
    ///
    /// # Errors
    /// A [`TopicError`] that names the rule which `text` breaks.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        check(text, |token, is_last| token == "*" || (token == ">" && is_last))?;
        Ok(Self(text.into()))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its tokens, in order; at least one.
    pub fn tokens(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.split('.')
    }

    /// The one topic it matches, if it holds no wildcard.
    pub fn as_topic(&self) -> Option<Topic> {
        let exact = self.tokens().all(|token| token != "*" && token != ">");
        exact.then(|| Topic(self.0.clone()))
    }

    /// Whether it asks for topics of the runtime: begins with `$`.
    pub(crate) fn is_system(&self) -> bool {
        self.0.starts_with('$')
    }

    /// Whether it matches `topic`.
    pub fn matches(&self, topic: &Topic) -> bool {
        let mut wanted = self.tokens();
        let mut tokens = topic.tokens();
        let mut leading = topic.is_system();
        loop {
            match (wanted.next(), tokens.next()) {
                (Some("*" | ">"), Some(_)) if leading => return false,
                (Some(">"), Some(_)) => return true,
                (Some("*"), Some(_)) => {}
                (Some(want), Some(token)) if want == token => {}
                (None, None) => return true,
                _ => return false,
            }
            leading = false;
        }
    }
}

impl From<Topic> for Pattern {
    /// The pattern that matches this topic only.
    fn from(topic: Topic) -> Self {
        Self(topic.0)
    }
}

/// Makes one token of any text, so that what users type (a room's name) can stand in a topic.
///
/// Percent-encodes (RFC 3986) what a token may not hold: white space, control characters, `.`, `*`,
/// `>`, `%` itself, and a `$` so that nobody's text becomes a topic of the runtime. An empty text
/// becomes `%`, which no other text does. [`unescape_token`] gives the text back.
///
/// ```
/// assert_eq!(bus::escape_token("tea & cake. *"), "tea%20&%20cake%2E%20%2A");
/// assert_eq!(bus::unescape_token("tea%20&%20cake%2E%20%2A"), "tea & cake. *");
/// ```
pub fn escape_token(text: &str) -> String {
    const RESERVED: &AsciiSet =
        &CONTROLS.add(b' ').add(b'.').add(b'*').add(b'>').add(b'%').add(b'$');
    if text.is_empty() {
        return "%".to_owned();
    }
    let mut token = String::with_capacity(text.len());
    for character in text.chars() {
        let mut utf8 = [0; 4];
        let utf8 = character.encode_utf8(&mut utf8);
        if character.is_ascii() {
            token.extend(utf8_percent_encode(utf8, RESERVED));
        } else if is_illegal(character) {
            token.extend(utf8_percent_encode(utf8, CONTROLS));
        } else {
            token.push(character);
        }
    }
    token
}

/// Gives back the text from which [`escape_token`] made `token`.
///
/// What is no escape is kept as it stands, so that any token can be shown.
pub fn unescape_token(token: &str) -> String {
    if token == "%" {
        return String::new();
    }
    percent_decode_str(token).decode_utf8_lossy().into_owned()
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

/// What topics and patterns share: they read as the text they were made from.
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
    fn a_wildcard_is_a_whole_token_and_a_tail_is_last() {
        for good in ["*", ">", "a.*.b", "*.*", "a.>", "*.>"] {
            assert!(Pattern::parse(good).is_ok(), "{good:?}");
        }
        for bad in ["a*", "*a.b", ">.a", "a.>.b", ">>", "**"] {
            assert_eq!(Pattern::parse(bad), Err(TopicError::MisplacedWildcard), "{bad:?}");
        }
    }

    #[test]
    fn a_star_stands_for_one_token_and_a_tail_for_one_or_more() {
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
    fn any_text_becomes_a_token_and_comes_back() {
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
