//! What a store keeps, and what it takes.

use std::time::Duration;

use session::Stream;
use topic::Pattern;

/// The most events of each topic that [`Keep::topic`] can keep: an append looks through this many in the index.
pub const MAX_KEEP_TOPIC: usize = 1_000;

/// What a store is opened with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which stream takes which topics: the first route that matches, and else the main stream.
    pub routes: Vec<Route>,
    /// What each stream keeps,
    pub keep: Keep,
    /// and what these streams keep instead.
    pub keep_of: Vec<(Stream, Keep)>,
    /// How long a client is known after it was last seen.
    pub keep_clients: Duration,
    /// The bytes of the disk that stay free: before they are used, events are rejected as
    /// [`DiskFull`](session::RejectCode::DiskFull). 0 for no reserve.
    pub reserve: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            keep: Keep::default(),
            keep_of: Vec::new(),
            keep_clients: Duration::from_secs(90 * 24 * 60 * 60),
            reserve: 64 << 20,
        }
    }
}

/// A stream that takes the topics of some patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The stream.
    pub stream: Stream,
    /// Its patterns.
    pub patterns: Vec<Pattern>,
}

/// Which events of a stream are kept: those that no bound drops. Only its age drops the newest one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// The most events.
    pub events: u64,
    /// The most bytes of topics and bodies; the file is larger.
    pub bytes: u64,
    /// The maximum age, to the second; `None` for any age.
    pub age: Option<Duration>,
    /// The most events of each topic, 1 to [`MAX_KEEP_TOPIC`]; `None` for any number. An older one is superseded: it
    /// leaves the log without a gap.
    pub topic: Option<usize>,
}

impl Keep {
    /// [`Keep::topic`] within its bounds.
    pub(crate) fn of_each_topic(&self) -> Option<usize> {
        self.topic.map(|count| count.clamp(1, MAX_KEEP_TOPIC))
    }
}

impl Default for Keep {
    /// Everything is kept.
    fn default() -> Self {
        Self { events: u64::MAX, bytes: u64::MAX, age: None, topic: None }
    }
}
