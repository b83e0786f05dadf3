//! Events with a text as lines that tests compare.

use event_driven_kit::{Cause, Delivery, Event, Stage};

/// The text of an event, and how it was delivered.
pub fn line(event: &Event) -> Result<String, Cause> {
    let data = event.data::<String>()?;
    Ok(match event.delivery() {
        Delivery::Local => format!("{data} local"),
        Delivery::Ephemeral => format!("{data} ephemeral"),
        Delivery::Pending(Stage::Queued) => format!("{data} queued"),
        Delivery::Pending(Stage::Kept) => format!("{data} kept"),
        Delivery::Pending(Stage::Sent) => format!("{data} sent"),
        Delivery::Stored(position) => format!("{data} stored {}", position.offset),
        Delivery::Rejected(rejection) => format!("{data} rejected {}", rejection.code.name()),
    })
}
