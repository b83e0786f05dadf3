//! The tree of hot topics. A pattern finds the topics it matches without visiting all of them.

use std::rc::Rc;

use super::RouteEntry;
use crate::edges::Edges;
use crate::{Pattern, Topic};

#[derive(Debug)]
pub(super) struct Tree<R> {
    /// The first is the root.
    nodes: Vec<Node<R>>,
    pub(super) edges: Edges,
    free: Vec<u32>,
}

/// Holds the hot topic that ends here, if any, and the head of the linked list of its children.
#[derive(Debug)]
struct Node<R> {
    entry: Option<Rc<RouteEntry<R>>>,
    /// A topic whose path leads through here. All such topics have the same tokens up to this node.
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
    /// Puts `entry` where its topic ends, and returns the index of that node.
    pub(super) fn insert(&mut self, entry: Rc<RouteEntry<R>>) -> u32 {
        if self.nodes.is_empty() {
            self.nodes.push(Node::new(NONE, 0, NONE, None));
        }
        let mut at = ROOT;
        for (depth, token) in entry.topic.tokens().enumerate() {
            at = match self.child(at, depth, token) {
                Some(child) => child,
                None => self.grow(at, token, &entry.topic),
            };
        }
        if let Some(node) = self.node_mut(at) {
            node.entry = Some(entry);
        }
        at
    }

    pub(super) fn get(&self, at: u32) -> Option<&Rc<RouteEntry<R>>> {
        self.node(at)?.entry.as_ref()
    }

    pub(super) fn is_at(&self, at: u32, topic: &Topic) -> bool {
        self.get(at).is_some_and(|entry| entry.topic == *topic)
    }

    /// Removes the topic that ends at `at`, and the nodes that led only there.
    pub(super) fn remove(&mut self, mut at: u32) {
        if let Some(node) = self.node_mut(at) {
            node.entry = None;
        }
        while at != ROOT {
            let Some(node) = self.node_mut(at) else { return };
            if node.entry.is_some() || node.first_child != NONE {
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

    /// Calls `found` for each topic that `pattern` matches.
    pub(super) fn within(&self, pattern: &Pattern, found: &mut impl FnMut(&Rc<RouteEntry<R>>)) {
        self.walk(ROOT, pattern.tokens().enumerate(), &mut |entry| {
            // A leading wildcard does not match a topic of the runtime.
            if pattern.matches(&entry.topic) {
                found(entry);
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
        found: &mut impl FnMut(&Rc<RouteEntry<R>>),
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

    fn below(&self, at: u32, found: &mut impl FnMut(&Rc<RouteEntry<R>>)) {
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
        Self { entry: None, witness, hash, parent, first_child: NONE, next, previous: NONE }
    }
}
