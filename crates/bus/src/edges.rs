//! The edges of a trie whose nodes lie in an arena: one flat table for all nodes, five bytes per edge.
//!
//! It knows nodes by their index only. The caller provides a node's hash, and decides whether a node is the
//! one it looks for: the tokens are part of the nodes' own texts.
//!
//! Its closures are trait objects, so that the wasm module contains the table's code once.

use std::hash::{BuildHasher, Hash, RandomState};

use hashbrown::HashTable;

/// Maps a hash (of a node and a token, for example) to the next node.
#[derive(Debug, Default)]
pub(crate) struct Edges {
    table: HashTable<u32>,
    hasher: RandomState,
    /// Bits that are cleared in all hashes, so that tests can make them collide.
    #[cfg(test)]
    pub(crate) without: u32,
}

impl Edges {
    /// The hash of an edge.
    pub(crate) fn hash(&self, of: impl Hash) -> u32 {
        let hash = (self.hasher.hash_one(of) >> 32) as u32;
        #[cfg(test)]
        let hash = hash & !self.without;
        hash
    }

    pub(crate) fn find(&self, hash: u32, is_it: &dyn Fn(u32) -> bool) -> Option<u32> {
        self.table.find(spread(hash), |&child| is_it(child)).copied()
    }

    pub(crate) fn insert(&mut self, hash: u32, child: u32, hash_of: &dyn Fn(u32) -> u32) {
        self.table.insert_unique(spread(hash), child, |&child| spread(hash_of(child)));
    }

    /// Removes the edge to `child`, if there is one.
    pub(crate) fn remove(&mut self, hash: u32, child: u32) {
        if let Ok(edge) = self.table.find_entry(spread(hash), |&other| other == child) {
            edge.remove();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// All nodes that edges lead to.
    pub(crate) fn children(&self) -> impl Iterator<Item = u32> {
        self.table.iter().copied()
    }
}

/// The table takes a bucket from the low bits and a tag from the high ones.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}
