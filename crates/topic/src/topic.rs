//! Topics of events.

use std::sync::Arc;

use crate::{TopicError, check};

/// A topic that events are published to, such as `chat.lobby.TEXT_MESSAGE`. Always valid, and cheap to clone.
///
/// ```
/// use topic::Topic;
/// let topic = Topic::parse("chat.lobby.TEXT_MESSAGE")?;
/// assert_eq!(topic.tokens().count(), 3);
/// assert!(Topic::parse("chat..lobby").is_err());
/// # Ok::<(), topic::TopicError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(pub(crate) Arc<str>);

impl Topic {
    /// Checks `text` against the rules of topics.
    ///
    /// # Errors
    /// A [`TopicError`] that names the broken rule.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        check(text, |_, _| false)?;
        Ok(Self(text.into()))
    }

    /// The topic as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its tokens in order, at least one.
    pub fn tokens(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.split('.')
    }

    /// Whether it belongs to the runtime, whose topics begin with `$`.
    pub fn is_system(&self) -> bool {
        self.0.starts_with('$')
    }
}
