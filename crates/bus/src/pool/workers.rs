//! The workers of a pool: which worker gets which event, and when a worker is replaced.
//!
//! Invariant: no borrow is held while a worker is spawned, is handed an event or is dropped.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use super::backlog::{Backlog, Entry};
use super::member::{CurrentEvent, Member};
use super::reports::{ReportHandler, Reports, WorkerId};
use super::{PoolOptions, Task, WORKER_TOPIC, Worker, WorkerLost};
use crate::core::{Admission, Core};
use crate::queue::GateGuard;
use crate::schedule::Job;
use crate::{Event, Failure, HandlerResult, Pattern, Payload, Schedule, Topic};

pub(super) struct Workers<P: Payload, W> {
    me: Weak<Self>,
    core: Weak<Core<P>>,
    label: Rc<str>,
    schedule: Rc<dyn Schedule>,
    spawn: Box<Spawn<P, W>>,
    limits: Limits,
    backlog: Rc<Backlog<P>>,
    gate: Option<GateGuard<P>>,
    members: RefCell<Vec<Member<P, W>>>,
    /// The last number that was given to a worker or used as a ticket.
    numbers: Cell<u64>,
    /// The number of unfinished events, for [`Balance::least_pending`](crate::Balance::least_pending).
    pending: Rc<Cell<usize>>,
    dispatching: Cell<bool>,
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

/// If a timer fires this late, the page was suspended or busy, and perhaps its worker was too.
const OVERSLEPT: Duration = Duration::from_secs(1);

/// Whether a deadline was extended because its timer had fired late. That happens at most once per attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deadline {
    First,
    Extended,
}

/// A worker, and the event to hand to it.
struct Assignment<P, W> {
    id: WorkerId,
    worker: Rc<W>,
    ticket: u64,
    entry: Rc<Entry<P>>,
}

/// Controls the workers of a pool, independent of their type.
pub(super) trait PoolControl<P> {
    fn pending(&self) -> usize;
    fn dropped(&self) -> u64;
    fn lost(&self) -> u64;
    /// Ends the workers.
    fn end(&self);
}

impl<P: Payload<Cause: From<WorkerLost>> + Clone, W: Worker<P>> Workers<P, W> {
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
            gate: backlog.waits().then(|| GateGuard::new(core, pattern, backlog.clone())),
            backlog,
            members: RefCell::default(),
            numbers: Cell::new(0),
            pending,
            dispatching: Cell::new(false),
            dropped: Cell::new(0),
            lost: Cell::new(0),
        })
    }

    /// The job that opens the gate, if there is one.
    pub(super) fn opening(&self) -> Option<Job> {
        self.gate.as_ref().map(GateGuard::opening)
    }

    pub(super) fn start(&self) {
        self.members.borrow_mut().resize_with(self.limits.members, Member::new);
        (0..self.limits.members).for_each(|index| self.spawn_worker(index));
    }

    /// Puts an event into the backlog.
    pub(super) fn accept(&self, event: &Event<'_, P>) {
        let gate = self.gate.as_ref();
        match gate.map_or(Admission::Admitted, |guard| guard.gate().admit(event)) {
            Admission::Admitted => {}
            Admission::Older => return,
            Admission::Full => return self.count_dropped(event),
        }
        let claimed = event.request.filter(|request| self.limits.serves && request.claim());
        let (topic, payload) = (event.topic.clone(), event.payload.clone());
        let dropped = self.backlog.push(topic, payload, claimed.cloned());
        if dropped.is_some() {
            self.count_dropped(event);
        }
        drop(dropped);
        self.dispatch();
    }

    fn count_dropped(&self, event: &Event<'_, P>) {
        self.dropped.set(self.dropped.get() + 1);
        if let Some(core) = self.core.upgrade() {
            core.notify_dropped(event.topic, &self.label);
        }
    }

    /// Starts a worker for a member that has none.
    fn spawn_worker(&self, index: usize) {
        let id = WorkerId { index, number: self.next_number() };
        let timer = self.later(self.limits.startup, move |workers| {
            workers.died(id, WorkerLost::Startup(workers.limits.startup).into());
        });
        let timer_before = self.with_member(index, |member| {
            member.number = id.number;
            member.timer.replace(timer)
        });
        let Some(timer_before) = timer_before else { return };
        drop(timer_before);
        let reports: Weak<dyn ReportHandler<P>> = self.me.clone();
        match (self.spawn)(Reports::new(reports, id)) {
            Ok(worker) => {
                // A worker that has died in the meantime is dropped here.
                let mut worker = Some(Rc::new(worker));
                self.with_worker(id, |member| member.worker = worker.take());
                drop(worker);
                self.dispatch();
            }
            Err(cause) => self.died(id, cause),
        }
    }

    /// Hands events to workers until one of the two runs out.
    fn dispatch(&self) {
        self.update_pending();
        // A worker may report inside `hand`. The loop that calls it continues with the report.
        if self.dispatching.replace(true) {
            return;
        }
        let _dispatching = Reset(&self.dispatching);
        while let Some(Assignment { id, worker, ticket, entry }) = self.next() {
            self.start_deadline(id, ticket, Deadline::First);
            if let Some(gate) = &self.gate {
                gate.gate().wake_waiters();
            }
            let handed = worker.hand(&Task {
                ticket,
                topic: &entry.topic,
                payload: &entry.payload,
                redelivered: entry.attempts.get() > 1,
            });
            drop(worker);
            if let Err(cause) = handed {
                self.finish(id, ticket, Err(cause));
            }
        }
        self.update_pending();
    }

    /// Assigns the oldest event to the worker that has been idle for longest.
    fn next(&self) -> Option<Assignment<P, W>> {
        let mut members = self.members.borrow_mut();
        let idle = members.iter_mut().enumerate().filter(|(_, member)| member.idle().is_some());
        let (index, member) = idle.min_by_key(|(_, member)| member.last_ticket)?;
        let worker = member.idle()?.clone();
        let entry = self.backlog.pop()?;
        entry.attempts.set(entry.attempts.get() + 1);
        let ticket = self.next_number();
        member.last_ticket = ticket;
        member.current = Some(CurrentEvent { ticket, entry: entry.clone() });
        let id = WorkerId { index, number: member.number };
        Some(Assignment { id, worker, ticket, entry })
    }

    /// Starts the timer that ends the worker if the event is not done in time.
    fn start_deadline(&self, id: WorkerId, ticket: u64, deadline: Deadline) {
        let due = self.schedule.now().saturating_add(self.limits.deadline);
        let timer = self.later(self.limits.deadline, move |workers| {
            if workers.with_worker(id, |member| member.handles(ticket)) != Some(true) {
                return;
            }
            let overslept = workers.schedule.now() > due.saturating_add(OVERSLEPT);
            if overslept && deadline == Deadline::First {
                workers.start_deadline(id, ticket, Deadline::Extended);
            } else {
                workers.died(id, WorkerLost::Deadline(workers.limits.deadline).into());
            }
        });
        let previous = self.with_worker(id, |member| member.timer.replace(timer));
        drop(previous);
    }

    fn finish(&self, id: WorkerId, ticket: u64, handled: HandlerResult<P>) {
        let finished = self
            .with_worker(id, |member| member.handles(ticket).then(|| member.finish()))
            .flatten();
        let Some((Some(current), timer)) = finished else { return };
        drop(timer);
        self.update_pending();
        if let Err(cause) = handled {
            self.fail(current.entry.topic.clone(), cause);
        }
    }

    fn fail(&self, topic: Topic, cause: P::Cause) {
        if let Some(core) = self.core.upgrade() {
            core.fail(Failure { topic, label: self.label.clone(), cause });
        }
    }

    /// Updates the number of unfinished events.
    fn update_pending(&self) {
        let members = self.members.borrow();
        let in_work = members.iter().filter(|member| member.current.is_some()).count();
        self.pending.set(self.backlog.len() + in_work);
    }

    fn later(&self, delay: Duration, job: impl FnOnce(&Self) + 'static) -> Box<dyn Any> {
        let workers = self.me.clone();
        let job = move || {
            if let Some(workers) = workers.upgrade() {
                job(&workers);
            }
        };
        self.schedule.after(delay, Box::new(job))
    }

    fn with_member<R>(
        &self,
        index: usize,
        action: impl FnOnce(&mut Member<P, W>) -> R,
    ) -> Option<R> {
        self.members.borrow_mut().get_mut(index).map(action)
    }

    /// Like [`Self::with_member`], if the worker has not been replaced.
    fn with_worker<R>(
        &self,
        id: WorkerId,
        action: impl FnOnce(&mut Member<P, W>) -> R,
    ) -> Option<R> {
        let action =
            |member: &mut Member<P, W>| (member.number == id.number).then(|| action(member));
        self.with_member(id.index, action).flatten()
    }

    fn next_number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }
}

impl<P: Payload<Cause: From<WorkerLost>> + Clone, W: Worker<P>> ReportHandler<P> for Workers<P, W> {
    fn ready(&self, id: WorkerId) {
        let startup = self.with_worker(id, |member| {
            if member.is_ready {
                return None;
            }
            member.is_ready = true;
            member.timer.take()
        });
        drop(startup);
        self.dispatch();
    }

    fn reply(&self, id: WorkerId, ticket: u64, reply: P) {
        let request = self.with_worker(id, |member| {
            let current = member.current.as_ref().filter(|current| current.ticket == ticket);
            current.and_then(|current| current.entry.request.clone())
        });
        if let Some(request) = request.flatten() {
            request.reply(reply);
        }
    }

    fn done(&self, id: WorkerId, ticket: u64, handled: HandlerResult<P>) {
        self.finish(id, ticket, handled);
        self.dispatch();
    }

    fn died(&self, id: WorkerId, cause: P::Cause) {
        let Some(mut remains) = self.with_worker(id, Member::retire) else { return };
        let (current, next) = (remains.current.take(), remains.delay);
        // The worker ends before its event goes to another one.
        drop(remains);
        self.lost.set(self.lost.get() + 1);
        let cause = cause.to_string();
        let mut given_up = None;
        if let Some(CurrentEvent { entry, .. }) = current {
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
            self.spawn_worker(id.index);
        } else {
            let timer = self.later(next, move |workers| workers.spawn_worker(id.index));
            let previous = self.with_member(id.index, |member| member.timer.replace(timer));
            drop(previous);
        }
        self.dispatch();
    }
}

impl<P: Payload, W> PoolControl<P> for Workers<P, W> {
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

/// Clears the flag, even if a worker panics.
struct Reset<'a>(&'a Cell<bool>);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
