//! A row of the outbox, and what is done with it at present.

use crate::client::store::OutboxRow;
use crate::{Millis, Position, RejectCode};

#[derive(Debug)]
pub(in crate::client) struct OutboxEntry {
    pub(in crate::client) row: OutboxRow,
    /// Its frame has left on this connection.
    pub(in crate::client) sent: bool,
    /// A subscription has brought it: so it is in the log, whatever becomes of the answer.
    pub(in crate::client) seen: Option<Position>,
    pub(in crate::client) stage: Stage,
}

impl OutboxEntry {
    pub(super) fn new(row: OutboxRow) -> Self {
        Self { row, sent: false, seen: None, stage: Stage::Idle }
    }

    /// When it expires, if it still can.
    pub(in crate::client) fn expires(&self) -> Option<Millis> {
        self.row.expires.filter(|_| !self.row.leaving)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::client) enum Stage {
    Idle,
    /// The store is asked to note that it may leave.
    Marking,
    /// The store is asked to drop it, for this reason.
    Dropping(RejectCode),
    /// The store holds it no more: another tab knows why, and says so until then. A page that slept is
    /// given as long again, to hear what was said meanwhile.
    Lost {
        until: Millis,
        again: bool,
    },
}

impl Stage {
    pub(super) fn lost(now: Millis) -> Self {
        Self::Lost { until: now + LOST, again: true }
    }
}

/// How long another tab has to say what became of a row.
pub(in crate::client) const LOST: Millis = 5_000;
