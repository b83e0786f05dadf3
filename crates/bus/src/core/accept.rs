//! Accepting an event that cannot be delivered at once: it was published inside a handler, it is a
//! request, or a queue with backpressure has to reserve room for it first.

use std::any::Any;
use std::rc::Rc;

use super::{Core, GATED, Gate, Turn};
use crate::event::PendingRequest;
use crate::{MAX_QUEUED, Payload, PublishError, Published, Topic};

impl<P: Payload> Core<P> {
    /// The slow path of [`Core::publish`].
    #[cold]
    #[inline(never)]
    pub(crate) fn publish_slow(
        &self,
        topic: Topic,
        payload: P,
        request: Option<Rc<dyn PendingRequest<P>>>,
    ) -> Result<Published, PublishError<P>> {
        if self.is_full() {
            return Err(PublishError::QueueFull(topic, payload));
        }
        let mut held = Vec::new();
        let has_room = self.gates.borrow().iter().all(|gate| gate.try_reserve(&topic, &mut held));
        if !has_room {
            return Err(PublishError::NoRoom(topic, payload));
        }
        Ok(self.enqueue(Turn::Event { topic, payload, request, held }))
    }

    /// Publishes an event that cannot be refused. `held` is dropped when the event's turn is over.
    pub(crate) fn publish_held(
        &self,
        topic: Topic,
        payload: P,
        held: Option<Box<dyn Any>>,
    ) -> Result<Published, PublishError<P>> {
        if self.is_full() {
            return Err(PublishError::QueueFull(topic, payload));
        }
        let mut held = Vec::from_iter(held);
        self.gates.borrow().iter().for_each(|gate| gate.enter_regardless(&topic, &mut held));
        Ok(self.enqueue(Turn::Event { topic, payload, request: None, held }))
    }

    /// Whether every queue with backpressure has room for another event of `topic`.
    pub(crate) fn has_room(&self, topic: &Topic) -> bool {
        self.gates.borrow().iter().all(|gate| gate.has_room(topic))
    }

    pub(crate) fn add_gate(&self, gate: Rc<Gate>) {
        self.gates.borrow_mut().push(gate);
        self.state.set(self.state.get() | GATED);
    }

    pub(crate) fn remove_gate(&self, gate: &Rc<Gate>) {
        let mut gates = self.gates.borrow_mut();
        gates.retain(|other| !Rc::ptr_eq(other, gate));
        if gates.is_empty() {
            self.state.set(self.state.get() & !GATED);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.turns.borrow().len() >= MAX_QUEUED
    }

    fn enqueue(&self, turn: Turn<P>) -> Published {
        self.take_turn(turn).map_or(Published::Queued, Published::Delivered)
    }
}
