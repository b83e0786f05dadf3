//! Patterns of topics.

use std::sync::Arc;

use crate::{Topic, TopicError, check};

/// A pattern of topics, in which `*` matches exactly one token and a final `>` matches one or more.
///
/// A leading wildcard does not match topics that begin with `$`, which belong to the runtime.
///
/// ```
/// use topic::{Pattern, Topic};
/// let pattern = Pattern::parse("chat.*.TEXT_MESSAGE")?;
/// assert!(pattern.matches(&Topic::parse("chat.lobby.TEXT_MESSAGE")?));
/// assert!(!Pattern::parse(">")?.matches(&Topic::parse("$bus.error")?));
/// # Ok::<(), topic::TopicError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(pub(crate) Arc<str>);

impl Pattern {
    /// Checks `text` against the rules of patterns.
    ///
    /// # Errors
    /// A [`TopicError`] that names the broken rule.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        check(text, |token, is_last| token == "*" || (token == ">" && is_last))?;
        Ok(Self(text.into()))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its tokens in order, at least one.
    pub fn tokens(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.split('.')
    }

    /// The only topic it matches, if it has no wildcards.
    pub fn as_topic(&self) -> Option<Topic> {
        let exact = self.tokens().all(|token| token != "*" && token != ">");
        exact.then(|| Topic(self.0.clone()))
    }

    /// Whether it matches topics of the runtime, which begin with `$`.
    pub fn is_system(&self) -> bool {
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

    /// Whether it matches every topic that `other` matches.
    ///
    /// ```
    /// use topic::Pattern;
    /// let allowed = Pattern::parse("chat.lobby.>")?;
    /// assert!(allowed.covers(&Pattern::parse("chat.lobby.*")?));
    /// assert!(!allowed.covers(&Pattern::parse("chat.*.TEXT_MESSAGE")?));
    /// # Ok::<(), topic::TopicError>(())
    /// ```
    pub fn covers(&self, other: &Self) -> bool {
        let mut tokens = other.tokens();
        let mut leading = other.is_system();
        for want in self.tokens() {
            match (want, tokens.next()) {
                // A wildcard of `other` in this place matches no topic of the runtime, so only its text counts.
                ("*" | ">", Some(_)) if leading => return false,
                (">", Some(_)) => return true,
                (_, Some(">")) => return false,
                ("*", Some(_)) => {}
                (_, Some(token)) if want == token => {}
                _ => return false,
            }
            leading = false;
        }
        tokens.next().is_none()
    }
}

impl From<Topic> for Pattern {
    /// The pattern that matches only this topic.
    fn from(topic: Topic) -> Self {
        Self(topic.0)
    }
}
