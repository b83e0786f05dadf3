//! What a worker tells its pool.

use std::fmt;
use std::rc::Weak;

use crate::{HandlerResult, Payload};

/// Where one worker reports. Reports of a worker that has been replaced, or of a ticket that is not
/// its own, do nothing.
pub struct Reports<P: Payload> {
    crew: Weak<dyn Hear<P>>,
    seat: Seat,
}

/// Which worker: its place in the pool, and its number among all that had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) at: usize,
    pub(super) number: u64,
}

/// Who hears reports, whatever its workers are.
pub(super) trait Hear<P: Payload> {
    fn ready(&self, seat: Seat);
    fn reply(&self, seat: Seat, ticket: u64, reply: P);
    fn done(&self, seat: Seat, ticket: u64, handled: HandlerResult<P>);
    fn died(&self, seat: Seat, cause: P::Cause);
}

impl<P: Payload> Reports<P> {
    pub(super) fn new(crew: Weak<dyn Hear<P>>, seat: Seat) -> Self {
        Self { crew, seat }
    }

    /// It can be given an event.
    pub fn ready(&self) {
        self.tell(|crew| crew.ready(self.seat));
    }

    /// It answers the request that it was given; nothing happens if the event was none.
    pub fn reply(&self, ticket: u64, reply: P) {
        self.tell(|crew| crew.reply(self.seat, ticket, reply));
    }

    /// It has handled the event. An `Err` is a failure like a handler's, and the event is not redelivered.
    pub fn done(&self, ticket: u64, handled: HandlerResult<P>) {
        self.tell(|crew| crew.done(self.seat, ticket, handled));
    }

    /// It will not report any more, because of `cause`.
    pub fn died(&self, cause: P::Cause) {
        self.tell(|crew| crew.died(self.seat, cause));
    }

    fn tell(&self, report: impl FnOnce(&dyn Hear<P>)) {
        if let Some(crew) = self.crew.upgrade() {
            report(&*crew);
        }
    }
}

impl<P: Payload> Clone for Reports<P> {
    fn clone(&self) -> Self {
        Self { crew: self.crew.clone(), seat: self.seat }
    }
}

impl<P: Payload> fmt::Debug for Reports<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Reports").field(&self.seat).finish()
    }
}
