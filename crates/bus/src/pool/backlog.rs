//! The events that wait for a worker, in order.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::rc::Rc;

use crate::core::Bounded;
use crate::event::PendingRequest;
use crate::queue::Policy;
use crate::{Overflow, Payload, Topic};

/// An event that waits or is being handled.
pub(super) struct Entry<P> {
    pub(super) topic: Topic,
    pub(super) payload: P,
    /// The request to reply to, if the event is one.
    pub(super) request: Option<Rc<dyn PendingRequest<P>>>,
    /// How many workers have tried to handle it.
    pub(super) attempts: Cell<u32>,
    /// Its number in the order.
    number: u64,
    /// Set if newer events replace older ones with the same key.
    key: Option<Box<str>>,
}

pub(super) struct Backlog<P: Payload> {
    /// Ascending by number.
    waiting: RefCell<VecDeque<Rc<Entry<P>>>>,
    capacity: usize,
    overflow: Overflow<P>,
    numbers: Cell<u64>,
}

impl<P: Payload> Backlog<P> {
    pub(super) fn new(capacity: NonZeroUsize, overflow: Overflow<P>) -> Self {
        Self {
            waiting: RefCell::default(),
            capacity: capacity.get(),
            overflow,
            numbers: Cell::new(0),
        }
    }

    pub(super) fn waits(&self) -> bool {
        self.overflow.waits()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.borrow().len()
    }

    /// Appends an event and returns the event that is dropped for it, if any.
    pub(super) fn push(
        &self,
        topic: Topic,
        payload: P,
        request: Option<Rc<dyn PendingRequest<P>>>,
    ) -> Option<Rc<Entry<P>>> {
        let key = match self.overflow.policy() {
            Policy::Conflate(key_of) => Some(key_of(&topic, &payload)),
            _ => None,
        };
        let number = self.numbers.replace(self.numbers.get() + 1);
        let mut entry = Entry { topic, payload, request, attempts: Cell::new(0), number, key };
        let mut waiting = self.waiting.borrow_mut();
        let same_key = entry.key.as_ref().and_then(|key| {
            waiting.iter_mut().find(|other| other.key.as_ref().is_some_and(|one| one == key))
        });
        if let Some(same_key) = same_key {
            entry.number = same_key.number;
            return Some(std::mem::replace(same_key, Rc::new(entry)));
        }
        let is_full = waiting.len() >= self.capacity;
        if is_full && matches!(self.overflow.policy(), Policy::DropNewest | Policy::Wait) {
            return Some(Rc::new(entry));
        }
        let oldest = if is_full { waiting.pop_front() } else { None };
        waiting.push_back(Rc::new(entry));
        oldest
    }

    /// Puts an event back in order, before all younger ones.
    pub(super) fn put_back(&self, entry: Rc<Entry<P>>) {
        let mut waiting = self.waiting.borrow_mut();
        let at = waiting.partition_point(|other| other.number < entry.number);
        waiting.insert(at, entry);
    }

    /// Takes the oldest event.
    pub(super) fn pop(&self) -> Option<Rc<Entry<P>>> {
        self.waiting.borrow_mut().pop_front()
    }
}

impl<P: Payload> Bounded for Backlog<P> {
    fn has_room(&self, reserved: usize) -> bool {
        self.len() + reserved < self.capacity
    }
}
