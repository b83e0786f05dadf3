//! Queued subscriptions: events wait in a bounded queue until somebody reads them, at its own pace.

mod overflow;
mod room;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::core::{Core, Turn};
use crate::{Event, Payload, Subscriber, Subscription, Topic};

pub use overflow::Overflow;
pub(crate) use overflow::Policy;
pub(crate) use room::{Admission, Bounded, Gate, Room};

/// An event that has left the bus: what a queue or a batch holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<P> {
    /// Where it was published.
    pub topic: Topic,
    /// What was published.
    pub payload: P,
}

/// A subscription whose events wait here until they are read; dropped, the subscription ends.
///
/// It is also a [`Stream`], which ends when the bus is gone and the queue is empty. Made by
/// [`Subscriber::queue`].
#[must_use = "a subscription ends when it is dropped: keep it as long as it shall be read"]
pub struct Queue<P: Payload> {
    shared: Rc<Shared<P>>,
    subscription: Subscription,
    gate: Option<Gate<P>>,
}

/// What the queue and its handler share.
pub(crate) struct Shared<P> {
    waiting: RefCell<VecDeque<Entry<P>>>,
    capacity: usize,
    /// For who counts what is pending here.
    pending: Rc<Cell<usize>>,
    dropped: Cell<u64>,
    reader: RefCell<Option<Waker>>,
    closed: Cell<bool>,
}

/// An event that waits, under its key if the newest of a key replaces the one before.
struct Entry<P> {
    key: Option<Box<str>>,
    message: Message<P>,
}

impl<P: Payload + Clone> Subscriber<'_, P> {
    /// Lets up to `capacity` events wait in a queue; `overflow` says what happens to one more.
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
        let pending = self.more().pending.get_or_insert_default().clone();
        let shared = Rc::new(Shared {
            waiting: RefCell::default(),
            capacity: capacity.get(),
            pending,
            dropped: Cell::new(0),
            reader: RefCell::default(),
            closed: Cell::new(false),
        });
        let gate = overflow.waits().then(|| Gate::new(&core, &self.pattern, shared.clone()));
        let entry = gate.as_ref().map(Gate::entry);
        let (writer, label) = (Writer(shared.clone()), self.label_or_pattern());
        let bus = Rc::downgrade(&core);
        let subscription = self.handle(move |event| {
            match entry.as_ref().map_or(Admission::Enters, |entry| entry.admits(event)) {
                Admission::Enters => {}
                Admission::TooOld => return Ok(()),
                Admission::Full => {
                    writer.0.lose(event, &label, &bus);
                    return Ok(());
                }
            }
            let payload =
                if overflow.waits() { event.payload.kept() } else { event.payload.clone() };
            let message = Message { topic: event.topic.clone(), payload };
            let lost = overflow.push(&writer.0, message);
            if lost.is_some() {
                writer.0.lose(event, &label, &bus);
            }
            Ok(())
        });
        if let Some(gate) = &gate {
            // What was published before has no room reserved here: the queue begins at its own turn.
            core.take_turn(Turn::Job(gate.opening()));
        }
        Queue { shared, subscription, gate }
    }
}

impl<P: Payload> Queue<P> {
    /// Takes the oldest event that waits.
    pub fn pop(&self) -> Option<Message<P>> {
        let Entry { message, .. } = self.shared.waiting.borrow_mut().pop_front()?;
        self.shared.count();
        if let Some(gate) = &self.gate {
            gate.has_room();
        }
        Some(message)
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.shared.waiting.borrow().len()
    }

    /// Whether none waits.
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
        let before = self.shared.reader.replace(Some(context.waker().clone()));
        drop(before);
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
    /// Puts `message` at the end, and answers the oldest one instead if there was no room.
    fn push(&self, key: Option<Box<str>>, message: Message<P>) -> Option<Message<P>> {
        let oldest = {
            let mut waiting = self.waiting.borrow_mut();
            let oldest = if waiting.len() >= self.capacity { waiting.pop_front() } else { None };
            waiting.push_back(Entry { key, message });
            oldest.map(|entry| entry.message)
        };
        self.count();
        self.wake();
        oldest
    }

    /// Puts `message` where one with the same key waits and answers that, or puts it at the end.
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

    fn count(&self) {
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
    /// An event is lost: counts it, and tells of it unless it is the runtime's own.
    fn lose(&self, event: &Event<'_, P>, label: &Rc<str>, bus: &Weak<Core<P>>) {
        self.dropped.set(self.dropped.get() + 1);
        if let Some(core) = bus.upgrade() {
            core.lost(event.topic, label);
        }
    }
}

/// The handler's end: when it goes, so does the bus or the subscription.
struct Writer<P>(Rc<Shared<P>>);

impl<P> Drop for Writer<P> {
    fn drop(&mut self) {
        self.0.closed.set(true);
        self.0.wake();
    }
}
