//! How far a search for the newest events has come.

/// A search for where the newest events begin, which goes on step by step. See [`Store::locate`](crate::Store::locate).
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Where each searched stream begins; `None` if it has no such event.
    pub(crate) begins: Vec<Option<u64>>,
    /// Where the search is in the next stream.
    pub(crate) walk: Option<Walk>,
}

impl Search {
    /// Whether a step was done.
    pub fn has_begun(&self) -> bool {
        !self.begins.is_empty() || self.walk.is_some()
    }
}

/// How far back a stream was searched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk {
    /// All events from this offset on were looked at.
    pub(crate) before: u64,
    /// How many of them match.
    pub(crate) found: u64,
    /// The oldest of those.
    pub(crate) oldest: Option<u64>,
}
