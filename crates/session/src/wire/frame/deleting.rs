//! The frames that delete an event.

use crate::{Position, RejectCode};

/// Deletes an event. A peer that supports it names its kind in [`Welcome::kinds`](super::Welcome::kinds).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    /// The request's number, which the client does not reuse before the answer.
    pub request: u32,
    /// The position of the event.
    pub position: Position,
}

/// The answer to [`Delete`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// The request.
    pub request: u32,
    /// The position of the deletion event, or why the event is not deleted.
    pub outcome: Result<Position, RejectCode>,
    /// If present, the request may be repeated after this many milliseconds.
    pub retry: Option<u32>,
}
