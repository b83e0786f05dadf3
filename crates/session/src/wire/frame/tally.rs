//! The frames that count the events of topics.

use crate::{Position, RejectCode};

/// Asks how many events of each topic follow a position, and for its newest event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The request's number, which the client does not reuse before the answer.
    pub request: u32,
    /// At most [`MAX_TALLIED`](crate::MAX_TALLIED) topics.
    pub topics: Vec<TallyTopic>,
}

/// A topic to count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TallyTopic {
    /// The topic.
    pub topic: String,
    /// Events after this position. Without one, and with one of another log, all events count.
    pub after: Option<Position>,
}

/// The answer to [`Tally`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tallied {
    /// The request.
    pub request: u32,
    /// One for each topic, in the order of the request; or why there are none.
    pub topics: Result<Vec<TopicTally>, RejectCode>,
}

/// What the log holds of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopicTally {
    /// The number of events, at most [`MAX_TALLY`](crate::MAX_TALLY). Deleted events count, and so do deletions.
    pub count: u64,
    /// The position of the newest event, if there is one.
    pub head: Option<Position>,
    /// The offset and the [`Body`](crate::Body) of the newest event that was not deleted and is no deletion. Absent if
    /// it is large, or not among the newest few.
    pub newest: Option<(u64, Vec<u8>)>,
    /// Why the topic was not counted.
    pub refused: Option<RejectCode>,
}
