//! The reports of a worker to its pool.

use std::fmt;
use std::rc::Weak;

use crate::{HandlerResult, Payload};

/// Sends the reports of one worker to its pool. Reports of a replaced worker, or with a ticket that is not
/// its own, have no effect.
pub struct Reports<P: Payload> {
    pool: Weak<dyn ReportHandler<P>>,
    id: WorkerId,
}

/// Identifies a worker by the index of its member and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WorkerId {
    pub(super) index: usize,
    pub(super) number: u64,
}

/// Receives reports, independent of the type of the workers.
pub(super) trait ReportHandler<P: Payload> {
    fn ready(&self, id: WorkerId);
    fn reply(&self, id: WorkerId, ticket: u64, reply: P);
    fn done(&self, id: WorkerId, ticket: u64, handled: HandlerResult<P>);
    fn died(&self, id: WorkerId, cause: P::Cause);
}

impl<P: Payload> Reports<P> {
    pub(super) fn new(pool: Weak<dyn ReportHandler<P>>, id: WorkerId) -> Self {
        Self { pool, id }
    }

    /// The worker is ready for events.
    pub fn ready(&self) {
        self.send(|pool| pool.ready(self.id));
    }

    /// The worker replies to its request. Has no effect if its event is not a request.
    pub fn reply(&self, ticket: u64, reply: P) {
        self.send(|pool| pool.reply(self.id, ticket, reply));
    }

    /// The worker has handled its event. An `Err` counts as a handler's failure; the event is not redelivered.
    pub fn done(&self, ticket: u64, handled: HandlerResult<P>) {
        self.send(|pool| pool.done(self.id, ticket, handled));
    }

    /// The worker has died of `cause` and sends no further reports.
    pub fn died(&self, cause: P::Cause) {
        self.send(|pool| pool.died(self.id, cause));
    }

    fn send(&self, report: impl FnOnce(&dyn ReportHandler<P>)) {
        if let Some(pool) = self.pool.upgrade() {
            report(&*pool);
        }
    }
}

impl<P: Payload> Clone for Reports<P> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), id: self.id }
    }
}

impl<P: Payload> fmt::Debug for Reports<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Reports").field(&self.id).finish()
    }
}
