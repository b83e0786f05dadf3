//! Where a subscription starts, as far as the newest events say: most clients start at the end of the log or
//! shortly before it, and need no thread that may block.

use session::server::{Located, Logged, StartPoint, StreamNo};
use session::{Body, Position, Start, Stream};
use store::Store;
use topic::Pattern;

use super::tail::Tails;

/// The same as [`Store::locate`], or `None` if only the store can say.
pub(super) fn locate(
    store: &dyn Store,
    tails: &Tails,
    pattern: &Pattern,
    start: &Start,
) -> Option<Located> {
    let positions: &[Position] = match start {
        Start::Latest => &[],
        // The store also knows streams that have come since, and those that are gone.
        Start::After(positions) if positions.len() == store.streams().len() => positions,
        Start::After(_) | Start::Earliest | Start::Last(_) => return None,
    };
    // Of several streams, the store skips those that hold nothing for a pattern.
    if positions.len() > 1 && pattern.as_topic().is_none() {
        return None;
    }
    let mut places = Vec::with_capacity(store.streams().len());
    for (number, stream) in store.streams().iter().enumerate() {
        places.push(match start {
            Start::After(_) => {
                let position = positions.iter().find(|position| position.stream == *stream)?;
                after(store, tails, number, position)?
            }
            _ => latest(store, tails, number, stream)?,
        });
    }
    Some(Located::At(places))
}

fn latest(
    store: &dyn Store,
    tails: &Tails,
    number: StreamNo,
    stream: &Stream,
) -> Option<StartPoint> {
    let head = tails.newest(number)?;
    let position = Position {
        stream: stream.clone(),
        epoch: store.epoch(),
        offset: head.offset,
        id: id(head),
    };
    let next = (head.offset + 1).max(store.first(number));
    Some(StartPoint { next, previous: None, head: position, gap: None })
}

/// A position of another log, or one whose event was trimmed or is not in memory, is for the store.
fn after(
    store: &dyn Store,
    tails: &Tails,
    number: StreamNo,
    Position { stream, epoch, offset, id: expected }: &Position,
) -> Option<StartPoint> {
    let latest = latest(store, tails, number, stream)?;
    let next = offset.checked_add(1)?;
    if *epoch != latest.head.epoch || *offset > latest.head.offset || next < store.first(number) {
        return None;
    }
    if expected.is_some() && id(tails.event(number, *offset)?) != *expected {
        return None;
    }
    Some(StartPoint { next, previous: Some(*offset), ..latest })
}

fn id(event: &Logged) -> Option<String> {
    Body::decode(&event.body).ok().map(|body| body.id)
}
