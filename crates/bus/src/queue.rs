//! Queued subscriptions: events wait in a bounded queue, from which a reader takes them at its own pace.

mod backpressure;
mod overflow;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::core::{Admission, Bounded, Core, Turn};
use crate::{Event, Payload, Subscriber, Subscription, Topic};

pub(crate) use backpressure::GateGuard;
pub use overflow::Overflow;
pub(crate) use overflow::Policy;

/// An event outside a handler, as a queue or a batch stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<P> {
    /// The topic it was published to.
    pub topic: Topic,
    /// The published payload.
    pub payload: P,
}

/// A subscription whose events wait here until they are read. Dropping it ends the subscription.
///
/// It is also a [`Stream`], which ends when the bus is dropped and the queue is empty. Created by
/// [`Subscriber::queue`].
#[must_use = "the subscription ends when this is dropped"]
pub struct Queue<P: Payload> {
    shared: Rc<Shared<P>>,
    subscription: Subscription,
    gate: Option<GateGuard<P>>,
}

/// The state that the queue and its handler share.
pub(crate) struct Shared<P> {
    waiting: RefCell<VecDeque<Entry<P>>>,
    capacity: usize,
    /// The number of events in the queue, for [`Balance::least_pending`](crate::Balance::least_pending).
    pending: Rc<Cell<usize>>,
    dropped: Rc<Cell<u64>>,
    reader: RefCell<Option<Waker>>,
    closed: Cell<bool>,
}

/// An event in the queue, with its key if newer events replace older ones with the same key.
struct Entry<P> {
    key: Option<Box<str>>,
    message: Message<P>,
}

impl<P: Payload + Clone> Subscriber<'_, P> {
    /// Puts events into a queue of `capacity` events. `overflow` decides what a full queue does.
    ///
    /// ```
    /// # use bus::{Bus, Failure, Message, Overflow, Payload, Topic};
    /// # #[derive(Clone, Debug, PartialEq)]
    /// # struct Number(u64);
    /// # impl Payload for Number {
    /// #     type Cause = String;
    /// #     fn failure(_: Failure<String>) -> Self { Number(0) }
    /// # }
    /// let bus = Bus::<Number>::new(|_| {});
    /// let two = const { std::num::NonZeroUsize::new(2).unwrap() };
    /// let queue = bus.subscriber("price.*".try_into()?).queue(two, Overflow::drop_oldest());
    /// for price in 1..=3 {
    ///     bus.publish(Topic::parse("price.tea")?, Number(price))?;
    /// }
    /// assert_eq!(queue.pop().map(|message| message.payload), Some(Number(2)));
    /// assert_eq!((queue.len(), queue.dropped()), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn queue(mut self, capacity: NonZeroUsize, overflow: Overflow<P>) -> Queue<P> {
        let core = self.bus.core.clone();
        // An echo has no room reserved in a queue that waits.
        self.extras().echo = None;
        let pending = self.extras().pending.get_or_insert_default().clone();
        let dropped = self.extras().dropped.get_or_insert_default().clone();
        let shared = Rc::new(Shared {
            waiting: RefCell::default(),
            capacity: capacity.get(),
            pending,
            dropped,
            reader: RefCell::default(),
            closed: Cell::new(false),
        });
        let gate = overflow.waits().then(|| GateGuard::new(&core, &self.pattern, shared.clone()));
        let admission = gate.as_ref().map(|guard| guard.gate().clone());
        let (writer, label) = (Writer(shared.clone()), self.label_or_pattern());
        let bus = Rc::downgrade(&core);
        let subscription = self.handle(move |event| {
            match admission.as_ref().map_or(Admission::Admitted, |gate| gate.admit(event)) {
                Admission::Admitted => {}
                Admission::Older => return Ok(()),
                Admission::Full => {
                    writer.0.count_dropped(event, &label, &bus);
                    return Ok(());
                }
            }
            let payload =
                if overflow.waits() { event.payload.kept() } else { event.payload.clone() };
            let message = Message { topic: event.topic.clone(), payload };
            let dropped = overflow.push(&writer.0, message);
            if dropped.is_some() {
                writer.0.count_dropped(event, &label, &bus);
            }
            Ok(())
        });
        if let Some(gate) = &gate {
            // Earlier events have no room reserved, so the queue opens at a turn of its own.
            core.take_turn(Turn::Job(gate.opening()));
        }
        Queue { shared, subscription, gate }
    }
}

impl<P: Payload> Queue<P> {
    /// Takes the oldest event.
    pub fn pop(&self) -> Option<Message<P>> {
        let Entry { message, .. } = self.shared.waiting.borrow_mut().pop_front()?;
        self.shared.update_pending();
        if let Some(gate) = &self.gate {
            gate.gate().wake_waiters();
        }
        Some(message)
    }

    /// The number of events in the queue.
    pub fn len(&self) -> usize {
        self.shared.waiting.borrow().len()
    }

    /// Whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many events were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.get()
    }

    /// The subscription that fills it.
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }
}

impl<P: Payload> Stream for Queue<P> {
    type Item = Message<P>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message<P>>> {
        if let Some(message) = self.pop() {
            return Poll::Ready(Some(message));
        }
        if self.shared.closed.get() {
            return Poll::Ready(None);
        }
        let previous = self.shared.reader.replace(Some(context.waker().clone()));
        drop(previous);
        Poll::Pending
    }
}

impl<P: Payload> Unpin for Queue<P> {}

impl<P: Payload> fmt::Debug for Queue<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Queue")
            .field("subscription", &self.subscription)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<P> Shared<P> {
    /// Appends `message`. If there was no room, removes the oldest message and returns it.
    fn push(&self, key: Option<Box<str>>, message: Message<P>) -> Option<Message<P>> {
        let oldest = {
            let mut waiting = self.waiting.borrow_mut();
            let oldest = if waiting.len() >= self.capacity { waiting.pop_front() } else { None };
            waiting.push_back(Entry { key, message });
            oldest.map(|entry| entry.message)
        };
        self.update_pending();
        self.wake();
        oldest
    }

    /// Replaces the message with the same key and returns the old one, or else appends `message`.
    fn replace_or_push(&self, key: Box<str>, message: Message<P>) -> Option<Message<P>> {
        if let Some(entry) = self
            .waiting
            .borrow_mut()
            .iter_mut()
            .find(|entry| entry.key.as_ref().is_some_and(|other| *other == key))
        {
            return Some(mem::replace(&mut entry.message, message));
        }
        self.push(Some(key), message)
    }

    fn is_full(&self) -> bool {
        self.waiting.borrow().len() >= self.capacity
    }

    fn update_pending(&self) {
        self.pending.set(self.waiting.borrow().len());
    }

    fn wake(&self) {
        let reader = self.reader.take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl<P> Bounded for Shared<P> {
    fn has_room(&self, reserved: usize) -> bool {
        self.waiting.borrow().len() + reserved < self.capacity
    }
}

impl<P: Payload> Shared<P> {
    /// Counts a dropped event, and reports it unless it is one of the runtime's own.
    fn count_dropped(&self, event: &Event<'_, P>, label: &Rc<str>, bus: &Weak<Core<P>>) {
        self.dropped.set(self.dropped.get() + 1);
        if let Some(core) = bus.upgrade() {
            core.notify_dropped(event.topic, label);
        }
    }
}

/// The handler's end. It is dropped when the bus or the subscription ends.
struct Writer<P>(Rc<Shared<P>>);

impl<P> Drop for Writer<P> {
    fn drop(&mut self) {
        self.0.closed.set(true);
        self.0.wake();
    }
}
