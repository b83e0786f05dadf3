//! The router: a trie over patterns that finds those that match a topic.
//!
//! The bus compiles its routes from it. It is designed for a million patterns: nodes lie in one arena, the
//! edges of all nodes in one flat table, and a pattern gets nodes only as deep as other patterns share its
//! beginning.

mod list;

use std::mem;

use crate::edges::Edges;
use crate::{Pattern, Topic};

/// Identifies an entry of a [`Router`]. Keys ascend in the order of insertion and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(u64);

/// Values under patterns, found by topic. A pattern may have several values.
#[derive(Debug)]
pub(crate) struct Router<T> {
    nodes: Vec<Node<T>>,
    /// The edges with a token.
    edges: Edges,
    /// Unused nodes.
    free: Vec<u32>,
    next_key: u64,
    len: usize,
}

#[derive(Debug)]
struct Node<T> {
    parent: u32,
    /// The hash of the edge that leads here, if that edge has a token.
    hash: u32,
    kind: Kind<T>,
}

#[derive(Debug)]
enum Kind<T> {
    /// Several patterns share their tokens up to here. `witness` is, or was, one of them.
    Branch { witness: Option<Pattern>, children: u32, any: u32, tail: u32, end: u32 },
    /// A single pattern, which may end below this depth. With two variants a node needs no space for a tag.
    Leaf { pattern: Pattern, values: Values<T> },
}

/// The values of one pattern. Nearly all patterns have a single value, so that case must be small.
#[derive(Debug)]
enum Values<T> {
    One(Key, T),
    /// `None` if no value is left. As an `Option<Box>` the enum needs no space for a tag.
    Many(Option<Box<Many<T>>>),
}

/// Several values with ascending keys. Removing a value leaves a hole, so that removing the oldest of many
/// moves none of the others.
#[derive(Debug)]
struct Many<T> {
    values: Vec<(Key, Option<T>)>,
    holes: usize,
}

/// A step from a node to a child.
#[derive(Clone, Copy)]
enum Step<'a> {
    /// A token and the hash of its edge.
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
    /// Inserts `value` under `pattern` and returns its key.
    pub(crate) fn insert(&mut self, pattern: &Pattern, value: T) -> Key {
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

    /// Removes the value with this `pattern` and `key`, and the nodes that nothing else needs.
    pub(crate) fn remove(&mut self, pattern: &Pattern, key: Key) -> Option<T> {
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
            // Frees the memory; keys continue to ascend.
            *self = Self { next_key: self.next_key, ..Self::default() };
        }
        Some(removed)
    }

    /// Calls `found` with each value whose pattern matches `topic`, in no particular order.
    pub(crate) fn visit<'a>(&'a self, topic: &Topic, mut found: impl FnMut(Key, &'a T)) {
        self.walk(ROOT, topic.tokens().enumerate(), topic, &mut found);
    }

    /// Whether the same patterns match every topic that differs from `topic` only in its last token. May
    /// return false although they do.
    pub(crate) fn ignores_last_token(&self, topic: &Topic) -> bool {
        let last = topic.tokens().count() - 1;
        !self.depends_on(last, ROOT, topic.tokens().enumerate())
    }

    /// Whether the token with the index `last` decides about a match below the node `at`.
    fn depends_on<'t>(
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
                [any, child].into_iter().any(|next| self.depends_on(last, next, tokens.clone()))
            }
            None => false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn walk<'a, 't>(
        &'a self,
        at: u32,
        mut tokens: impl Iterator<Item = (usize, &'t str)> + Clone,
        topic: &Topic,
        found: &mut impl FnMut(Key, &'a T),
    ) {
        match self.nodes.get(at as usize).map(|node| &node.kind) {
            // The rest of the pattern has no nodes, and `$` topics do not match leading wildcards.
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

    /// The step from the branch `at` for a token of a pattern.
    fn step<'t>(&self, at: u32, token: Option<&'t str>) -> Step<'t> {
        match token {
            None => Step::End,
            Some("*") => Step::Any,
            Some(">") => Step::Tail,
            Some(token) => Step::Token(token, self.edges.hash((at, token))),
        }
    }

    /// The next step of a pattern, and the number of tokens before it, which only [`Step::Token`] needs.
    fn next_step<'t>(
        &self,
        at: u32,
        tokens: &mut impl Iterator<Item = (usize, &'t str)>,
    ) -> (usize, Step<'t>) {
        tokens.next().map_or((0, Step::End), |(depth, token)| (depth, self.step(at, Some(token))))
    }

    /// The child that `step` leads to from the branch `at`, which has `depth` tokens before it, or `NONE`.
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

    /// Adds a node of this `kind`, to which `step` leads from the branch `parent`.
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
                    // Doubling would leave up to half of the space unused.
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

    /// Turns the leaf `at`, which has `depth` tokens before it, into a branch and moves the leaf below it.
    fn split(&mut self, at: u32, depth: usize) {
        let Some(kind) = self.kind_mut(at) else { return };
        if let Kind::Leaf { pattern, .. } = kind {
            let witness = pattern.clone();
            let leaf = mem::replace(kind, Kind::branch(Some(witness.clone())));
            let step = self.step(at, witness.tokens().nth(depth));
            self.grow(at, step, leaf);
        }
    }

    /// Frees the node `at` and the branches above it that led only to it.
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
            Self::One(first, one) => Box::new(Many { values: vec![(first, Some(one))], holes: 0 }),
            Self::Many(many) => many.unwrap_or_default(),
        };
        many.values.push((key, Some(value)));
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
            Self::Many(many) => many.as_ref().is_none_or(|many| many.values.is_empty()),
        }
    }

    fn each<'a>(&'a self, found: &mut impl FnMut(Key, &'a T)) {
        match self {
            Self::One(key, value) => found(*key, value),
            Self::Many(many) => {
                for (key, value) in many.iter().flat_map(|many| &many.values) {
                    value.iter().for_each(|value| found(*key, value));
                }
            }
        }
    }
}

impl<T> Many<T> {
    fn take(&mut self, key: Key) -> Option<T> {
        let at = self.values.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        let taken = self.values.get_mut(at)?.1.take()?;
        self.holes += 1;
        if self.holes * 2 > self.values.len() {
            self.values.retain(|(_, value)| value.is_some());
            self.holes = 0;
        }
        Some(taken)
    }
}

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self { values: Vec::new(), holes: 0 }
    }
}

#[cfg(test)]
mod tests;
