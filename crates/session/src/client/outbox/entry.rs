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
    pub(in crate::client) signing: Signing,
}

impl OutboxEntry {
    pub(in crate::client) fn new(row: OutboxRow) -> Self {
        Self { row, sent: false, seen: None, stage: Stage::Idle, signing: Signing::NotAsked }
    }

    /// Whether it must not be sent yet, because it must be signed first.
    pub(in crate::client) fn is_unsigned(&self) -> bool {
        self.row.sign_by.is_some() && self.signing != Signing::Done
    }

    /// When it is rejected, unless it is sent before. The limit for signing counts only after a signature has failed.
    pub(in crate::client) fn ends(&self) -> Option<Millis> {
        let sign_by = self.row.sign_by.filter(|_| self.signing == Signing::Impossible);
        [self.expires(), sign_by].into_iter().flatten().min()
    }

    /// Why it is rejected at this time of the wall clock.
    pub(in crate::client) fn has_ended(&self, wall: Millis) -> Option<RejectCode> {
        self.ends().filter(|at| *at <= wall)?;
        let has_expired = self.expires().is_some_and(|at| at <= wall);
        Some(if has_expired { RejectCode::Expired } else { RejectCode::NotSigned })
    }

    /// When it expires, if it still can.
    pub(in crate::client) fn expires(&self) -> Option<Millis> {
        self.row.expires.filter(|_| !self.row.leaving)
    }
}

/// The signature of a row that must have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::client) enum Signing {
    NotAsked,
    Asked,
    /// It could not be made.
    Impossible,
    /// The body has it.
    Done,
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
