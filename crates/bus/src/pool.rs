//! Worker pools: a queue group whose members are workers, elsewhere. Each event goes to exactly one of them,
//! to the one that has the least to finish.
//!
//! What a worker is comes from outside ([`Worker`]): a Web Worker in a browser, a thread. The pool knows
//! when it is ready, what it has finished and that it has died; what it was given by then, another gets.

mod backlog;
mod crew;
mod member;
mod reports;

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::rc::Rc;
use std::time::Duration;

use crate::core::Turn;
use crate::{Overflow, Payload, Schedule, Subscriber, Subscription, Topic};

use crew::{Crew, Held};
pub use reports::Reports;

/// The topic of a [`Failure`](crate::Failure) that tells of a worker's end, whatever it worked on.
pub const WORKER_TOPIC: &str = "$bus.worker";

/// Handles events away from the bus; dropped, it ends, whatever it does at the time.
pub trait Worker<P: Payload>: 'static {
    /// Gives it an event. It is given no other before it has reported this one
    /// [done](Reports::done).
    ///
    /// # Errors
    /// The event cannot be given to a worker. That is a failure like a handler's, and not tried again.
    fn hand(&self, task: &Task<'_, P>) -> Result<(), P::Cause>;
}

/// An event for a worker.
#[derive(Debug)]
#[non_exhaustive]
pub struct Task<'a, P> {
    /// Names it in the worker's reports; given once in a pool.
    pub ticket: u64,
    /// Where it was published.
    pub topic: &'a Topic,
    /// What was published.
    pub payload: &'a P,
    /// Whether a worker was given it before, and may have done it in part or whole.
    pub redelivered: bool,
}

/// How a pool works.
#[derive(Debug)]
#[must_use = "options do nothing before `Subscriber::pool`"]
pub struct PoolOptions<P: Payload> {
    members: NonZeroUsize,
    capacity: NonZeroUsize,
    overflow: Overflow<P>,
    attempts: NonZeroU32,
    deadline: Duration,
    startup: Duration,
    serves: bool,
}

/// Why a worker was lost, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerLost {
    /// It did not finish an event in time.
    #[error("it took longer than the {0:?} that an event may take")]
    Deadline(Duration),
    /// It was not ready in time.
    #[error("it was not ready after {0:?}: does its script load, and does it serve?")]
    Startup(Duration),
    /// A worker has died, and is replaced.
    #[error("a worker has ended: {cause}; another starts in {next:?}")]
    Ended {
        /// Why.
        cause: String,
        /// When its replacement starts.
        next: Duration,
    },
    /// An event has cost so many workers their life.
    #[error("given up: {attempts} workers have ended over it, the last because {cause}")]
    GivenUp {
        /// How many workers were given the event.
        attempts: u32,
        /// Why the last one died.
        cause: String,
    },
}

/// A subscription whose events are handled by workers; dropped, it ends, and so do they.
///
/// Events that wait or are in work then are not handled to their end. Made by [`Subscriber::pool`].
#[must_use = "a pool ends when it is dropped: keep it as long as its events shall be handled"]
pub struct Pool<P: Payload> {
    subscription: Subscription,
    crew: Hold<P>,
}

/// Dropped, the workers end, also if one of them is being given an event by who drops it.
struct Hold<P>(Rc<dyn Held<P>>);

impl<P> Drop for Hold<P> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<P: Payload> PoolOptions<P> {
    /// So many workers. Up to 1,024 events wait for them, and a publisher is refused when there are more
    /// ([`Overflow::wait`]); an event may take 30 s and is tried 3 times.
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

    /// So many workers.
    pub const fn members(mut self, members: NonZeroUsize) -> Self {
        self.members = members;
        self
    }

    /// Lets up to `capacity` events wait; `overflow` says what happens to one more. An event that was in
    /// work when its worker died waits in addition to them.
    pub fn capacity(mut self, capacity: NonZeroUsize, overflow: Overflow<P>) -> Self {
        (self.capacity, self.overflow) = (capacity, overflow);
        self
    }

    /// How long a worker may take for an event, from its being given. Then it is ended. A timer that rings
    /// more than a second late begins once more: the page was suspended, and perhaps its worker too.
    pub const fn deadline(mut self, time: Duration) -> Self {
        self.deadline = time;
        self
    }

    /// How long a worker may take to get ready. Then it is ended.
    pub const fn startup(mut self, time: Duration) -> Self {
        self.startup = time;
        self
    }

    /// How many workers may be lost over one event before it is given up.
    pub const fn attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Also answers requests ([`Bus::request`](crate::Bus::request)) with what workers [reply](Reports::reply).
    pub const fn serving(mut self) -> Self {
        self.serves = true;
        self
    }
}

impl<P: Payload<Cause: From<WorkerLost>> + Clone> Subscriber<'_, P> {
    /// Lets workers handle the events. `spawn` starts one; what it is given is for the worker's reports.
    ///
    /// Each worker has one event in work at a time. The others wait together, and the next goes to who has
    /// nothing pending, for longest: none waits behind a slow one while a worker is free. So
    /// workers begin events in their order, and finish them in any. In a [group](Self::group) the pool is one
    /// member, and its events are pending until they are done.
    ///
    /// **An event is handled at least once.** A worker that reports its death, or is later than its
    /// [deadline](PoolOptions::deadline), is dropped and replaced: at once, and later and later (up to 30 s)
    /// while replacements die before they have finished anything. The event that it had goes to the
    /// next free worker, before all younger ones and marked as redelivered: handlers see it again. One that
    /// has cost as many workers as it has [attempts](PoolOptions::attempts) is given up, which is a failure on
    /// [`ERROR_TOPIC`](crate::ERROR_TOPIC); so is each worker's end, under [`WORKER_TOPIC`].
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
    /// /// Stands for a thread: done with an event as soon as it has it.
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
        let pending = self.more().pending.get_or_insert_default().clone();
        self.more().serves = options.serves;
        let label = self.label_or_pattern();
        let crew = Crew::new(&core, &self.pattern, label, pending, options, schedule, spawn);
        let handler = Rc::downgrade(&crew);
        let subscription = self.handle(move |event| {
            if let Some(crew) = handler.upgrade() {
                crew.take(event);
            }
            Ok(())
        });
        if let Some(opening) = crew.opening() {
            // What was published before has no room reserved here: the pool begins at its own turn.
            core.take_turn(Turn::Job(opening));
        }
        crew.start();
        Pool { subscription, crew: Hold(crew) }
    }
}

impl<P: Payload> Pool<P> {
    /// How many events wait or are in work.
    pub fn pending(&self) -> usize {
        self.crew.0.pending()
    }

    /// How many events were dropped because too many waited.
    pub fn dropped(&self) -> u64 {
        self.crew.0.dropped()
    }

    /// How many workers were lost.
    pub fn lost(&self) -> u64 {
        self.crew.0.lost()
    }

    /// The subscription that brings the events.
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
