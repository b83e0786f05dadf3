//! Worker pools: a subscription whose events are handled by workers outside the bus, one event per worker at
//! a time.
//!
//! The caller implements [`Worker`], for example by a Web Worker or a thread. The pool learns when a worker
//! is ready, which events it has finished, and that it has died; its event then goes to another worker.

mod backlog;
mod member;
mod reports;
mod workers;

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::rc::Rc;
use std::time::Duration;

use crate::core::Turn;
use crate::{Overflow, Payload, Schedule, Subscriber, Subscription, Topic};

pub use reports::Reports;
use workers::{PoolControl, Workers};

/// The topic of the [`Failure`](crate::Failure) that reports the end of a worker.
pub const WORKER_TOPIC: &str = "$bus.worker";

/// Handles events outside the bus. Dropping it ends the worker, even while it handles an event.
pub trait Worker<P: Payload>: 'static {
    /// Starts work on an event. The next event follows after the worker has reported this one as
    /// [done](Reports::done).
    ///
    /// # Errors
    /// The event cannot be transferred to a worker. It counts as a handler's failure and is not retried.
    fn hand(&self, task: &Task<'_, P>) -> Result<(), P::Cause>;
}

/// An event for a worker.
#[derive(Debug)]
#[non_exhaustive]
pub struct Task<'a, P> {
    /// Identifies the event in the worker's reports. Unique within a pool.
    pub ticket: u64,
    /// The topic it was published to.
    pub topic: &'a Topic,
    /// The published payload.
    pub payload: &'a P,
    /// Whether another worker has had this event before. It may have done some or all of the work.
    pub redelivered: bool,
}

/// Options of a worker pool.
#[derive(Debug)]
#[must_use = "options have no effect until passed to `Subscriber::pool`"]
pub struct PoolOptions<P: Payload> {
    members: NonZeroUsize,
    capacity: NonZeroUsize,
    overflow: Overflow<P>,
    attempts: NonZeroU32,
    deadline: Duration,
    startup: Duration,
    serves: bool,
}

/// Why a worker was lost, and what happens next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerLost {
    /// It has not finished an event in time.
    #[error("it exceeded the deadline of {} ms", .0.as_millis())]
    Deadline(Duration),
    /// It was not ready in time.
    #[error("it was not ready after {} ms: does its script load and call `serve`?", .0.as_millis())]
    Startup(Duration),
    /// A worker has died and will be replaced.
    #[error("a worker has ended: {cause}; another starts in {} ms", .next.as_millis())]
    Ended {
        /// Why it died.
        cause: String,
        /// The delay until its replacement starts.
        next: Duration,
    },
    /// An event was given up after it had too many attempts.
    #[error("given up after {attempts} workers, the last of which ended: {cause}")]
    GivenUp {
        /// The number of workers that have tried to handle the event.
        attempts: u32,
        /// Why the last of them died.
        cause: String,
    },
}

/// A subscription whose events are handled by workers. Dropping it ends the subscription and the workers.
///
/// Events that are unfinished at that moment are lost. Created by [`Subscriber::pool`].
#[must_use = "the pool ends when this is dropped"]
pub struct Pool<P: Payload> {
    subscription: Subscription,
    workers: EndOnDrop<P>,
}

/// Ends the workers when it is dropped, even inside [`Worker::hand`] of one of them.
struct EndOnDrop<P>(Rc<dyn PoolControl<P>>);

impl<P> Drop for EndOnDrop<P> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<P: Payload> PoolOptions<P> {
    /// A pool of `members` workers. By default up to 1,024 events wait, beyond which publishers are refused
    /// ([`Overflow::wait`]); an event has a deadline of 30 s and 3 attempts.
    pub const fn new(members: NonZeroUsize) -> Self {
        const CAPACITY: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();
        const ATTEMPTS: NonZeroU32 = NonZeroU32::new(3).unwrap();
        const TIME: Duration = Duration::from_secs(30);
        Self {
            members,
            capacity: CAPACITY,
            overflow: Overflow::wait(),
            attempts: ATTEMPTS,
            deadline: TIME,
            startup: TIME,
            serves: false,
        }
    }

    /// The number of workers.
    pub const fn members(mut self, members: NonZeroUsize) -> Self {
        self.members = members;
        self
    }

    /// The number of events that may wait, and what happens beyond it. An event that waits again because its
    /// worker has died does not count.
    pub fn capacity(mut self, capacity: NonZeroUsize, overflow: Overflow<P>) -> Self {
        (self.capacity, self.overflow) = (capacity, overflow);
        self
    }

    /// How long a worker may work on an event before it is ended. If the timer fires more than a second late,
    /// it starts once more: the page was suspended, and perhaps its worker too.
    pub const fn deadline(mut self, time: Duration) -> Self {
        self.deadline = time;
        self
    }

    /// How long a worker may take to become ready before it is ended.
    pub const fn startup(mut self, time: Duration) -> Self {
        self.startup = time;
        self
    }

    /// How many workers may die while handling one event before the event is given up.
    pub const fn attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Also responds to requests ([`Bus::request`](crate::Bus::request)), with what workers
    /// [reply](Reports::reply).
    pub const fn serving(mut self) -> Self {
        self.serves = true;
        self
    }
}

impl<P: Payload<Cause: From<WorkerLost>> + Clone> Subscriber<'_, P> {
    /// Lets workers handle the events. `spawn` starts a worker, which reports through the given [`Reports`].
    ///
    /// Each worker handles one event at a time. The other events wait in one queue, and the next one goes to
    /// the worker that has been idle for longest. So workers start events in order but may finish them in any
    /// order, and no event waits behind a slow worker while another one is idle. In a [group](Self::group)
    /// the pool is one member, and its events are pending until they are done.
    ///
    /// **An event is handled at least once.** A worker that reports its death or exceeds its
    /// [deadline](PoolOptions::deadline) is dropped and replaced: at once, or with growing delays (up to
    /// 30 s) while replacements die before they have finished anything. Its event goes to the next idle
    /// worker, before all younger events and marked as redelivered, so handlers may see it again. After as
    /// many workers as it has [attempts](PoolOptions::attempts), an event is given up, which is published as
    /// a failure on [`ERROR_TOPIC`](crate::ERROR_TOPIC). The end of each worker is published there too, under
    /// [`WORKER_TOPIC`].
    ///
    /// ```
    /// # use std::{cell::RefCell, num::NonZeroUsize, rc::Rc, time::Duration};
    /// # use bus::{Bus, Failure, Payload, PoolOptions, Reports, Task, Topic, VirtualTime, Worker, WorkerLost};
    /// # #[derive(Clone)]
    /// # struct Number(u64);
    /// # struct Cause(String);
    /// # impl std::fmt::Display for Cause {
    /// #     fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { out.write_str(&self.0) }
    /// # }
    /// # impl From<WorkerLost> for Cause { fn from(lost: WorkerLost) -> Self { Cause(lost.to_string()) } }
    /// # impl Payload for Number {
    /// #     type Cause = Cause;
    /// #     fn failure(_: Failure<Cause>) -> Self { Number(0) }
    /// # }
    /// /// In place of a thread: finishes an event at once.
    /// struct Quick(Reports<Number>, Rc<RefCell<Vec<u64>>>);
    /// impl Worker<Number> for Quick {
    ///     fn hand(&self, task: &Task<'_, Number>) -> Result<(), Cause> {
    ///         self.1.borrow_mut().push(task.payload.0);
    ///         self.0.done(task.ticket, Ok(()));
    ///         Ok(())
    ///     }
    /// }
    /// let (bus, seen) = (Bus::<Number>::new(|_| {}), Rc::default());
    /// let options = PoolOptions::new(NonZeroUsize::MIN).deadline(Duration::from_secs(5));
    /// let log: Rc<RefCell<Vec<u64>>> = Rc::clone(&seen);
    /// let pool = bus.subscriber("job.*".try_into()?).pool(options, VirtualTime::new(), move |reports| {
    ///     reports.ready();
    ///     Ok(Quick(reports, log.clone()))
    /// });
    /// bus.publish(Topic::parse("job.resize")?, Number(7))?;
    /// assert_eq!((&*seen.borrow(), pool.pending()), (&vec![7], 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pool<W: Worker<P>>(
        mut self,
        options: PoolOptions<P>,
        schedule: Rc<dyn Schedule>,
        spawn: impl Fn(Reports<P>) -> Result<W, P::Cause> + 'static,
    ) -> Pool<P> {
        let core = self.bus.core.clone();
        let pending = self.extras().pending.get_or_insert_default().clone();
        self.extras().serves = options.serves;
        let label = self.label_or_pattern();
        let workers = Workers::new(&core, &self.pattern, label, pending, options, schedule, spawn);
        let handler = Rc::downgrade(&workers);
        let subscription = self.handle(move |event| {
            if let Some(workers) = handler.upgrade() {
                workers.accept(event);
            }
            Ok(())
        });
        if let Some(opening) = workers.opening() {
            // Earlier events have no room reserved, so the pool opens at a turn of its own.
            core.take_turn(Turn::Job(opening));
        }
        workers.start();
        Pool { subscription, workers: EndOnDrop(workers) }
    }
}

impl<P: Payload> Pool<P> {
    /// The number of events that wait or are being handled.
    pub fn pending(&self) -> usize {
        self.workers.0.pending()
    }

    /// The number of events that were dropped because too many were waiting.
    pub fn dropped(&self) -> u64 {
        self.workers.0.dropped()
    }

    /// The number of workers that have died or exceeded a deadline.
    pub fn lost(&self) -> u64 {
        self.workers.0.lost()
    }

    /// The subscription of the pool.
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }
}

impl<P: Payload> fmt::Debug for Pool<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pool")
            .field("subscription", &self.subscription)
            .field("pending", &self.pending())
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}
