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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All topics of up to four tokens from a small alphabet. `z` occurs in no pattern of the tests.
    fn topics() -> Vec<Topic> {
        let tokens = ["a", "b", "$s", "z"];
        let (mut all, mut last) = (Vec::new(), vec![String::new()]);
        for _ in 0..4 {
            let longer = |start: &String| {
                tokens.map(|token| {
                    if start.is_empty() { token.to_owned() } else { format!("{start}.{token}") }
                })
            };
            last = last.iter().flat_map(longer).collect();
            all.extend(last.iter().map(|topic| Topic::parse(topic).unwrap()));
        }
        all
    }

    /// Patterns of up to three tokens, so that a topic of four is matched by a tail only.
    fn pattern() -> impl Strategy<Value = Pattern> {
        let token = prop::sample::select(vec!["a", "b", "$s", "*"]);
        (prop::collection::vec(token, 0..3), prop::sample::select(vec!["a", "b", "$s", "*", ">"]))
            .prop_map(|(mut tokens, last)| {
                tokens.push(last);
                Pattern::parse(&tokens.join(".")).unwrap()
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn a_pattern_covers_another_one_exactly_if_no_topic_is_a_witness(
            allowed in pattern(),
            wanted in pattern(),
        ) {
            let witness = topics()
                .into_iter()
                .find(|topic| wanted.matches(topic) && !allowed.matches(topic));
            prop_assert_eq!(allowed.covers(&wanted), witness.is_none(), "{:?}", witness);
        }

        #[test]
        fn a_pattern_covers_the_topics_that_it_matches(allowed in pattern()) {
            for topic in topics() {
                let matches = allowed.matches(&topic);
                prop_assert_eq!(allowed.covers(&Pattern::from(topic)), matches);
            }
        }
    }

    #[test]
    fn covering_is_about_whole_patterns() {
        for (allowed, wanted, covers) in [
            (">", "a", true),
            (">", "a.>", true),
            (">", "*", true),
            (">", ">", true),
            (">", "$bus.error", false),
            (">", "$bus.>", false),
            ("$bus.>", "$bus.*", true),
            ("*", ">", false),
            ("*.>", ">", false),
            ("*.>", "*.*", true),
            ("chat.lobby.>", "chat.*.x", false),
            ("chat.lobby.*", ">", false),
            ("chat.>", "chat", false),
            ("chat.>", "chat.*.x", true),
            ("a.*.c", "a.b.c", true),
            ("a.*.c", "a.>", false),
            ("a", "a.b", false),
        ] {
            let pattern = |text| Pattern::parse(text).unwrap();
            assert_eq!(pattern(allowed).covers(&pattern(wanted)), covers, "{allowed} {wanted}");
        }
    }
}
