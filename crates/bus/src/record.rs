//! Recording what passes, and playing it again. How a recording is written down (CloudEvents JSON
//! lines, say) is the business of who has the payload's form.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::core::Core;
use crate::{Bus, Message, Pattern, Payload, PublishError, Published, Schedule, Subscription};

/// An event of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded<P> {
    /// How long after the recording began it had its turn.
    pub at: Duration,
    /// The event.
    pub event: Message<P>,
}

/// Plays a recording; dropped, it stops. Made by [`Bus::player`].
#[must_use = "it plays until it is dropped"]
pub struct Player<P: Payload> {
    tape: Rc<Tape<P>>,
}

struct Tape<P: Payload> {
    core: Weak<Core<P>>,
    rest: RefCell<VecDeque<Recorded<P>>>,
    /// When its last event had its turn.
    reached: Cell<Duration>,
    timer: RefCell<Option<Box<dyn Any>>>,
}

impl<P: Payload + Clone> Bus<P> {
    /// Shows each event whose topic `pattern` matches to `write`, at the event's turn and before its
    /// other subscribers see it, until the answer is dropped.
    pub fn record(
        &self,
        pattern: Pattern,
        clock: Rc<dyn Schedule>,
        write: impl Fn(Recorded<P>) + 'static,
    ) -> Subscription {
        let start = clock.now();
        self.subscriber(pattern).priority(i32::MAX).label("$bus.record").handle(move |event| {
            let at = clock.now().saturating_sub(start);
            let event = Message { topic: event.topic.clone(), payload: event.payload.clone() };
            write(Recorded { at, event });
            Ok(())
        })
    }
}

impl<P: Payload> Bus<P> {
    /// A player of `recording` on this bus, at its beginning.
    ///
    /// ```
    /// # use std::{cell::RefCell, rc::Rc, time::Duration};
    /// # use bus::{Bus, Failure, Payload, Recorded, Topic, VirtualTime};
    /// # #[derive(Clone)]
    /// # struct Number(u64);
    /// # impl Payload for Number {
    /// #     type Cause = String;
    /// #     fn failure(_: Failure<String>) -> Self { Number(0) }
    /// # }
    /// let (bus, time) = (Bus::<Number>::new(|_| {}), VirtualTime::new());
    /// let tape: Rc<RefCell<Vec<Recorded<Number>>>> = Rc::default();
    /// let write = tape.clone();
    /// let recorder = bus.record(">".try_into()?, time.clone(), move |event| write.borrow_mut().push(event));
    /// bus.publish(Topic::parse("a")?, Number(1))?;
    /// time.pass(Duration::from_secs(3));
    /// bus.publish(Topic::parse("b")?, Number(2))?;
    /// drop(recorder);
    ///
    /// let player = bus.player(tape.take());
    /// player.play(time.clone(), 1.0);
    /// time.pass(Duration::from_secs(2));
    /// assert_eq!(player.rest(), 1); // the second comes after three seconds, as it did
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn player(&self, recording: impl IntoIterator<Item = Recorded<P>>) -> Player<P> {
        let tape = Tape {
            core: Rc::downgrade(&self.core),
            rest: RefCell::new(recording.into_iter().collect()),
            reached: Cell::default(),
            timer: RefCell::default(),
        };
        Player { tape: Rc::new(tape) }
    }
}

impl<P: Payload> Player<P> {
    /// Publishes the next event now; `None` if there is none, or no bus.
    ///
    /// # Errors
    /// Those of [`Bus::publish`]; the event is not tried again.
    pub fn step(&self) -> Option<Result<Published, PublishError<P>>> {
        self.tape.step()
    }

    /// Publishes the rest with its timing, `speed` times as fast. An event that is refused is left out.
    pub fn play(&self, schedule: Rc<dyn Schedule>, speed: f64) {
        self.tape.plan(schedule, speed);
    }

    /// Holds it where it is; [`Player::step`] and [`Player::play`] go on.
    pub fn pause(&self) {
        let timer = self.tape.timer.take();
        drop(timer);
    }

    /// How many events are still to come.
    pub fn rest(&self) -> usize {
        self.tape.rest.borrow().len()
    }
}

impl<P: Payload> Tape<P> {
    fn step(&self) -> Option<Result<Published, PublishError<P>>> {
        let core = self.core.upgrade()?;
        let Recorded { at, event } = self.rest.borrow_mut().pop_front()?;
        self.reached.set(at);
        Some(Bus { core }.publish(event.topic, event.payload))
    }

    fn plan(self: &Rc<Self>, schedule: Rc<dyn Schedule>, speed: f64) {
        let Some(at) = self.rest.borrow().front().map(|next| next.at) else { return };
        let wait = at.saturating_sub(self.reached.get());
        let wait = Duration::try_from_secs_f64(wait.as_secs_f64() / speed).unwrap_or_default();
        let (tape, next) = (Rc::downgrade(self), schedule.clone());
        let timer = schedule.after(
            wait,
            Box::new(move || {
                if let Some(tape) = tape.upgrade() {
                    tape.go_on(next, speed);
                }
            }),
        );
        let before = self.timer.replace(Some(timer));
        drop(before);
    }

    /// The event that is due, and the plan for the next one: if a handler pauses the player, it stays.
    fn go_on(self: &Rc<Self>, schedule: Rc<dyn Schedule>, speed: f64) {
        let due = self.rest.borrow_mut().pop_front();
        let (Some(Recorded { at, event }), Some(core)) = (due, self.core.upgrade()) else { return };
        self.reached.set(at);
        self.plan(schedule, speed);
        let published = Bus { core }.publish(event.topic, event.payload);
        drop(published);
    }
}

impl<P: Payload> fmt::Debug for Player<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Player").field("rest", &self.rest()).finish()
    }
}
