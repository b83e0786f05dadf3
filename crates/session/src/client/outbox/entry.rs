//! A row of the outbox, with what is being done with it.

use crate::client::store::OutboxRow;
use crate::{Millis, Position, RejectCode};

#[derive(Debug)]
pub(in crate::client) struct OutboxEntry {
    pub(in crate::client) row: OutboxRow,
    /// Whether its frame was sent on this connection.
    pub(in crate::client) sent: bool,
    /// Its position in the log, once a subscription has delivered it or its answer has named it. Then it is in the log,
    /// whatever a later answer says.
    pub(in crate::client) seen: Option<Position>,
    pub(in crate::client) stage: Stage,
}

impl OutboxEntry {
    pub(in crate::client) fn new(row: OutboxRow) -> Self {
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
    /// The store was asked to mark it as leaving.
    Marking,
    /// The store was asked to drop it, for this reason.
    Dropping(RejectCode),
    /// The store no longer holds it. Another tab knows the outcome, and has until then to report it. A page that
    /// slept gets the same time again, to hear what was reported meanwhile.
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

/// How long another tab has to report the outcome of a row.
pub(in crate::client) const LOST: Millis = 5_000;
