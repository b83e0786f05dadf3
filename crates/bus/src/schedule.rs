//! Clock and timers. The bus has none of its own.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// Work to run later.
pub type Job = Box<dyn FnOnce()>;

/// A clock and a scheduler: the timers of a browser, or [`VirtualTime`] in tests.
///
/// Implementations must not run a job inside the call that schedules it.
pub trait Schedule {
    /// The time since some fixed moment. It never decreases.
    fn now(&self) -> Duration;

    /// Runs `job` directly after the current task, as a microtask.
    fn soon(&self, job: Job);

    /// Runs `job` at the next animation frame.
    fn frame(&self, job: Job);

    /// Runs `job` after `delay`, unless the returned timer was dropped before.
    #[must_use = "the timer is cancelled when this is dropped"]
    fn after(&self, delay: Duration, job: Job) -> Box<dyn Any>;
}

/// Time that a test moves forward.
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
    jobs: RefCell<Vec<Scheduled>>,
}

struct Scheduled {
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
    /// Creates a clock at zero.
    pub fn new() -> Rc<Self> {
        Rc::default()
    }

    /// Runs the microtasks, including those that they schedule.
    pub fn settle(&self) {
        while self.run_next(|due| due == Due::Soon) {}
    }

    /// Runs the microtasks, and then the jobs of the next animation frame.
    pub fn next_frame(&self) {
        self.settle();
        let created_before = self.number.get();
        while self.run_next_of(created_before, |due| due == Due::Frame) {
            self.settle();
        }
    }

    /// Moves the clock forward by `time`, and runs each job at the moment it is due.
    pub fn pass(&self, time: Duration) {
        let end = self.now.get().saturating_add(time);
        self.settle();
        while self.run_next(|due| matches!(due, Due::At(moment) if moment <= end)) {
            self.settle();
        }
        // A job may have moved the clock further.
        self.now.set(end.max(self.now.get()));
    }

    fn run_next(&self, is_due: impl Fn(Due) -> bool) -> bool {
        self.run_next_of(u64::MAX, is_due)
    }

    fn run_next_of(&self, created_before: u64, is_due: impl Fn(Due) -> bool) -> bool {
        let next = {
            let mut jobs = self.jobs.borrow_mut();
            let due = jobs
                .iter()
                .enumerate()
                .filter(|(_, job)| job.number < created_before && is_due(job.due))
                .min_by_key(|(_, job)| (job.due, job.number))
                .map(|(at, _)| at);
            due.map(|at| jobs.swap_remove(at))
        };
        let Some(scheduled) = next else { return false };
        if let Due::At(moment) = scheduled.due {
            self.now.set(moment);
        }
        if !scheduled.cancelled.get() {
            (scheduled.job)();
        }
        true
    }

    /// Schedules a job and returns the flag that cancels it.
    fn schedule(&self, due: Due, job: Job) -> Rc<Cell<bool>> {
        let cancelled = Rc::new(Cell::new(false));
        let number = self.number.replace(self.number.get() + 1);
        // Cancelled jobs are removed here and dropped without a borrow.
        let cancelled_jobs: Vec<Scheduled> = {
            let mut jobs = self.jobs.borrow_mut();
            let cancelled_jobs =
                jobs.extract_if(.., |scheduled| scheduled.cancelled.get()).collect();
            jobs.push(Scheduled { due, number, job, cancelled: cancelled.clone() });
            cancelled_jobs
        };
        drop(cancelled_jobs);
        cancelled
    }
}

impl Schedule for VirtualTime {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn soon(&self, job: Job) {
        self.schedule(Due::Soon, job);
    }

    fn frame(&self, job: Job) {
        self.schedule(Due::Frame, job);
    }

    fn after(&self, delay: Duration, job: Job) -> Box<dyn Any> {
        Box::new(Timer(self.schedule(Due::At(self.now.get().saturating_add(delay)), job)))
    }
}

impl fmt::Debug for VirtualTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("VirtualTime").field("now", &self.now).finish_non_exhaustive()
    }
}
