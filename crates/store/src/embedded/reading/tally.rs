//! The events of one topic: how many follow a position, and the newest.

use session::server::TopicCount;
use session::{MAX_TALLY, Position, Stream};
use topic::Topic;

use super::Reading;
use crate::embedded::error::Result;

impl Reading {
    /// The events of a topic after a position. `stream` is the name of this stream.
    pub(in crate::embedded) fn tally(
        &self,
        stream: &Stream,
        topic: &Topic,
        after: Option<&Position>,
    ) -> Result<TopicCount> {
        let after = after.filter(|it| it.stream == *stream && it.epoch == self.epoch);
        let after = after.map_or(0, |after| after.offset);
        let (mut tally, mut looked_at, mut is_found) = (TopicCount::default(), 0, false);
        let mut finder = self.blocks.finder();
        for offset in self.older_of(topic.as_str(), u64::MAX)? {
            let offset = offset?;
            let is_counted = offset > after && tally.count < MAX_TALLY as u64;
            tally.count += u64::from(is_counted);
            if tally.head.is_none() {
                let (stream, epoch, id) = (stream.clone(), self.epoch, self.id(offset)?);
                tally.head = Some(Position { stream, epoch, offset, id });
            }
            if !is_found && looked_at < TopicCount::LOOKED_AT {
                looked_at += 1;
                let shown = finder.find(offset, |entry| {
                    let may_show = TopicCount::may_show(entry.body);
                    Ok::<_, crate::embedded::error::Error>(match may_show {
                        Some(true) => (true, Some(self.logged(entry)?)),
                        Some(false) => (false, None),
                        None => (true, None),
                    })
                })?;
                if let Some(shown) = shown.transpose()? {
                    (is_found, tally.newest) = shown;
                }
            } else if !is_counted {
                break;
            }
        }
        Ok(tally)
    }
}
