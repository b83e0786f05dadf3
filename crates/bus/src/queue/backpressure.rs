//! Publishing at the pace of the slowest queue with [`Overflow::wait`](crate::Overflow::wait).

use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::Poll;

use crate::core::{Bounded, Core, Gate};
use crate::schedule::Job;
use crate::{Bus, Pattern, Payload, PublishError, Published, Topic};

impl<P: Payload> Bus<P> {
    /// Publishes as soon as every matching queue with [`Overflow::wait`](crate::Overflow::wait) has
    /// room; like [`Bus::publish`] if there is no such queue. If the future is dropped before it is
    /// ready, nothing is published.
    ///
    /// # Errors
    /// The errors of [`Bus::publish`] except [`PublishError::NoRoom`].
    pub async fn publish_when_room(
        &self,
        topic: Topic,
        payload: P,
    ) -> Result<Published, PublishError<P>> {
        let mut event = Some((topic, payload));
        poll_fn(|context| {
            let Some((topic, payload)) = event.take() else { return Poll::Pending };
            match self.publish(topic, payload) {
                Err(PublishError::NoRoom(topic, payload)) => {
                    event = Some((topic, payload));
                    self.core.room_waiters().add(context.waker());
                    Poll::Pending
                }
                published => Poll::Ready(published),
            }
        })
        .await
    }

    /// Whether every matching queue with [`Overflow::wait`](crate::Overflow::wait) has room for another
    /// event of `topic`.
    pub fn has_room(&self, topic: &Topic) -> bool {
        self.core.has_room(topic)
    }

    /// Waits until [`Bus::has_room`] returns true. Another publisher may take the room before the caller
    /// runs.
    pub async fn room(&self, topic: &Topic) {
        self.room_until(|| self.has_room(topic)).await;
    }

    /// Waits until `done` returns true. It is called at once, and again whenever a queue may have gained
    /// room.
    pub async fn room_until(&self, done: impl Fn() -> bool) {
        poll_fn(|context| {
            if done() {
                return Poll::Ready(());
            }
            self.core.room_waiters().add(context.waker());
            Poll::Pending
        })
        .await;
    }
}

/// Keeps a queue's gate in its bus; dropped, it takes the gate out.
pub(crate) struct GateGuard<P: Payload> {
    core: Weak<Core<P>>,
    gate: Rc<Gate>,
}

impl<P: Payload> GateGuard<P> {
    pub(crate) fn new(core: &Rc<Core<P>>, pattern: &Pattern, queue: Rc<dyn Bounded>) -> Self {
        let gate = Gate::new(pattern.clone(), queue, core.room_waiters().clone());
        core.add_gate(gate.clone());
        Self { core: Rc::downgrade(core), gate }
    }

    pub(crate) fn gate(&self) -> &Rc<Gate> {
        &self.gate
    }

    /// The job that opens the queue to events.
    pub(crate) fn opening(&self) -> Job {
        let gate = self.gate.clone();
        Box::new(move || gate.open())
    }
}

impl<P: Payload> Drop for GateGuard<P> {
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            core.remove_gate(&self.gate);
        }
        self.gate.wake_waiters();
    }
}
