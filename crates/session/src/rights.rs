//! The rights and the identity of a client: the pure part of access control. `Server` enforces it.

mod subject;

use std::fmt;
use std::sync::Arc;

use topic::{Pattern, Topic, TopicError};

use crate::thumbprint::Thumbprint;
pub use subject::{Subject, SubjectError};

/// The maximum number of patterns in one list.
pub const MAX_PATTERNS: usize = 64;

/// Stands for the subject in the pattern of a right.
const PLACEHOLDER: &str = "{sub}";

/// What a client may do with topics: for each [`Right`] a list of patterns. What no pattern covers is forbidden.
/// Certificates of keys are the exception: clients with any right may read them by their exact topic, and send their
/// own.
///
/// In lists, the token `{sub}` stands for the [escaped](Subject::escaped) subject. [`Rights::for_subject`] replaces
/// it; a server does so when it is [granted](crate::server::Server::granted) the rights.
///
/// ```
/// use session::rights::{PatternLists, Right, Subject};
/// use topic::{Pattern, Topic};
///
/// let lists = PatternLists {
///     publish: Some(vec!["chat.*.>".to_owned()]),
///     subscribe: Some(vec!["chat.>".to_owned(), "person.{sub}.>".to_owned()]),
///     ..PatternLists::default()
/// };
/// let rights = lists.parse()?.for_subject(&Subject::account("ann")?);
/// assert!(rights.allow(Right::Publish, &Topic::parse("chat.lobby.TEXT_MESSAGE")?));
/// assert!(rights.cover(Right::Subscribe, &Pattern::parse("person.ann.room.*")?));
/// assert!(!rights.cover(Right::Subscribe, &Pattern::parse("person.bob.>")?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Rights(Option<Arc<[Vec<Pattern>; Right::ALL.len()]>>);

/// One kind of right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Right {
    /// To publish events, durable or ephemeral.
    Publish = 0,
    /// To subscribe to events from now on.
    Subscribe = 1,
    /// To join a topic, and to watch its occupants.
    Presence = 2,
    /// To read logged events: history, and subscriptions that start in the past.
    History = 3,
    /// To delete the events of others.
    Moderate = 4,
}

/// The patterns of [`Rights`] as text, for example from a token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatternLists {
    /// [`Right::Publish`]. Nothing if absent.
    pub publish: Option<Vec<String>>,
    /// [`Right::Subscribe`]. Nothing if absent.
    pub subscribe: Option<Vec<String>>,
    /// [`Right::Presence`]. The list of `subscribe` if absent.
    pub presence: Option<Vec<String>>,
    /// [`Right::History`]. The list of `subscribe` if absent.
    pub history: Option<Vec<String>>,
    /// [`Right::Moderate`]. Nothing if absent.
    pub moderate: Option<Vec<String>>,
}

/// Why lists of patterns are not valid rights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RightsError {
    /// A list is too long.
    #[error("{1} patterns for {0}: a list may have at most {MAX_PATTERNS}, so use wildcards")]
    TooMany(Right, usize),
    /// A pattern is invalid.
    #[error("invalid pattern {1:?} for {0}: {2}")]
    Pattern(Right, String, TopicError),
    /// A pattern could become too long for a topic.
    #[error(
        "the pattern {1:?} for {0} is too long: with a subject of {subject} bytes it would exceed a topic's {topic} bytes",
        subject = Subject::MAX_BYTES,
        topic = topic::MAX_TOPIC_BYTES
    )]
    TooLong(Right, String),
    /// A token has braces but is not the placeholder.
    #[error(
        "the pattern {1:?} for {0} has a token with braces: only the whole token `{{sub}}` may have them"
    )]
    Placeholder(Right, String),
}

impl Right {
    /// All kinds, by number.
    pub const ALL: [Self; 5] =
        [Self::Publish, Self::Subscribe, Self::Presence, Self::History, Self::Moderate];

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::Presence => "presence",
            Self::History => "history",
            Self::Moderate => "moderate",
        }
    }
}

/// Whether a topic or a pattern is that of one key's certificates. A pattern with wildcards is not: it would list the
/// certificates of all accounts.
fn is_of_a_key(topic: &str) -> bool {
    Thumbprint::from_topic(topic).is_some()
}

impl fmt::Display for Right {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl PatternLists {
    /// Checks the patterns.
    ///
    /// # Errors
    /// A [`RightsError`] that names the list and the pattern.
    pub fn parse(&self) -> Result<Rights, RightsError> {
        let subscribe = self.subscribe.as_deref().unwrap_or_default();
        let publish = patterns(Right::Publish, self.publish.as_deref().unwrap_or_default())?;
        let moderate = patterns(Right::Moderate, self.moderate.as_deref().unwrap_or_default())?;
        let subscribe = patterns(Right::Subscribe, subscribe)?;
        let or_subscribe = |right, list: &Option<Vec<String>>| match list {
            Some(list) => patterns(right, list),
            None => Ok(subscribe.clone()),
        };
        let presence = or_subscribe(Right::Presence, &self.presence)?;
        let history = or_subscribe(Right::History, &self.history)?;
        Ok(Rights::of([publish, subscribe, presence, history, moderate]))
    }
}

fn patterns(right: Right, texts: &[String]) -> Result<Vec<Pattern>, RightsError> {
    if texts.len() > MAX_PATTERNS {
        return Err(RightsError::TooMany(right, texts.len()));
    }
    let pattern = |text: &String| {
        let pattern = Pattern::parse(text)
            .map_err(|error| RightsError::Pattern(right, text.clone(), error))?;
        let is_foreign = |token: &str| token != PLACEHOLDER && token.contains(['{', '}']);
        if pattern.tokens().any(is_foreign) {
            return Err(RightsError::Placeholder(right, text.clone()));
        }
        let subjects = pattern.tokens().filter(|token| *token == PLACEHOLDER).count();
        let longest = text.len() + subjects * (Subject::MAX_BYTES - PLACEHOLDER.len());
        if longest > topic::MAX_TOPIC_BYTES {
            return Err(RightsError::TooLong(right, text.clone()));
        }
        Ok(pattern)
    };
    texts.iter().map(pattern).collect()
}

impl Rights {
    /// Everything except [`Right::Moderate`]: the rights of all clients of a peer without an authority.
    pub const fn all() -> Self {
        Self(None)
    }

    /// Nothing.
    pub fn none() -> Self {
        Self::of(Default::default())
    }

    /// By the numbers of [`Right`].
    pub(crate) fn of(lists: [Vec<Pattern>; Right::ALL.len()]) -> Self {
        Self(Some(lists.into()))
    }

    /// The rights of a subject: replaces `{sub}` in the patterns.
    pub fn for_subject(&self, subject: &Subject) -> Self {
        let Some(lists) = &self.0 else { return Self(None) };
        // Only placeholders have braces.
        let has_placeholder = |pattern: &Pattern| pattern.as_str().contains('{');
        if !lists.iter().flatten().any(has_placeholder) {
            return self.clone();
        }
        let of_subject = |pattern: &Pattern| {
            if pattern.tokens().all(|token| token != PLACEHOLDER) {
                return Some(pattern.clone());
            }
            let tokens = pattern.tokens();
            let tokens =
                tokens.map(|token| if token == PLACEHOLDER { subject.escaped() } else { token });
            // Checked when they were parsed, so all of them are valid.
            Pattern::parse(&tokens.collect::<Vec<_>>().join(".")).ok()
        };
        let replaced = |list: &Vec<Pattern>| list.iter().filter_map(of_subject).collect();
        Self::of(lists.each_ref().map(replaced))
    }

    /// Whether these are [`Rights::all`].
    pub fn are_all(&self) -> bool {
        self.0.is_none()
    }

    /// The patterns of a right. `None` for [`Rights::all`], which has no lists.
    pub fn patterns(&self, right: Right) -> Option<&[Pattern]> {
        Some(&self.0.as_ref()?[right as usize])
    }

    /// Whether one of the patterns matches a topic.
    pub fn allow(&self, right: Right, topic: &Topic) -> bool {
        match self.patterns(right) {
            None => right != Right::Moderate,
            Some(patterns) => {
                patterns.iter().any(|pattern| pattern.matches(topic))
                    || self.reach_certificates(right) && is_of_a_key(topic.as_str())
            }
        }
    }

    /// Whether certificates can be sent and read: any right suffices. The peer checks what is sent by other rules.
    fn reach_certificates(&self, right: Right) -> bool {
        matches!(right, Right::Publish | Right::Subscribe | Right::History)
            && self.0.iter().any(|lists| lists.iter().any(|list| !list.is_empty()))
    }

    /// Whether one of the patterns covers all topics of `wanted`.
    pub fn cover(&self, right: Right, wanted: &Pattern) -> bool {
        match self.patterns(right) {
            None => right != Right::Moderate,
            Some(patterns) => {
                patterns.iter().any(|pattern| pattern.covers(wanted))
                    || self.reach_certificates(right) && is_of_a_key(wanted.as_str())
            }
        }
    }
}

impl Default for Rights {
    /// [`Rights::all`].
    fn default() -> Self {
        Self::all()
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(lists) = &self.0 else { return out.write_str("all") };
        let lists = Right::ALL.iter().zip(lists.iter());
        out.debug_map().entries(lists.filter(|(_, list)| !list.is_empty())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(patterns: &[&str]) -> Option<Vec<String>> {
        Some(patterns.iter().map(|pattern| (*pattern).to_owned()).collect())
    }

    fn subscribe(patterns: &[&str]) -> PatternLists {
        PatternLists { subscribe: list(patterns), ..PatternLists::default() }
    }

    #[test]
    fn what_no_list_names_is_forbidden_and_reading_follows_the_subscriptions() {
        let rights = subscribe(&["chat.>"]).parse().unwrap();
        let topic = Topic::parse("chat.lobby").unwrap();
        let allowed = Right::ALL.map(|right| rights.allow(right, &topic));
        assert_eq!(allowed, [false, true, true, true, false]);
        let without =
            PatternLists { history: list(&[]), presence: list(&["x"]), ..subscribe(&["chat.>"]) };
        let allowed = Right::ALL.map(|right| without.parse().unwrap().allow(right, &topic));
        assert_eq!(allowed, [false, true, false, false, false]);
        assert_eq!(PatternLists::default().parse().unwrap(), Rights::none());
    }

    #[test]
    fn all_rights_do_not_include_moderation() {
        let (topic, all) = (Topic::parse("a").unwrap(), Rights::all());
        let allowed = Right::ALL.map(|right| all.allow(right, &topic));
        assert_eq!(allowed, [true, true, true, true, false]);
        let everything = Pattern::parse(">").unwrap();
        let covered = Right::ALL.map(|right| all.cover(right, &everything));
        assert_eq!(covered, allowed);
    }

    #[test]
    fn the_certificates_of_a_key_are_for_all_who_have_a_right_and_not_as_a_list() {
        let topic = Topic::parse(&Thumbprint([7; 32]).topic()).unwrap();
        let exact = Pattern::parse(topic.as_str()).unwrap();
        let some = subscribe(&["chat.>"]).parse().unwrap();
        assert_eq!(
            Right::ALL.map(|right| some.allow(right, &topic)),
            [true, true, false, true, false]
        );
        assert_eq!(
            Right::ALL.map(|right| some.cover(right, &exact)),
            [true, true, false, true, false]
        );
        for pattern in ["certs.*", "certs.>", "certs.revoked", "*.>"] {
            assert!(!some.cover(Right::History, &Pattern::parse(pattern).unwrap()), "{pattern}");
        }
        let none = Rights::none();
        assert!(!none.allow(Right::Publish, &topic) && !none.cover(Right::Subscribe, &exact));
    }

    #[test]
    fn the_placeholder_becomes_the_escaped_subject() {
        let rights = subscribe(&["person.{sub}.>", "{sub}", "all.*"]).parse().unwrap();
        let rights = rights.for_subject(&Subject::account("a.*").unwrap());
        let patterns = rights.patterns(Right::Subscribe).unwrap();
        assert_eq!(format!("{patterns:?}"), r#"["person.a%2E%2A.>", "a%2E%2A", "all.*"]"#);
        let guest = Subject::guest(&[0xab; 16]);
        let rights = subscribe(&["{sub}"]).parse().unwrap().for_subject(&guest);
        assert!(
            rights
                .allow(Right::Subscribe, &Topic::parse(&format!("~{}", "ab".repeat(16))).unwrap())
        );
    }

    #[test]
    fn the_errors_of_lists_say_what_to_change() {
        let said = |patterns: &[&str]| subscribe(patterns).parse().unwrap_err().to_string();
        assert!(
            said(&["a..b"]).starts_with(r#"invalid pattern "a..b" for subscribe: empty token"#)
        );
        assert!(said(&["a.{user}"]).contains("only the whole token `{sub}`"));
        assert!(said(&["a.x{sub}"]).contains("only the whole token `{sub}`"));
        let long = format!("{}.{{sub}}", "x".repeat(192));
        assert!(said(&[&long]).contains("is too long: with a subject of 64 bytes"));
        assert!(subscribe(&[&long[1..]]).parse().is_ok());
        assert!(
            said(&["a"; 65]).starts_with("65 patterns for subscribe: a list may have at most 64")
        );
        assert!(subscribe(&["a"; 64]).parse().is_ok());
    }
}
