//! Simulated workers. A test decides when one is ready, done or dead.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::rc::Rc;
use std::time::Duration;

use bus::{
    Bus, ERROR_TOPIC, Failure, Payload, Pool, PoolOptions, Reports, Schedule, Subscription, Task,
    Topic, VirtualTime, WORKER_TOPIC, Worker, WorkerLost,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Job(pub Rc<str>);

#[derive(Debug, Clone, PartialEq)]
pub struct Why(pub String);

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<WorkerLost> for Why {
    fn from(lost: WorkerLost) -> Self {
        Self(lost.to_string())
    }
}

impl Payload for Job {
    type Cause = Why;
    fn failure(failure: Failure<Why>) -> Self {
        Self(format!("{}|{}|{}", failure.topic, failure.label, failure.cause).into())
    }
}

/// A live worker.
pub struct Standing {
    pub number: usize,
    pub reports: Reports<Job>,
    pub given: Option<Given>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub ticket: u64,
    pub job: Job,
    pub redelivered: bool,
}

/// The workers of a test.
#[derive(Default)]
pub struct Hall {
    pub standing: RefCell<Vec<Standing>>,
    /// The events handed to workers, and which workers have started and ended.
    pub log: RefCell<Vec<String>>,
    pub spawned: Cell<usize>,
    /// Workers are ready at once.
    pub eager: Cell<bool>,
    /// Starting a worker fails.
    pub broken: Cell<bool>,
    /// Workers finish each event at once.
    pub quick: Cell<bool>,
    /// Runs inside the next call of `hand`.
    pub meanwhile: RefCell<Option<Box<dyn FnOnce()>>>,
}

/// The handle of a worker that the pool owns.
struct Sim {
    hall: Rc<Hall>,
    number: usize,
}

impl Worker<Job> for Sim {
    fn hand(&self, task: &Task<'_, Job>) -> Result<(), Why> {
        if &*task.payload.0 == "unsendable" {
            return Err(Why("it cannot be sent".into()));
        }
        let mark = if task.redelivered { " again" } else { "" };
        self.hall.note(format!("{}:{}{mark}", self.number, task.payload.0));
        let meanwhile = self.hall.meanwhile.take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        if self.hall.quick.get() {
            let reports = self.hall.reports(self.number);
            reports.done(task.ticket, Ok(()));
            return Ok(());
        }
        let given =
            Given { ticket: task.ticket, job: task.payload.clone(), redelivered: task.redelivered };
        let mut standing = self.hall.standing.borrow_mut();
        let me = standing.iter_mut().find(|one| one.number == self.number).unwrap();
        assert!(me.given.replace(given).is_none(), "a worker has one event at a time");
        Ok(())
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.hall.standing.borrow_mut().retain(|one| one.number != self.number);
        self.hall.note(format!("{} ends", self.number));
    }
}

impl Hall {
    fn spawn(self: &Rc<Self>, reports: Reports<Job>) -> Result<Sim, Why> {
        let number = self.spawned.replace(self.spawned.get() + 1);
        if self.broken.get() {
            return Err(Why("it is broken".into()));
        }
        if self.eager.get() {
            reports.ready();
        }
        self.standing.borrow_mut().push(Standing { number, reports, given: None });
        Ok(Sim { hall: self.clone(), number })
    }

    fn note(&self, text: String) {
        self.log.borrow_mut().push(text);
    }

    pub fn logged(&self) -> Vec<String> {
        self.log.take()
    }

    pub fn reports(&self, number: usize) -> Reports<Job> {
        let standing = self.standing.borrow();
        standing.iter().find(|one| one.number == number).expect("it stands").reports.clone()
    }

    /// Takes the current event of the worker.
    pub fn given(&self, number: usize) -> Given {
        let mut standing = self.standing.borrow_mut();
        let one = standing.iter_mut().find(|one| one.number == number).expect("it stands");
        one.given.take().expect("it has an event")
    }

    pub fn ready(&self, number: usize) {
        self.reports(number).ready();
    }

    pub fn finish(&self, number: usize) {
        let ticket = self.given(number).ticket;
        self.reports(number).done(ticket, Ok(()));
    }

    pub fn fail(&self, number: usize, why: &str) {
        let ticket = self.given(number).ticket;
        self.reports(number).done(ticket, Err(Why(why.into())));
    }

    pub fn die(&self, number: usize) {
        self.reports(number).died(Why("a trap".into()));
    }
}

/// A clock that continues while a page is suspended, although its timers do not.
struct Sleepy(Rc<VirtualTime>, Rc<Cell<Duration>>);

impl Schedule for Sleepy {
    fn now(&self) -> Duration {
        self.0.now() + self.1.get()
    }
    fn soon(&self, job: bus::Job) {
        self.0.soon(job);
    }
    fn frame(&self, job: bus::Job) {
        self.0.frame(job);
    }
    fn after(&self, delay: Duration, job: bus::Job) -> Box<dyn Any> {
        self.0.after(delay, job)
    }
}

/// A bus, its clock and its workers.
pub struct Scene {
    pub bus: Bus<Job>,
    pub time: Rc<VirtualTime>,
    /// How long the page was suspended.
    pub slept: Rc<Cell<Duration>>,
    pub hall: Rc<Hall>,
    pub failures: Rc<RefCell<Vec<String>>>,
    /// The reports of ended workers.
    pub ends: Rc<RefCell<Vec<String>>>,
    _errors: Subscription,
}

impl Scene {
    pub fn new() -> Self {
        let bus = Bus::<Job>::new(|failure| panic!("{failure}"));
        let (failures, ends) = (Rc::<RefCell<Vec<_>>>::default(), Rc::<RefCell<Vec<_>>>::default());
        let (all, ended) = (failures.clone(), ends.clone());
        let errors = bus.subscribe(ERROR_TOPIC.try_into().unwrap(), move |event| {
            let text = event.payload.0.to_string();
            let log = if text.starts_with(WORKER_TOPIC) { &ended } else { &all };
            log.borrow_mut().push(text);
            Ok(())
        });
        let hall = Rc::new(Hall { eager: Cell::new(true), ..Hall::default() });
        Self {
            bus,
            time: VirtualTime::new(),
            slept: Rc::default(),
            hall,
            failures,
            ends,
            _errors: errors,
        }
    }

    pub fn pool(&self, options: PoolOptions<Job>) -> Pool<Job> {
        self.pool_of(self.bus.subscriber("job".try_into().unwrap()), options)
    }

    pub fn pool_of(
        &self,
        subscriber: bus::Subscriber<'_, Job>,
        options: PoolOptions<Job>,
    ) -> Pool<Job> {
        let hall = self.hall.clone();
        let time = Rc::new(Sleepy(self.time.clone(), self.slept.clone()));
        subscriber.pool(options, time, move |reports| hall.spawn(reports))
    }

    pub fn publish(&self, jobs: &[&str]) {
        for &job in jobs {
            self.bus.publish(Topic::parse("job").unwrap(), Job(job.into())).unwrap();
        }
    }

    pub fn pass(&self, millis: u64) {
        self.time.pass(Duration::from_millis(millis));
    }
}

pub fn members(number: usize) -> PoolOptions<Job> {
    PoolOptions::new(NonZeroUsize::new(number).unwrap())
        .deadline(Duration::from_secs(1))
        .attempts(NonZeroU32::new(3).unwrap())
}
