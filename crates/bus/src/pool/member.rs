//! A place in a pool: its worker, and what that works on.

use std::any::Any;
use std::rc::Rc;
use std::time::Duration;

use super::backlog::Entry;

pub(super) struct Member<P, W> {
    /// Of the worker that reports are heard from; 0 while there is none.
    pub(super) number: u64,
    pub(super) worker: Option<Rc<W>>,
    pub(super) is_ready: bool,
    pub(super) in_work: Option<InWork<P>>,
    /// For what is awaited: that it is ready, that it is done, or that it may be replaced.
    pub(super) timer: Option<Box<dyn Any>>,
    /// How many workers in a row have died before they had finished anything.
    deaths: u32,
    /// When it was given an event last, as that event's ticket.
    pub(super) last: u64,
}

pub(super) struct InWork<P> {
    pub(super) ticket: u64,
    pub(super) entry: Rc<Entry<P>>,
}

/// What is left of a worker; to be dropped when nothing is borrowed.
pub(super) struct Remains<P, W> {
    pub(super) in_work: Option<InWork<P>>,
    pub(super) next: Duration,
    pub(super) _worker: Option<Rc<W>>,
    pub(super) _timer: Option<Box<dyn Any>>,
}

impl<P, W> Member<P, W> {
    pub(super) fn new() -> Self {
        Self {
            number: 0,
            worker: None,
            is_ready: false,
            in_work: None,
            timer: None,
            deaths: 0,
            last: 0,
        }
    }

    /// The worker, if it can be given an event.
    pub(super) fn free(&self) -> Option<&Rc<W>> {
        self.worker.as_ref().filter(|_| self.is_ready && self.in_work.is_none())
    }

    pub(super) fn works_on(&self, ticket: u64) -> bool {
        self.in_work.as_ref().is_some_and(|work| work.ticket == ticket)
    }

    /// The worker has finished what it worked on.
    pub(super) fn finish(&mut self) -> (Option<InWork<P>>, Option<Box<dyn Any>>) {
        self.deaths = 0;
        (self.in_work.take(), self.timer.take())
    }

    /// The worker has died.
    pub(super) fn bury(&mut self) -> Remains<P, W> {
        const FIRST: Duration = Duration::from_millis(100);
        const LONGEST: Duration = Duration::from_secs(30);
        let next = match self.deaths {
            0 => Duration::ZERO,
            more => FIRST.saturating_mul(1 << (more - 1).min(16)).min(LONGEST),
        };
        self.deaths = self.deaths.saturating_add(1);
        self.is_ready = false;
        self.number = 0;
        Remains {
            in_work: self.in_work.take(),
            next,
            _worker: self.worker.take(),
            _timer: self.timer.take(),
        }
    }
}
