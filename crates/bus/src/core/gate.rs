//! Backpressure: a gate reserves room in a bounded queue when an event is accepted, before the event
//! takes its place in the order. Room that the event does not use is given back.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use crate::{Event, Pattern, Topic};

/// The tasks that wait until a queue has room.
#[derive(Default)]
pub(crate) struct RoomWaiters(RefCell<Vec<Waker>>);

/// A queue with a fixed capacity.
pub(crate) trait Bounded {
    /// Whether another event fits in addition to `reserved` ones.
    fn has_room(&self, reserved: usize) -> bool;
}

/// Reserves room in one queue for the events that match its pattern.
pub(crate) struct Gate {
    pattern: Pattern,
    queue: Rc<dyn Bounded>,
    waiters: Rc<RoomWaiters>,
    /// False until the queue's own turn.
    open: Cell<bool>,
    /// In the order of the events.
    permits: RefCell<VecDeque<Rc<Permit>>>,
}

/// Lets one accepted event enter the queue at its turn.
struct Permit {
    used: Cell<bool>,
    /// False for an event that was accepted without a check for room.
    has_reserved: bool,
}

/// Whether an event enters the queue at its turn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Admitted,
    /// The event was published before the queue existed.
    Older,
    /// The queue has no room.
    Full,
}

/// Holds a permit's room. Dropped, it gives the room back unless the event has used it.
struct Reservation {
    gate: Rc<Gate>,
    permit: Rc<Permit>,
}

impl RoomWaiters {
    pub(crate) fn add(&self, waker: &Waker) {
        let is_known = self.0.borrow().iter().any(|other| other.will_wake(waker));
        if !is_known {
            let waker = waker.clone();
            self.0.borrow_mut().push(waker);
        }
    }

    pub(crate) fn wake_all(&self) {
        let waiting = self.0.take();
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Gate {
    pub(crate) fn new(
        pattern: Pattern,
        queue: Rc<dyn Bounded>,
        waiters: Rc<RoomWaiters>,
    ) -> Rc<Self> {
        Rc::new(Self {
            pattern,
            queue,
            waiters,
            open: Cell::new(false),
            permits: RefCell::default(),
        })
    }

    /// From here on events may enter.
    pub(crate) fn open(&self) {
        self.open.set(true);
    }

    /// Wakes the tasks that wait for room.
    pub(crate) fn wake_waiters(&self) {
        self.waiters.wake_all();
    }

    /// Decides at the event's turn. The runtime's own events need no permit.
    pub(crate) fn admit<P>(&self, event: &Event<'_, P>) -> Admission {
        if event.topic.is_system() {
            return Admission::Admitted;
        }
        if !self.open.get() {
            return Admission::Older;
        }
        let mut permits = self.permits.borrow_mut();
        let Some(permit) = permits.pop_front() else { return Admission::Older };
        let is_full = !permit.has_reserved && !self.queue.has_room(permits.len());
        drop(permits);
        permit.used.set(true);
        if is_full { Admission::Full } else { Admission::Admitted }
    }

    pub(super) fn has_room(&self, topic: &Topic) -> bool {
        !self.pattern.matches(topic) || self.queue.has_room(self.permits.borrow().len())
    }

    /// Reserves room for an event of `topic` if the gate's pattern matches. Returns false without room.
    pub(super) fn try_reserve(
        self: &Rc<Self>,
        topic: &Topic,
        held: &mut Vec<Box<dyn Any>>,
    ) -> bool {
        if !self.pattern.matches(topic) {
            return true;
        }
        if !self.queue.has_room(self.permits.borrow().len()) {
            return false;
        }
        self.issue(true, held);
        true
    }

    /// Lets an event that cannot be refused try to enter at its turn.
    pub(super) fn enter_regardless(self: &Rc<Self>, topic: &Topic, held: &mut Vec<Box<dyn Any>>) {
        if self.pattern.matches(topic) {
            self.issue(false, held);
        }
    }

    fn issue(self: &Rc<Self>, has_reserved: bool, held: &mut Vec<Box<dyn Any>>) {
        let permit = Rc::new(Permit { used: Cell::new(false), has_reserved });
        self.permits.borrow_mut().push_back(permit.clone());
        held.push(Box::new(Reservation { gate: self.clone(), permit }));
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.permit.used.get() && self.permit.has_reserved {
            return;
        }
        let mut permits = self.gate.permits.borrow_mut();
        if let Some(at) = permits.iter().position(|one| Rc::ptr_eq(one, &self.permit)) {
            permits.remove(at);
        }
        drop(permits);
        self.gate.wake_waiters();
    }
}
