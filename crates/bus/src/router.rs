//! The router: a trie over patterns that is asked which of them match a topic.
//!
//! The bus compiles its routes from it, and a relay may keep its receivers in one. It is made for a
//! million patterns: nodes lie in one arena, the edges of all nodes in one flat table, and a pattern
//! has a node of its own only as deep as another shares its beginning.

use std::mem;

use crate::edges::Edges;
use crate::order::in_order;
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
    nodes: Vec<Node<T>>,
    /// Those that carry a token.
    edges: Edges,
    /// Nodes for the patterns to come.
    free: Vec<u32>,
    next_key: u64,
    len: usize,
}

#[derive(Debug)]
struct Node<T> {
    parent: u32,
    /// Of the edge that leads here, if that carries a token.
    hash: u32,
    kind: Kind<T>,
}

#[derive(Debug)]
enum Kind<T> {
    /// Several patterns begin alike up to here; `witness` is, or was, one of them.
    Branch { witness: Option<Pattern>, children: u32, any: u32, tail: u32, end: u32 },
    /// One pattern, wherever it may end. With two shapes a node needs no room for a tag.
    Leaf { pattern: Pattern, values: Values<T> },
}

/// What stands under one pattern. Nearly always that is one value, and a million of them have to fit.
#[derive(Debug)]
enum Values<T> {
    One(Key, T),
    /// `None` if nothing is left. In this shape the whole takes no room for a tag.
    Many(Option<Box<Many<T>>>),
}

/// Keys ascend. A value that was taken leaves a hole, so that ending the oldest of many moves nothing.
#[derive(Debug)]
struct Many<T> {
    places: Vec<(Key, Option<T>)>,
    holes: usize,
}

/// The way from a node to the next.
#[derive(Clone, Copy)]
enum Step<'a> {
    /// With the hash of its edge.
    Token(&'a str, u32),
    Any,
    Tail,
    End,
}

const ROOT: u32 = 0;
const NONE: u32 = u32::MAX;

impl<T> Default for Router<T> {
    fn default() -> Self {
        Self { nodes: Vec::new(), edges: Edges::default(), free: Vec::new(), next_key: 0, len: 0 }
    }
}

impl<T> Router<T> {
    /// Puts `value` under `pattern` and answers the key that removes it.
    pub fn insert(&mut self, pattern: &Pattern, value: T) -> Key {
        let key = Key(self.next_key);
        self.next_key += 1;
        self.len += 1;
        if self.nodes.is_empty() {
            self.nodes.push(Node { parent: NONE, hash: 0, kind: Kind::branch(None) });
        }
        let (mut at, mut tokens) = (ROOT, pattern.tokens().enumerate());
        loop {
            let (depth, step) = self.next_step(at, &mut tokens);
            let child = self.child(at, depth, step);
            match self.kind_mut(child) {
                Some(Kind::Branch { .. }) => {}
                Some(Kind::Leaf { pattern: same, values }) if same == pattern => {
                    values.push(key, value);
                    return key;
                }
                Some(Kind::Leaf { .. }) => self.split(child, depth + 1),
                None => {
                    let values = Values::One(key, value);
                    self.grow(at, step, Kind::Leaf { pattern: pattern.clone(), values });
                    return key;
                }
            }
            at = child;
        }
    }

    /// Takes away the value that stands under `pattern` by `key`, and the nodes that held only it.
    pub fn remove(&mut self, pattern: &Pattern, key: Key) -> Option<T> {
        let (mut at, mut tokens) = (ROOT, pattern.tokens().enumerate());
        let removed = loop {
            let (depth, step) = self.next_step(at, &mut tokens);
            at = self.child(at, depth, step);
            match self.kind_mut(at)? {
                Kind::Branch { .. } => {}
                Kind::Leaf { pattern: same, values } if same == pattern => {
                    let removed = values.take(key)?;
                    if values.is_empty() {
                        self.prune(at);
                    }
                    break removed;
                }
                Kind::Leaf { .. } => return None,
            }
        };
        self.len -= 1;
        if self.len == 0 {
            // Gives the memory back; keys go on.
            *self = Self { next_key: self.next_key, ..Self::default() };
        }
        Some(removed)
    }

    /// The values whose patterns match `topic`, in the order of their insertion.
    pub fn matches(&self, topic: &Topic) -> Vec<(Key, &T)> {
        let mut found = Vec::new();
        self.visit(topic, |key, value| found.push((key, value)));
        in_order(found, |(key, _)| *key)
    }

    /// Shows the values whose patterns match `topic`, in no order.
    pub(crate) fn visit<'a>(&'a self, topic: &Topic, mut found: impl FnMut(Key, &'a T)) {
        self.walk(ROOT, topic.tokens().enumerate(), topic, &mut found);
    }

    /// Whether the same patterns match each topic that differs from `topic` in its last token only. "No" may be
    /// too careful.
    pub(crate) fn ignores_last_token(&self, topic: &Topic) -> bool {
        let last = topic.tokens().count() - 1;
        !self.looks_at(last, ROOT, topic.tokens().enumerate())
    }

    fn looks_at<'t>(
        &self,
        last: usize,
        at: u32,
        mut tokens: impl Iterator<Item = (usize, &'t str)> + Clone,
    ) -> bool {
        match self.nodes.get(at as usize).map(|node| &node.kind) {
            Some(Kind::Leaf { pattern, .. }) => {
                pattern.tokens().nth(last).is_some_and(|token| token != "*" && token != ">")
            }
            Some(&Kind::Branch { children, any, tail, end, .. }) => {
                let Some((depth, token)) = tokens.next() else { return false };
                if depth == last {
                    let others = [any, tail, end].into_iter().filter(|&child| child != NONE);
                    return children as usize > others.count();
                }
                let child = self.child(at, depth, Step::Token(token, self.edges.hash((at, token))));
                [any, child].into_iter().any(|next| self.looks_at(last, next, tokens.clone()))
            }
            None => false,
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn walk<'a, 't>(
        &'a self,
        at: u32,
        mut tokens: impl Iterator<Item = (usize, &'t str)> + Clone,
        topic: &Topic,
        found: &mut impl FnMut(Key, &'a T),
    ) {
        match self.nodes.get(at as usize).map(|node| &node.kind) {
            // The rest of the pattern has no nodes, and a topic of the runtime hides from some.
            Some(Kind::Leaf { pattern, values }) if pattern.matches(topic) => values.each(found),
            Some(&Kind::Branch { any, tail, end, .. }) => {
                let Some((depth, token)) = tokens.next() else {
                    return self.walk(end, tokens, topic, found);
                };
                let step = Step::Token(token, self.edges.hash((at, token)));
                let child = self.child(at, depth, step);
                for next in [tail, any, child] {
                    if next != NONE {
                        self.walk(next, tokens.clone(), topic, found);
                    }
                }
            }
            _ => {}
        }
    }

    fn kind_mut(&mut self, at: u32) -> Option<&mut Kind<T>> {
        self.nodes.get_mut(at as usize).map(|node| &mut node.kind)
    }

    /// The step from the branch `at` by a pattern's token.
    fn step<'t>(&self, at: u32, token: Option<&'t str>) -> Step<'t> {
        match token {
            None => Step::End,
            Some("*") => Step::Any,
            Some(">") => Step::Tail,
            Some(token) => Step::Token(token, self.edges.hash((at, token))),
        }
    }

    /// The next step of a pattern, and how many tokens come before it (which only a token's step asks).
    fn next_step<'t>(
        &self,
        at: u32,
        tokens: &mut impl Iterator<Item = (usize, &'t str)>,
    ) -> (usize, Step<'t>) {
        tokens.next().map_or((0, Step::End), |(depth, token)| (depth, self.step(at, Some(token))))
    }

    /// Where `step` leads from the branch `at`, which has `depth` tokens before it; `NONE` if nowhere.
    fn child(&self, at: u32, depth: usize, step: Step<'_>) -> u32 {
        let Some(Node { kind: Kind::Branch { any, tail, end, .. }, .. }) =
            self.nodes.get(at as usize)
        else {
            return NONE;
        };
        match step {
            Step::Any => *any,
            Step::Tail => *tail,
            Step::End => *end,
            Step::Token(token, hash) => {
                let leads_there = |child: u32| {
                    self.nodes.get(child as usize).is_some_and(|node| {
                        node.hash == hash
                            && node.parent == at
                            && node.kind.token(depth) == Some(token)
                    })
                };
                self.edges.find(hash, &leads_there).unwrap_or(NONE)
            }
        }
    }

    /// Makes a node of the new `kind`, to which `step` leads from the branch `parent`.
    fn grow(&mut self, parent: u32, step: Step<'_>, kind: Kind<T>) {
        let hash = if let Step::Token(_, hash) = step { hash } else { 0 };
        let node = Node { parent, hash, kind };
        let child = match self.free.pop() {
            Some(free) => {
                if let Some(place) = self.nodes.get_mut(free as usize) {
                    *place = node;
                }
                free
            }
            None => {
                if self.nodes.len() == self.nodes.capacity() {
                    // Doubling would leave half of the room empty.
                    self.nodes.reserve_exact(self.nodes.len() / 16 + 4);
                }
                self.nodes.push(node);
                (self.nodes.len() - 1) as u32
            }
        };
        if let Step::Token(..) = step {
            let nodes = &self.nodes;
            let hash_of = |node: u32| nodes.get(node as usize).map_or(0, |node| node.hash);
            self.edges.insert(hash, child, &hash_of);
        }
        if let Some(Kind::Branch { children, any, tail, end, .. }) = self.kind_mut(parent) {
            *children += 1;
            match step {
                Step::Any => *any = child,
                Step::Tail => *tail = child,
                Step::End => *end = child,
                Step::Token(..) => {}
            }
        }
    }

    /// Makes a branch of the leaf `at`, which has `depth` tokens before it, and moves the leaf below.
    fn split(&mut self, at: u32, depth: usize) {
        let Some(kind) = self.kind_mut(at) else { return };
        if let Kind::Leaf { pattern, .. } = kind {
            let witness = pattern.clone();
            let leaf = mem::replace(kind, Kind::branch(Some(witness.clone())));
            let step = self.step(at, witness.tokens().nth(depth));
            self.grow(at, step, leaf);
        }
    }

    /// Frees the node `at` and the branches above it that led only there.
    fn prune(&mut self, mut at: u32) {
        while at != ROOT {
            let Some(node) = self.nodes.get_mut(at as usize) else { return };
            let (parent, hash) = (node.parent, node.hash);
            node.kind = Kind::branch(None);
            self.free.push(at);
            self.edges.remove(hash, at);
            let Some(Kind::Branch { children, any, tail, end, .. }) = self.kind_mut(parent) else {
                return;
            };
            for child in [any, tail, end] {
                if *child == at {
                    *child = NONE;
                }
            }
            *children -= 1;
            if *children > 0 {
                return;
            }
            at = parent;
        }
    }
}

impl<T> Kind<T> {
    fn branch(witness: Option<Pattern>) -> Self {
        Self::Branch { witness, children: 0, any: NONE, tail: NONE, end: NONE }
    }

    /// The token of the edge that leads here, with `depth` tokens before it.
    fn token(&self, depth: usize) -> Option<&str> {
        match self {
            Self::Branch { witness, .. } => witness.as_ref()?.tokens().nth(depth),
            Self::Leaf { pattern, .. } => pattern.tokens().nth(depth),
        }
    }
}

impl<T> Values<T> {
    fn push(&mut self, key: Key, value: T) {
        let mut many = match mem::replace(self, Self::Many(None)) {
            Self::One(first, one) => Box::new(Many { places: vec![(first, Some(one))], holes: 0 }),
            Self::Many(many) => many.unwrap_or_default(),
        };
        many.places.push((key, Some(value)));
        *self = Self::Many(Some(many));
    }

    fn take(&mut self, key: Key) -> Option<T> {
        match self {
            Self::One(only, _) if *only == key => match mem::replace(self, Self::Many(None)) {
                Self::One(_, value) => Some(value),
                Self::Many(_) => None,
            },
            Self::One(..) => None,
            Self::Many(many) => many.as_mut()?.take(key),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::One(..) => false,
            Self::Many(many) => many.as_ref().is_none_or(|many| many.places.is_empty()),
        }
    }

    fn each<'a>(&'a self, found: &mut impl FnMut(Key, &'a T)) {
        match self {
            Self::One(key, value) => found(*key, value),
            Self::Many(many) => {
                for (key, value) in many.iter().flat_map(|many| &many.places) {
                    value.iter().for_each(|value| found(*key, value));
                }
            }
        }
    }
}

impl<T> Many<T> {
    fn take(&mut self, key: Key) -> Option<T> {
        let at = self.places.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        let taken = self.places.get_mut(at)?.1.take()?;
        self.holes += 1;
        if self.holes * 2 > self.places.len() {
            self.places.retain(|(_, value)| value.is_some());
            self.holes = 0;
        }
        Some(taken)
    }
}

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self { places: Vec::new(), holes: 0 }
    }
}

#[cfg(test)]
mod tests;
