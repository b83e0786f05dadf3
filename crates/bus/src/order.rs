//! Sorting with little code.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Sorts by a key that no two items share. The code of the standard sorts is larger than the rest of this
/// crate. A heap needs little code, and most routes are found in order.
pub(crate) fn in_order<T, K: Ord>(items: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    if items.is_sorted_by_key(&key) {
        return items;
    }
    let heap: BinaryHeap<_> = items.into_iter().map(|item| Keyed(key(&item), item)).collect();
    heap.into_sorted_vec().into_iter().map(|Keyed(_, item)| item).collect()
}

/// An item that is compared by its key.
struct Keyed<K, T>(K, T);

impl<K: Ord, T> Ord for Keyed<K, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<K: Ord, T> PartialOrd for Keyed<K, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Ord, T> PartialEq for Keyed<K, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<K: Ord, T> Eq for Keyed<K, T> {}
