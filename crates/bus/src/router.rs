//! The router: a trie over patterns that is asked which of them match a topic.
//!
//! The bus compiles its routes from it, and a relay may keep its receivers in one.

use std::collections::HashMap;

use crate::{Pattern, Topic};

/// Names an entry of a [`Router`]; ascending in the order of insertion, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64);

/// Values under patterns, found by topic. Several values may stand under one pattern.
///
/// ```
/// use bus::{Pattern, Router, Topic};
/// let mut router = Router::default();
/// let key = router.insert(&Pattern::parse("a.>")?, "tail");
/// router.insert(&Pattern::parse("a.b")?, "exact");
/// let found: Vec<_> = router.matches(&Topic::parse("a.b")?).into_iter().map(|(_, v)| *v).collect();
/// assert_eq!(found, ["tail", "exact"]); // in the order of insertion
/// assert_eq!(router.remove(&Pattern::parse("a.>")?, key), Some("tail"));
/// # Ok::<(), bus::TopicError>(())
/// ```
#[derive(Debug)]
pub struct Router<T> {
    root: Node<T>,
    next: u64,
    len: usize,
}

#[derive(Debug)]
struct Node<T> {
    /// The way on through a token that must be equal.
    tokens: HashMap<Box<str>, Node<T>>,
    /// The way on through `*`.
    any: Option<Box<Node<T>>>,
    /// Values of patterns that end here. Keys ascend.
    here: Vec<(Key, T)>,
    /// Values of patterns that end in a `>` after this node. Keys ascend.
    tail: Vec<(Key, T)>,
}

impl<T> Default for Router<T> {
    fn default() -> Self {
        Self { root: Node::default(), next: 0, len: 0 }
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { tokens: HashMap::new(), any: None, here: Vec::new(), tail: Vec::new() }
    }
}

impl<T> Router<T> {
    /// Puts `value` under `pattern` and answers the key that removes it.
    pub fn insert(&mut self, pattern: &Pattern, value: T) -> Key {
        let key = Key(self.next);
        self.next += 1;
        self.len += 1;
        let mut node = &mut self.root;
        for token in pattern.tokens() {
            node = match token {
                ">" => {
                    node.tail.push((key, value));
                    return key;
                }
                "*" => node.any.get_or_insert_default(),
                token => node.tokens.entry(token.into()).or_default(),
            };
        }
        node.here.push((key, value));
        key
    }

    /// Takes away the value that stands under `pattern` by `key`, and the nodes that held only it.
    pub fn remove(&mut self, pattern: &Pattern, key: Key) -> Option<T> {
        let removed = self.root.remove(pattern.tokens(), key);
        self.len -= usize::from(removed.is_some());
        removed
    }

    /// The values whose patterns match `topic`, in the order of their insertion.
    pub fn matches(&self, topic: &Topic) -> Vec<(Key, &T)> {
        let mut found = Vec::new();
        self.root.collect(topic.tokens(), topic.is_system(), &mut found);
        in_order(found, |(key, _)| *key)
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Sorts as `sort_by_key` does. The standard sorts are faster on thousands of items and cost a browser
/// more to download than the rest of this crate; a route is compiled once and holds a few.
pub(crate) fn in_order<T, K: Ord>(items: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut sorted = Vec::with_capacity(items.len());
    for item in items {
        let at = sorted.partition_point(|other| key(other) <= key(&item));
        sorted.insert(at, item);
    }
    sorted
}

impl<T> Node<T> {
    fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.any.is_none() && self.here.is_empty() && self.tail.is_empty()
    }

    fn collect<'a, 't>(
        &'a self,
        mut tokens: impl Iterator<Item = &'t str> + Clone,
        exact_only: bool,
        found: &mut Vec<(Key, &'a T)>,
    ) {
        let Some(token) = tokens.next() else {
            found.extend(self.here.iter().map(|(key, value)| (*key, value)));
            return;
        };
        if !exact_only {
            found.extend(self.tail.iter().map(|(key, value)| (*key, value)));
            if let Some(any) = &self.any {
                any.collect(tokens.clone(), false, found);
            }
        }
        if let Some(node) = self.tokens.get(token) {
            node.collect(tokens, false, found);
        }
    }

    fn remove<'a>(&mut self, mut tokens: impl Iterator<Item = &'a str>, key: Key) -> Option<T> {
        let take = |values: &mut Vec<(Key, T)>| {
            let at = values.binary_search_by_key(&key, |(key, _)| *key).ok()?;
            Some(values.remove(at).1)
        };
        match tokens.next() {
            None => take(&mut self.here),
            Some(">") => take(&mut self.tail),
            Some("*") => {
                let any = self.any.as_mut()?;
                let removed = any.remove(tokens, key);
                if any.is_empty() {
                    self.any = None;
                }
                removed
            }
            Some(token) => {
                let node = self.tokens.get_mut(token)?;
                let removed = node.remove(tokens, key);
                if node.is_empty() {
                    self.tokens.remove(token);
                }
                removed
            }
        }
    }
}
