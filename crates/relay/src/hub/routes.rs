//! Finds the connections that want a topic, without looking at all patterns.
//!
//! The patterns stand in the order of their texts, in which those with the same first tokens are neighbours. A
//! topic is led down that order token by token, to the patterns that have its token or a wildcard there, and
//! skips what all that are left have in common. So what others subscribe to costs nothing here unless it matches.

use std::collections::btree_map::{BTreeMap, Range};
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use topic::{Pattern, Topic};

/// The most topics whose receivers are remembered; beyond, all are worked out again. With the topic a route
/// takes at most half a kilobyte, and eight bytes for each receiver.
const REMEMBERED: usize = 16_384;
/// The most receivers in all of these.
const RECEIVERS: usize = 1 << 20;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Routes {
    patterns: BTreeMap<Pattern, BTreeSet<usize>>,
    /// Of topics that were used. Each belongs to an edition.
    remembered: HashMap<Topic, (u64, Arc<[usize]>)>,
    /// How many receivers these have.
    receivers: usize,
    /// Counts the changes of patterns with wildcards.
    edition: u64,
    #[cfg(test)]
    pub(super) looked_at: usize,
}

impl Routes {
    /// Adds or removes a pattern of a connection.
    pub(super) fn change(&mut self, pattern: &Pattern, key: usize, wants: bool) {
        if wants {
            self.patterns.entry(pattern.clone()).or_default().insert(key);
        } else if let Some(keys) = self.patterns.get_mut(pattern) {
            keys.remove(&key);
            if keys.is_empty() {
                self.patterns.remove(pattern);
            }
        }
        if pattern.tokens().any(|token| matches!(token, "*" | ">")) {
            self.edition += 1;
        } else if let Some((_, route)) = self.remembered.remove(pattern.as_str()) {
            self.receivers -= route.len();
        }
    }

    /// The connections that want a topic, each once.
    pub(super) fn of(&mut self, topic: &Topic) -> Arc<[usize]> {
        if let Some((edition, keys)) = self.remembered.get(topic)
            && *edition == self.edition
        {
            return Arc::clone(keys);
        }
        let tokens: Vec<&str> = topic.tokens().collect();
        let patterns = &self.patterns;
        let mut search = Search {
            patterns,
            topic,
            tokens: &tokens,
            found: Vec::new(),
            #[cfg(test)]
            looked_at: 0,
        };
        search.below(&mut String::new(), 0);
        #[cfg(test)]
        (self.looked_at += search.looked_at);
        let found = search.found;
        let keys: Arc<[usize]> = match found[..] {
            [keys] => keys.iter().copied().collect(),
            _ => {
                let mut keys: Vec<usize> = found.into_iter().flatten().copied().collect();
                keys.sort();
                keys.dedup();
                Arc::from(keys)
            }
        };
        if self.remembered.len() >= REMEMBERED || self.receivers + keys.len() > RECEIVERS {
            self.remembered.clear();
            self.receivers = 0;
        }
        self.receivers += keys.len();
        let before = self.remembered.insert(topic.clone(), (self.edition, Arc::clone(&keys)));
        self.receivers -= before.map_or(0, |(_, keys)| keys.len());
        keys
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.patterns.len()
    }
}

/// A topic on its way down.
struct Search<'r> {
    patterns: &'r BTreeMap<Pattern, BTreeSet<usize>>,
    topic: &'r Topic,
    tokens: &'r [&'r str],
    /// The receivers of each pattern that matches.
    found: Vec<&'r BTreeSet<usize>>,
    #[cfg(test)]
    looked_at: usize,
}

impl<'r> Search<'r> {
    /// Finds those that match among the patterns that begin with `prefix`, which is empty or ends with a dot and
    /// matches the first `matched` tokens.
    fn below(&mut self, prefix: &mut String, mut matched: usize) {
        let length = prefix.len();
        #[cfg(test)]
        (self.looked_at += 1);
        let Some((first, keys)) = self.beginning_with(prefix).next() else { return };
        let Some((last, _)) = self.beginning_with(prefix).next_back() else { return };
        if first == last {
            if first.matches(self.topic) {
                self.found.push(keys);
            }
            return;
        }
        // What all of them have in common, in whole tokens.
        let common = common(first.as_str(), last.as_str());
        for token in first.as_str()[length..common].split_terminator('.') {
            if !self.takes(token, matched) {
                return;
            }
            matched += 1;
        }
        prefix.push_str(&first.as_str()[length..common]);
        if let Some(&token) = self.tokens.get(matched) {
            if self.takes(">", matched) {
                self.exactly(prefix, ">");
            }
            // A topic has no wildcard, so that these are two.
            for next in ["*", token] {
                if self.takes(next, matched) {
                    self.step(prefix, next, matched);
                }
            }
        }
        prefix.truncate(length);
    }

    fn step(&mut self, prefix: &mut String, next: &str, matched: usize) {
        if matched + 1 == self.tokens.len() {
            return self.exactly(prefix, next);
        }
        let length = prefix.len();
        prefix.push_str(next);
        prefix.push('.');
        self.below(prefix, matched + 1);
        prefix.truncate(length);
    }

    fn exactly(&mut self, prefix: &mut String, token: &str) {
        let length = prefix.len();
        prefix.push_str(token);
        #[cfg(test)]
        (self.looked_at += 1);
        self.found.extend(self.patterns.get(prefix.as_str()));
        prefix.truncate(length);
    }

    /// Whether a token of a pattern matches that one of the topic.
    fn takes(&self, token: &str, at: usize) -> bool {
        match token {
            // The topics of the runtime are matched by patterns that name them only.
            "*" | ">" => at < self.tokens.len() && !(at == 0 && self.topic.is_system()),
            _ => self.tokens.get(at) == Some(&token),
        }
    }

    fn beginning_with(&self, prefix: &str) -> Range<'r, Pattern, BTreeSet<usize>> {
        // The character after the dot: behind all that have the dot there.
        let end = prefix.strip_suffix('.').map(|prefix| format!("{prefix}/"));
        let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        self.patterns.range::<str, _>((Bound::Included(prefix), end))
    }
}

/// How many bytes of whole tokens, each with its dot, two patterns have in common.
fn common(one: &str, other: &str) -> usize {
    let bytes = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    one.as_bytes()[..bytes].iter().rposition(|byte| *byte == b'.').map_or(0, |dot| dot + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    fn topic(text: &str) -> Topic {
        Topic::parse(text).unwrap()
    }

    proptest! {
        /// Against a look at all patterns, with topics that were used before a change.
        #[test]
        fn a_topic_finds_all_its_receivers(
            changes in proptest::collection::vec(
                ("([ab*-]|ab)(\\.([ab*]|ab)){0,4}(\\.>)?", 0..6_usize, any::<bool>()), 0..60),
            topics in proptest::collection::vec("(\\$a|[ab-]|ab)(\\.([ab]|ab)){0,5}", 1..8),
        ) {
            let (mut routes, mut wanted) = (Routes::default(), BTreeSet::new());
            for (text, key, wants) in &changes {
                let pattern = pattern(text);
                routes.change(&pattern, *key, *wants);
                if *wants { wanted.insert((pattern, *key)); } else { wanted.remove(&(pattern, *key)); }
                for text in &topics {
                    let topic = topic(text);
                    let all = wanted.iter().filter(|(pattern, _)| pattern.matches(&topic));
                    let all: BTreeSet<_> = all.map(|(_, key)| *key).collect();
                    prop_assert_eq!(&routes.of(&topic)[..], &all.into_iter().collect::<Vec<_>>()[..]);
                }
            }
        }
    }

    #[test]
    fn a_topic_looks_at_few_of_many_patterns_and_a_toggle_looks_at_none() {
        let mut routes = Routes::default();
        for number in 0..4_096 {
            let text = ["chat.#.typing", "chat.*.#.typing", "chat.#.>", "#.*.typing"][number % 4];
            routes.change(&pattern(&text.replace('#', &format!("n{number}"))), number, true);
        }
        routes.change(&pattern("chat.*.typing"), 9_999, true);
        assert_eq!(routes.of(&topic("chat.n0.typing"))[..], [0, 9_999]);
        assert!(routes.looked_at < 16, "{} looks", routes.looked_at);
        // One of many connections toggles a pattern, and another publishes the next event.
        routes.looked_at = 0;
        for _ in 0..1_000 {
            for wants in [false, true] {
                routes.change(&pattern("chat.*.n1.typing"), 1, wants);
                assert_eq!(routes.of(&topic("chat.n0.typing"))[..], [0, 9_999]);
            }
        }
        assert!(routes.looked_at < 2_000 * 16, "{} looks", routes.looked_at);
        routes.looked_at = 0;
        for _ in 0..1_000 {
            routes.change(&pattern("chat.n4.typing"), 4, false);
            routes.of(&topic("chat.n0.typing"));
        }
        assert_eq!(routes.looked_at, 0);
    }

    #[test]
    fn long_patterns_that_differ_in_their_last_token_are_not_walked_token_by_token() {
        let mut routes = Routes::default();
        let long = "a.".repeat(120);
        for (key, last) in ["x", "y", "z", "*"].into_iter().enumerate() {
            routes.change(&pattern(&format!("{long}{last}")), key, true);
        }
        assert_eq!(routes.of(&topic(&format!("{long}y")))[..], [1, 3]);
        assert!(routes.looked_at < 8, "{} looks", routes.looked_at);
    }

    #[test]
    fn the_topics_that_are_remembered_have_a_bound() {
        let mut routes = Routes::default();
        for number in 0..3 * REMEMBERED {
            routes.of(&topic(&number.to_string()));
            assert!(routes.remembered.len() <= REMEMBERED);
        }
        routes.remembered.clear();
        for key in 0..1_000 {
            routes.change(&pattern(">"), key, true);
        }
        for number in 0..3 * RECEIVERS / 1_000 {
            routes.of(&topic(&number.to_string()));
            let receivers: usize = routes.remembered.values().map(|(_, keys)| keys.len()).sum();
            assert_eq!(routes.receivers, receivers);
            assert!(receivers <= RECEIVERS);
        }
    }
}
