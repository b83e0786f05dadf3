//! Time, given from outside: the bus has no clock of its own.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// What is to be done later.
pub type Job = Box<dyn FnOnce()>;

/// A clock and a scheduler. A browser gives its timers, tests give [`VirtualTime`].
///
/// No job may run inside the call that schedules it.
pub trait Schedule {
    /// How long ago some fixed moment was; it never goes back.
    fn now(&self) -> Duration;

    /// Runs `job` when the current task is done, before anything else (a microtask).
    fn soon(&self, job: Job);

    /// Runs `job` before the next picture is drawn (an animation frame).
    fn frame(&self, job: Job);

    /// Runs `job` after `delay`, unless the answer was dropped by then.
    #[must_use = "dropped, the timer is cancelled"]
    fn after(&self, delay: Duration, job: Job) -> Box<dyn Any>;
}

/// Time that passes when it is told to, for tests.
///
/// ```
/// use std::{cell::Cell, rc::Rc, time::Duration};
/// use bus::{Schedule, VirtualTime};
/// let time = VirtualTime::new();
/// let rang = Rc::new(Cell::new(false));
/// let bell = rang.clone();
/// let _timer = time.after(Duration::from_secs(60), Box::new(move || bell.set(true)));
/// time.pass(Duration::from_secs(59));
/// assert!(!rang.get());
/// time.pass(Duration::from_secs(1));
/// assert!(rang.get());
/// ```
#[derive(Default)]
pub struct VirtualTime {
    now: Cell<Duration>,
    number: Cell<u64>,
    jobs: RefCell<Vec<Planned>>,
}

struct Planned {
    due: Due,
    number: u64,
    job: Job,
    /// Whether the timer was dropped.
    cancelled: Rc<Cell<bool>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Soon,
    Frame,
    At(Duration),
}

/// Cancels its timer when it is dropped.
struct Timer(Rc<Cell<bool>>);

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

impl VirtualTime {
    /// Time that begins now.
    pub fn new() -> Rc<Self> {
        Rc::default()
    }

    /// Runs the microtasks, and those that they make.
    pub fn settle(&self) {
        while self.run_next(|due| due == Due::Soon) {}
    }

    /// Runs the microtasks, and then what waits for the next frame.
    pub fn next_frame(&self) {
        self.settle();
        let made_before = self.number.get();
        while self.run_next_of(made_before, |due| due == Due::Frame) {
            self.settle();
        }
    }

    /// Lets time pass: what is due by its end is run, each at its own moment.
    pub fn pass(&self, time: Duration) {
        let end = self.now.get().saturating_add(time);
        self.settle();
        while self.run_next(|due| matches!(due, Due::At(moment) if moment <= end)) {
            self.settle();
        }
        // A job may have let time pass beyond it.
        self.now.set(end.max(self.now.get()));
    }

    fn run_next(&self, is_due: impl Fn(Due) -> bool) -> bool {
        self.run_next_of(u64::MAX, is_due)
    }

    fn run_next_of(&self, made_before: u64, is_due: impl Fn(Due) -> bool) -> bool {
        let next = {
            let mut jobs = self.jobs.borrow_mut();
            let due = jobs
                .iter()
                .enumerate()
                .filter(|(_, job)| job.number < made_before && is_due(job.due))
                .min_by_key(|(_, job)| (job.due, job.number))
                .map(|(at, _)| at);
            due.map(|at| jobs.swap_remove(at))
        };
        let Some(planned) = next else { return false };
        if let Due::At(moment) = planned.due {
            self.now.set(moment);
        }
        if !planned.cancelled.get() {
            (planned.job)();
        }
        true
    }

    /// Answers the flag that cancels the job.
    fn plan(&self, due: Due, job: Job) -> Rc<Cell<bool>> {
        let cancelled = Rc::new(Cell::new(false));
        let number = self.number.replace(self.number.get() + 1);
        // Jobs whose timers were dropped go first, and are dropped when nothing is borrowed.
        let gone: Vec<Planned> = {
            let mut jobs = self.jobs.borrow_mut();
            let gone = jobs.extract_if(.., |planned| planned.cancelled.get()).collect();
            jobs.push(Planned { due, number, job, cancelled: cancelled.clone() });
            gone
        };
        drop(gone);
        cancelled
    }
}

impl Schedule for VirtualTime {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn soon(&self, job: Job) {
        self.plan(Due::Soon, job);
    }

    fn frame(&self, job: Job) {
        self.plan(Due::Frame, job);
    }

    fn after(&self, delay: Duration, job: Job) -> Box<dyn Any> {
        Box::new(Timer(self.plan(Due::At(self.now.get().saturating_add(delay)), job)))
    }
}

impl fmt::Debug for VirtualTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("VirtualTime").field("now", &self.now).finish_non_exhaustive()
    }
}
