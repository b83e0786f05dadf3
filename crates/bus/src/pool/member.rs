//! A member of a pool: its current worker, and the event that the worker handles.

use std::any::Any;
use std::rc::Rc;
use std::time::Duration;

use super::backlog::Entry;

pub(super) struct Member<P, W> {
    /// The number of the current worker, whose reports count; 0 without one.
    pub(super) number: u64,
    pub(super) worker: Option<Rc<W>>,
    pub(super) is_ready: bool,
    pub(super) current: Option<CurrentEvent<P>>,
    /// The startup timeout, the deadline of the event, or the delay before a replacement.
    pub(super) timer: Option<Box<dyn Any>>,
    /// The number of workers in a row that have died without finishing an event.
    deaths: u32,
    /// The ticket of its last event. The lowest one marks the member that has been idle for longest.
    pub(super) last_ticket: u64,
}

pub(super) struct CurrentEvent<P> {
    pub(super) ticket: u64,
    pub(super) entry: Rc<Entry<P>>,
}

/// What is left of a worker, to be dropped without a borrow.
pub(super) struct Remains<P, W> {
    pub(super) current: Option<CurrentEvent<P>>,
    pub(super) delay: Duration,
    pub(super) _worker: Option<Rc<W>>,
    pub(super) _timer: Option<Box<dyn Any>>,
}

impl<P, W> Member<P, W> {
    pub(super) fn new() -> Self {
        Self {
            number: 0,
            worker: None,
            is_ready: false,
            current: None,
            timer: None,
            deaths: 0,
            last_ticket: 0,
        }
    }

    /// The worker, if it is ready and idle.
    pub(super) fn idle(&self) -> Option<&Rc<W>> {
        self.worker.as_ref().filter(|_| self.is_ready && self.current.is_none())
    }

    pub(super) fn handles(&self, ticket: u64) -> bool {
        self.current.as_ref().is_some_and(|current| current.ticket == ticket)
    }

    /// Ends the work on the current event.
    pub(super) fn finish(&mut self) -> (Option<CurrentEvent<P>>, Option<Box<dyn Any>>) {
        self.deaths = 0;
        (self.current.take(), self.timer.take())
    }

    /// Removes a worker that has died.
    pub(super) fn retire(&mut self) -> Remains<P, W> {
        const FIRST: Duration = Duration::from_millis(100);
        const LONGEST: Duration = Duration::from_secs(30);
        let delay = match self.deaths {
            0 => Duration::ZERO,
            deaths => FIRST.saturating_mul(1 << (deaths - 1).min(16)).min(LONGEST),
        };
        self.deaths = self.deaths.saturating_add(1);
        self.is_ready = false;
        self.number = 0;
        Remains {
            current: self.current.take(),
            delay,
            _worker: self.worker.take(),
            _timer: self.timer.take(),
        }
    }
}
