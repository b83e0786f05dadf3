//! The workers of a pool: who gets which event, and who is replaced.
//!
//! Invariant: no borrow is held while a worker is spawned, given an event or dropped.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use super::backlog::{Backlog, Entry};
use super::member::{InWork, Member};
use super::reports::{Hear, Reports, Seat};
use super::{PoolOptions, Task, WORKER_TOPIC, Worker, WorkerLost};
use crate::core::Core;
use crate::queue::{Admission, Gate};
use crate::schedule::Job;
use crate::{Event, Failure, HandlerResult, Pattern, Payload, Schedule, Topic};

pub(super) struct Crew<P: Payload, W> {
    me: Weak<Self>,
    core: Weak<Core<P>>,
    label: Rc<str>,
    schedule: Rc<dyn Schedule>,
    spawn: Box<Spawn<P, W>>,
    limits: Limits,
    backlog: Rc<Backlog<P>>,
    gate: Option<Gate<P>>,
    members: RefCell<Vec<Member<P, W>>>,
    /// The last that a ticket or a worker was given.
    numbers: Cell<u64>,
    /// For who counts what is pending here.
    pending: Rc<Cell<usize>>,
    handing_out: Cell<bool>,
    dropped: Cell<u64>,
    lost: Cell<u64>,
}

type Spawn<P, W> = dyn Fn(Reports<P>) -> Result<W, <P as Payload>::Cause>;

struct Limits {
    members: usize,
    attempts: u32,
    deadline: Duration,
    startup: Duration,
    serves: bool,
}

/// A timer that rings so late has slept: the page was suspended or busy, and its worker perhaps as well.
const OVERSLEPT: Duration = Duration::from_secs(1);

/// Whether an event's time may begin again, because its timer has overslept: once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Fresh,
    Spent,
}

/// A worker, and the event that it is to be given.
struct Match<P, W> {
    seat: Seat,
    worker: Rc<W>,
    ticket: u64,
    entry: Rc<Entry<P>>,
}

/// What a pool asks of its crew, whatever the workers are.
pub(super) trait Held<P> {
    fn pending(&self) -> usize;
    fn dropped(&self) -> u64;
    fn lost(&self) -> u64;
    /// Ends the workers.
    fn end(&self);
}

impl<P: Payload<Cause: From<WorkerLost>> + Clone, W: Worker<P>> Crew<P, W> {
    pub(super) fn new(
        core: &Rc<Core<P>>,
        pattern: &Pattern,
        label: Rc<str>,
        pending: Rc<Cell<usize>>,
        options: PoolOptions<P>,
        schedule: Rc<dyn Schedule>,
        spawn: impl Fn(Reports<P>) -> Result<W, P::Cause> + 'static,
    ) -> Rc<Self> {
        let PoolOptions { members, capacity, overflow, attempts, deadline, startup, serves } =
            options;
        let backlog = Rc::new(Backlog::new(capacity, overflow));
        Rc::new_cyclic(|me| Self {
            me: me.clone(),
            core: Rc::downgrade(core),
            label,
            schedule,
            spawn: Box::new(spawn),
            limits: Limits {
                members: members.get(),
                attempts: attempts.get(),
                deadline,
                startup,
                serves,
            },
            gate: backlog.waits().then(|| Gate::new(core, pattern, backlog.clone())),
            backlog,
            members: RefCell::default(),
            numbers: Cell::new(0),
            pending,
            handing_out: Cell::new(false),
            dropped: Cell::new(0),
            lost: Cell::new(0),
        })
    }

    /// Opens a gate, if there is one.
    pub(super) fn opening(&self) -> Option<Job> {
        self.gate.as_ref().map(Gate::opening)
    }

    pub(super) fn start(&self) {
        self.members.borrow_mut().resize_with(self.limits.members, Member::new);
        (0..self.limits.members).for_each(|at| self.hire(at));
    }

    /// An event comes.
    pub(super) fn take(&self, event: &Event<'_, P>) {
        match self.gate.as_ref().map_or(Admission::Enters, |gate| gate.entry().admits(event)) {
            Admission::Enters => {}
            Admission::TooOld => return,
            Admission::Full => return self.lose(event),
        }
        let asked = event.asked.filter(|asked| self.limits.serves && asked.claim()).cloned();
        let lost = self.backlog.push(event.topic.clone(), event.payload.clone(), asked);
        if lost.is_some() {
            self.lose(event);
        }
        drop(lost);
        self.hand_out();
    }

    fn lose(&self, event: &Event<'_, P>) {
        self.dropped.set(self.dropped.get() + 1);
        if let Some(core) = self.core.upgrade() {
            core.lost(event.topic, &self.label);
        }
    }

    /// Starts a worker for a place that has none.
    fn hire(&self, at: usize) {
        let seat = Seat { at, number: self.next_number() };
        let timer = self.later(self.limits.startup, move |crew| {
            crew.died(seat, WorkerLost::Startup(crew.limits.startup).into());
        });
        let begun = self.at(at, |member| {
            member.number = seat.number;
            member.timer.replace(timer)
        });
        let Some(before) = begun else { return };
        drop(before);
        let crew: Weak<dyn Hear<P>> = self.me.clone();
        match (self.spawn)(Reports::new(crew, seat)) {
            Ok(worker) => {
                // Dropped here if it has died by now.
                let mut worker = Some(Rc::new(worker));
                self.of(seat, |member| member.worker = worker.take());
                drop(worker);
                self.hand_out();
            }
            Err(cause) => self.died(seat, cause),
        }
    }

    /// Gives events to workers as long as there are both.
    fn hand_out(&self) {
        self.count();
        // Who is called below may report at once; the loop goes on with that.
        if self.handing_out.replace(true) {
            return;
        }
        let _handing_out = Reset(&self.handing_out);
        while let Some(Match { seat, worker, ticket, entry }) = self.next() {
            self.watch(seat, ticket, Patience::Fresh);
            if let Some(gate) = &self.gate {
                gate.has_room();
            }
            let handed = worker.hand(&Task {
                ticket,
                topic: &entry.topic,
                payload: &entry.payload,
                redelivered: entry.attempts.get() > 1,
            });
            drop(worker);
            if let Err(cause) = handed {
                self.finish(seat, ticket, Err(cause));
            }
        }
        self.count();
    }

    /// The oldest event, and the worker that has had none for longest: they belong together from here on.
    fn next(&self) -> Option<Match<P, W>> {
        let mut members = self.members.borrow_mut();
        let free = members.iter_mut().enumerate().filter(|(_, member)| member.free().is_some());
        let (at, member) = free.min_by_key(|(_, member)| member.last)?;
        let worker = member.free()?.clone();
        let entry = self.backlog.pop()?;
        entry.attempts.set(entry.attempts.get() + 1);
        let ticket = self.next_number();
        member.last = ticket;
        member.in_work = Some(InWork { ticket, entry: entry.clone() });
        Some(Match { seat: Seat { at, number: member.number }, worker, ticket, entry })
    }

    /// Ends the worker when the event is not done in time.
    fn watch(&self, seat: Seat, ticket: u64, patience: Patience) {
        let due = self.schedule.now().saturating_add(self.limits.deadline);
        let timer = self.later(self.limits.deadline, move |crew| {
            if crew.of(seat, |member| member.works_on(ticket)) != Some(true) {
                return;
            }
            let overslept = crew.schedule.now() > due.saturating_add(OVERSLEPT);
            if overslept && patience == Patience::Fresh {
                crew.watch(seat, ticket, Patience::Spent);
            } else {
                crew.died(seat, WorkerLost::Deadline(crew.limits.deadline).into());
            }
        });
        let before = self.of(seat, |member| member.timer.replace(timer));
        drop(before);
    }

    fn finish(&self, seat: Seat, ticket: u64, handled: HandlerResult<P>) {
        let finished =
            self.of(seat, |member| member.works_on(ticket).then(|| member.finish())).flatten();
        let Some((Some(work), timer)) = finished else { return };
        drop(timer);
        self.count();
        if let Err(cause) = handled {
            self.fail(work.entry.topic.clone(), cause);
        }
    }

    fn fail(&self, topic: Topic, cause: P::Cause) {
        if let Some(core) = self.core.upgrade() {
            core.fail(Failure { topic, label: self.label.clone(), cause });
        }
    }

    /// Tells who balances how much is to be done.
    fn count(&self) {
        let members = self.members.borrow();
        let in_work = members.iter().filter(|member| member.in_work.is_some()).count();
        self.pending.set(self.backlog.len() + in_work);
    }

    fn later(&self, delay: Duration, job: impl FnOnce(&Self) + 'static) -> Box<dyn Any> {
        let crew = self.me.clone();
        let job = move || {
            if let Some(crew) = crew.upgrade() {
                job(&crew);
            }
        };
        self.schedule.after(delay, Box::new(job))
    }

    fn at<R>(&self, at: usize, what: impl FnOnce(&mut Member<P, W>) -> R) -> Option<R> {
        self.members.borrow_mut().get_mut(at).map(what)
    }

    /// The same, if the worker still has its seat.
    fn of<R>(&self, seat: Seat, what: impl FnOnce(&mut Member<P, W>) -> R) -> Option<R> {
        self.at(seat.at, |member| (member.number == seat.number).then(|| what(member))).flatten()
    }

    fn next_number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }
}

impl<P: Payload<Cause: From<WorkerLost>> + Clone, W: Worker<P>> Hear<P> for Crew<P, W> {
    fn ready(&self, seat: Seat) {
        let startup = self.of(seat, |member| {
            if member.is_ready {
                return None;
            }
            member.is_ready = true;
            member.timer.take()
        });
        drop(startup);
        self.hand_out();
    }

    fn reply(&self, seat: Seat, ticket: u64, reply: P) {
        let asked = self.of(seat, |member| {
            let work = member.in_work.as_ref().filter(|work| work.ticket == ticket);
            work.and_then(|work| work.entry.asked.clone())
        });
        if let Some(asked) = asked.flatten() {
            asked.answer(reply);
        }
    }

    fn done(&self, seat: Seat, ticket: u64, handled: HandlerResult<P>) {
        self.finish(seat, ticket, handled);
        self.hand_out();
    }

    fn died(&self, seat: Seat, cause: P::Cause) {
        let Some(mut remains) = self.of(seat, Member::bury) else { return };
        let (in_work, next) = (remains.in_work.take(), remains.next);
        // The worker ends before its event goes on.
        drop(remains);
        self.lost.set(self.lost.get() + 1);
        let cause = cause.to_string();
        let mut given_up = None;
        if let Some(InWork { entry, .. }) = in_work {
            if entry.attempts.get() < self.limits.attempts {
                self.backlog.put_back(entry);
            } else {
                given_up = Some(entry);
            }
        }
        if let Ok(topic) = Topic::parse(WORKER_TOPIC) {
            let ended = WorkerLost::Ended { cause: cause.clone(), next };
            self.fail(topic, ended.into());
        }
        if let Some(entry) = given_up {
            let given_up = WorkerLost::GivenUp { attempts: entry.attempts.get(), cause };
            self.fail(entry.topic.clone(), given_up.into());
        }
        if next.is_zero() {
            self.hire(seat.at);
        } else {
            let timer = self.later(next, move |crew| crew.hire(seat.at));
            let before = self.at(seat.at, |member| member.timer.replace(timer));
            drop(before);
        }
        self.hand_out();
    }
}

impl<P: Payload, W> Held<P> for Crew<P, W> {
    fn pending(&self) -> usize {
        self.pending.get()
    }

    fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    fn lost(&self) -> u64 {
        self.lost.get()
    }

    fn end(&self) {
        let members = self.members.take();
        drop(members);
    }
}

/// Takes the mark back, also when who was called panics.
struct Reset<'a>(&'a Cell<bool>);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
