//! Sorting with little code.

/// Sorts by a key that no two items share. Most routes are in order as they are found. The release build's std sorts
/// with a heap, which is small.
pub(crate) fn in_order<T, K: Ord>(mut items: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    if !items.is_sorted_by_key(&key) {
        items.sort_unstable_by_key(key);
    }
    items
}
