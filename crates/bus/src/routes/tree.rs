//! The tree of hot topics, so that a pattern finds those that it matches without looking at all.

use std::rc::Rc;

use super::Spot;
use crate::edges::Edges;
use crate::{Pattern, Topic};

#[derive(Debug)]
pub(super) struct Tree<R> {
    /// The root is the first.
    nodes: Vec<Node<R>>,
    pub(super) edges: Edges,
    free: Vec<u32>,
}

/// Holds the topic that ends here, if it is hot, and the first of its children, which are chained.
#[derive(Debug)]
struct Node<R> {
    spot: Option<Rc<Spot<R>>>,
    /// A topic that passes here; what comes before the node is the same in all of them.
    witness: Option<Topic>,
    hash: u32,
    parent: u32,
    first_child: u32,
    next: u32,
    previous: u32,
}

const ROOT: u32 = 0;
const NONE: u32 = u32::MAX;

impl<R> Default for Tree<R> {
    fn default() -> Self {
        Self { nodes: Vec::new(), edges: Edges::default(), free: Vec::new() }
    }
}

impl<R> Tree<R> {
    /// Puts `spot` where its topic ends, and answers where that is.
    pub(super) fn insert(&mut self, spot: Rc<Spot<R>>) -> u32 {
        if self.nodes.is_empty() {
            self.nodes.push(Node::new(NONE, 0, NONE, None));
        }
        let mut at = ROOT;
        for (depth, token) in spot.topic.tokens().enumerate() {
            at = match self.child(at, depth, token) {
                Some(child) => child,
                None => self.grow(at, token, &spot.topic),
            };
        }
        if let Some(node) = self.node_mut(at) {
            node.spot = Some(spot);
        }
        at
    }

    pub(super) fn get(&self, at: u32) -> Option<&Rc<Spot<R>>> {
        self.node(at)?.spot.as_ref()
    }

    pub(super) fn is_at(&self, at: u32, topic: &Topic) -> bool {
        self.get(at).is_some_and(|spot| spot.topic == *topic)
    }

    /// Takes the topic away that ends at `at`, and the nodes that led only there.
    pub(super) fn remove(&mut self, mut at: u32) {
        if let Some(node) = self.node_mut(at) {
            node.spot = None;
        }
        while at != ROOT {
            let Some(node) = self.node_mut(at) else { return };
            if node.spot.is_some() || node.first_child != NONE {
                return;
            }
            node.witness = None;
            let (parent, hash, previous, next) = (node.parent, node.hash, node.previous, node.next);
            self.edges.remove(hash, at);
            self.free.push(at);
            if let Some(next) = self.node_mut(next) {
                next.previous = previous;
            }
            match self.node_mut(previous) {
                Some(previous) => previous.next = next,
                None => {
                    if let Some(parent) = self.node_mut(parent) {
                        parent.first_child = next;
                    }
                }
            }
            at = parent;
        }
    }

    /// Shows the topics that `pattern` matches.
    pub(super) fn within(&self, pattern: &Pattern, found: &mut impl FnMut(&Rc<Spot<R>>)) {
        self.walk(ROOT, pattern.tokens().enumerate(), &mut |spot| {
            // A topic of the runtime hides from a leading wildcard.
            if pattern.matches(&spot.topic) {
                found(spot);
            }
        });
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    fn walk<'t>(
        &self,
        at: u32,
        mut tokens: impl Iterator<Item = (usize, &'t str)> + Clone,
        found: &mut impl FnMut(&Rc<Spot<R>>),
    ) {
        match tokens.next() {
            None => self.get(at).into_iter().for_each(found),
            Some((_, "*")) => {
                for child in self.children(at) {
                    self.walk(child, tokens.clone(), found);
                }
            }
            Some((_, ">")) => self.below(at, found),
            Some((depth, token)) => {
                if let Some(child) = self.child(at, depth, token) {
                    self.walk(child, tokens, found);
                }
            }
        }
    }

    fn below(&self, at: u32, found: &mut impl FnMut(&Rc<Spot<R>>)) {
        for child in self.children(at) {
            self.get(child).into_iter().for_each(&mut *found);
            self.below(child, found);
        }
    }

    fn children(&self, at: u32) -> impl Iterator<Item = u32> {
        let exists = |at: u32| (at != NONE).then_some(at);
        let first = self.node(at).and_then(|node| exists(node.first_child));
        std::iter::successors(first, move |&child| exists(self.node(child)?.next))
    }

    fn child(&self, at: u32, depth: usize, token: &str) -> Option<u32> {
        let hash = self.edges.hash((at, token));
        self.edges.find(hash, &|child| {
            self.node(child).is_some_and(|node| {
                node.hash == hash
                    && node.parent == at
                    && node.witness.as_ref().and_then(|topic| topic.tokens().nth(depth))
                        == Some(token)
            })
        })
    }

    fn grow(&mut self, parent: u32, token: &str, witness: &Topic) -> u32 {
        let hash = self.edges.hash((parent, token));
        let sibling = self.node(parent).map_or(NONE, |node| node.first_child);
        let node = Node::new(parent, hash, sibling, Some(witness.clone()));
        let child = match self.free.pop() {
            Some(free) => {
                if let Some(place) = self.node_mut(free) {
                    *place = node;
                }
                free
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as u32
            }
        };
        if let Some(parent) = self.node_mut(parent) {
            parent.first_child = child;
        }
        if let Some(sibling) = self.node_mut(sibling) {
            sibling.previous = child;
        }
        let nodes = &self.nodes;
        let hash_of = |at: u32| nodes.get(at as usize).map_or(0, |node| node.hash);
        self.edges.insert(hash, child, &hash_of);
        child
    }

    fn node(&self, at: u32) -> Option<&Node<R>> {
        self.nodes.get(at as usize)
    }

    fn node_mut(&mut self, at: u32) -> Option<&mut Node<R>> {
        self.nodes.get_mut(at as usize)
    }
}

impl<R> Node<R> {
    fn new(parent: u32, hash: u32, next: u32, witness: Option<Topic>) -> Self {
        Self { spot: None, witness, hash, parent, first_child: NONE, next, previous: NONE }
    }
}
