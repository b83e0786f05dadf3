//! Batched subscriptions: a handler receives a slice of events at a time.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::core::{Core, Turn};
use crate::schedule::Job;
use crate::{Failure, HandlerResult, Message, Payload, Schedule, Subscriber, Subscription};

/// When a batch is complete.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    end: End,
    at_most: usize,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Microtask,
    Frame,
    After(Duration),
}

impl Window {
    const AT_MOST: usize = 1_024;

    /// After the task that published its first event.
    pub const fn microtask() -> Self {
        Self { end: End::Microtask, at_most: Self::AT_MOST }
    }

    /// Before the next animation frame.
    pub const fn frame() -> Self {
        Self { end: End::Frame, at_most: Self::AT_MOST }
    }

    /// `time` after its first event.
    pub const fn interval(time: Duration) -> Self {
        Self { end: End::After(time), at_most: Self::AT_MOST }
    }

    /// Completes a batch early once it has this number of events. The default is 1,024.
    pub const fn at_most(mut self, events: NonZeroUsize) -> Self {
        self.at_most = events.get();
        self
    }
}

/// A batch that is not complete.
struct Batch<P: Payload, F> {
    window: Window,
    schedule: Rc<dyn Schedule>,
    core: Weak<Core<P>>,
    label: Rc<str>,
    waiting: RefCell<Vec<Message<P>>>,
    /// How many batches are complete. A job that was scheduled for one of them does nothing.
    completed: Cell<u64>,
    timer: RefCell<Option<Box<dyn Any>>>,
    handler: F,
}

impl<P: Payload + Clone> Subscriber<'_, P> {
    /// Calls `handler` with the events of a `window`, in order. If the subscription ends before a batch is
    /// complete, the events of that batch are dropped.
    ///
    /// ```
    /// # use std::{cell::RefCell, rc::Rc};
    /// # use bus::{Bus, Failure, Payload, Topic, VirtualTime, Window};
    /// # #[derive(Clone)]
    /// # struct Number(u64);
    /// # impl Payload for Number {
    /// #     type Cause = String;
    /// #     fn failure(_: Failure<String>) -> Self { Number(0) }
    /// # }
    /// let bus = Bus::<Number>::new(|_| {});
    /// let time = VirtualTime::new();
    /// let drawn = Rc::new(RefCell::new(Vec::new()));
    /// let log = drawn.clone();
    /// let points = bus.subscriber("pen.*".try_into()?);
    /// let _subscription = points.batch(Window::frame(), time.clone(), move |batch| {
    ///     log.borrow_mut().push(batch.len());
    ///     Ok(())
    /// });
    /// for point in 0..3 {
    ///     bus.publish(Topic::parse("pen.moved")?, Number(point))?;
    /// }
    /// time.next_frame();
    /// assert_eq!(*drawn.borrow(), [3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn batch(
        self,
        window: Window,
        schedule: Rc<dyn Schedule>,
        handler: impl Fn(&[Message<P>]) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        let batch = Rc::new(Batch {
            window,
            schedule,
            core: Rc::downgrade(&self.bus.core),
            label: self.label_or_pattern(),
            waiting: RefCell::default(),
            completed: Cell::new(0),
            timer: RefCell::default(),
            handler,
        });
        self.handle(move |event| {
            let message = Message { topic: event.topic.clone(), payload: event.payload.kept() };
            batch.add(message)
        })
    }
}

impl<P: Payload, F: Fn(&[Message<P>]) -> HandlerResult<P> + 'static> Batch<P, F> {
    fn add(self: &Rc<Self>, message: Message<P>) -> HandlerResult<P> {
        let count = {
            let mut waiting = self.waiting.borrow_mut();
            waiting.push(message);
            waiting.len()
        };
        if count >= self.window.at_most {
            return self.hand_over();
        }
        if count == 1 {
            let job = self.job();
            match self.window.end {
                End::Microtask => self.schedule.soon(job),
                End::Frame => self.schedule.frame(job),
                End::After(time) => {
                    let timer = self.schedule.after(time, job);
                    self.timer.replace(Some(timer));
                }
            }
        }
        Ok(())
    }

    /// The job that hands the batch over at a turn of its own, unless it was completed before.
    fn job(self: &Rc<Self>) -> Job {
        let (batch, number) = (Rc::downgrade(self), self.completed.get());
        Box::new(move || {
            let Some(core) = batch.upgrade().and_then(|batch| batch.core.upgrade()) else { return };
            core.take_turn(Turn::Job(Box::new(move || {
                if let Some(batch) = batch.upgrade().filter(|batch| batch.completed.get() == number)
                {
                    batch.hand_over_late();
                }
            })));
        })
    }

    fn hand_over(&self) -> HandlerResult<P> {
        self.completed.set(self.completed.get() + 1);
        let timer = self.timer.take();
        drop(timer);
        let batch = self.waiting.take();
        (self.handler)(&batch)
    }

    fn hand_over_late(&self) {
        let last = self.waiting.borrow().last().map(|message| message.topic.clone());
        let handled = self.hand_over();
        if let (Err(cause), Some(topic), Some(core)) = (handled, last, self.core.upgrade()) {
            core.fail(Failure { topic, label: self.label.clone(), cause });
        }
    }
}
