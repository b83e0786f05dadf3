//! Pages of history, backwards from a position.

use topic::Topic;

use super::{HistoryError, Older};
use crate::wire::frame::HistoryPage;
use crate::{Body, MAX_NUMBER, Position};

/// Returns `None` if the page does not follow the grammar.
pub(super) fn read(
    page: HistoryPage,
    before: Option<&Position>,
) -> Option<Result<Older, HistoryError>> {
    if let Some(code) = page.refused {
        return Some(Err(HistoryError::Refused(code)));
    }
    let epoch = page.epoch;
    if before.is_some_and(|before| before.epoch != epoch && before.offset < MAX_NUMBER) {
        return Some(Err(HistoryError::Reset));
    }
    let stream = before.map(|before| before.stream.clone()).unwrap_or_default();
    let mut events = Vec::with_capacity(page.entries.len());
    for entry in page.entries {
        let (topic, body) = (Topic::parse(&entry.topic).ok()?, Body::decode(&entry.body).ok()?);
        let (stream, id) = (stream.clone(), Some(body.id.clone()));
        let position = Position { stream, epoch, offset: entry.offset, id };
        events.push((position, topic, body));
    }
    let next = page.next.map(|(stream, offset)| Position { stream, epoch, offset, id: None });
    Some(Ok(Older { events, next }))
}
