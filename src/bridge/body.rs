//! The body of an event, which crosses the link, and its payload on the bus.

use session::Body;

use crate::{Bytes, Event, JSON};

/// The content of a body.
pub(super) fn content(content_type: Option<String>, data: Vec<u8>) -> Bytes {
    Bytes { content_type: content_type.map_or(JSON.into(), Into::into), data: data.into() }
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
