//! All values of a router.

use super::{Key, Kind, Router};

impl<T> Router<T> {
    /// Calls `found` with each value, in no particular order.
    pub(crate) fn each<'a>(&'a self, mut found: impl FnMut(Key, &'a T)) {
        for node in &self.nodes {
            if let Kind::Leaf { values, .. } = &node.kind {
                values.each(&mut found);
            }
        }
    }
}
