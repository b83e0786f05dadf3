//! The body of an event, which crosses the link, and its payload on the bus.

use bus::Topic;
use session::Body;

use crate::{Bytes, Delivery, Event, JSON, Payload};

/// The content of a body.
pub(super) fn content(content_type: Option<String>, data: Vec<u8>) -> Bytes {
    Bytes { content_type: content_type.map_or(JSON.into(), Into::into), data: data.into() }
}

/// The event of a body that a peer has sent. An event that this page has published has its payload, unless it was
/// deleted.
pub(super) fn received(
    topic: Topic,
    body: Body,
    published: Option<Payload>,
    delivery: Delivery,
) -> Event {
    let (deletes, is_deleted) = (body.deletes(), body.deleted().is_some());
    let payload = published.filter(|_| !is_deleted);
    let payload =
        payload.unwrap_or_else(|| Payload::from_bytes(content(body.content_type, body.data)));
    Event::inbound(topic, payload, &body.id, &body.source, body.time, delivery).attested(
        body.authid,
        deletes,
        is_deleted,
    )
}

/// The body of an event that is published here.
pub(super) fn body(event: &Event, bytes: Bytes) -> Body {
    let content_type = (bytes.content_type != JSON).then(|| bytes.content_type.into_owned());
    Body {
        id: event.id().to_owned(),
        time: event.time().map(|time| time as u64),
        content_type,
        data: bytes.data.to_vec(),
        ..Body::default()
    }
}
