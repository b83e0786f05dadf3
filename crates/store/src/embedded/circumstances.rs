//! What the outcome of a command depends on, besides the tables.

use session::server::Decided;
use session::server::ledger::{Account, LogPosition};
use session::{Durability, Position, Stream};
use topic::Topic;

/// See the [module](self).
pub(super) struct Circumstances<'a> {
    pub(super) epoch: u64,
    /// By their numbers.
    pub(super) streams: &'a [Stream],
    /// The number of the stream that takes a topic.
    pub(super) route: &'a dyn Fn(&Topic) -> u32,
}

impl Circumstances<'_> {
    /// The outcome of an event that is in the log.
    pub(super) fn stored(&self, (stream, offset): LogPosition, id: Option<String>) -> Decided {
        let Some(stream) = self.streams.get(stream as usize).cloned() else {
            return Account::stale();
        };
        let position = Position { stream, epoch: self.epoch, offset, id };
        Decided::Stored(position, Durability::Disk)
    }
}
