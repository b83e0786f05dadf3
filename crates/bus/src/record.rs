//! Recording what passes on a bus, and playing it again there. How a recording is written down
//! (CloudEvents JSON lines, say) is the business of who has the payload's form.

use std::fmt;
use std::ops::ControlFlow;
use std::rc::{Rc, Weak};

use crate::core::Core;
use crate::{
    Bus, Message, Pattern, Payload, PublishError, Published, Recorded, Schedule, Subscription, Tape,
};

/// Plays a recording; dropped, it stops. Made by [`Bus::player`].
#[must_use = "it plays until it is dropped"]
pub struct Player<P: Payload> {
    core: Weak<Core<P>>,
    tape: Tape<P>,
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
        Player { core: Rc::downgrade(&self.core), tape: Tape::new(recording) }
    }
}

impl<P: Payload> Player<P> {
    /// Publishes the next event now; `None` if there is none, or no bus.
    ///
    /// # Errors
    /// Those of [`Bus::publish`]; the event is not tried again.
    pub fn step(&self) -> Option<Result<Published, PublishError<P>>> {
        let core = self.core.upgrade()?;
        let Message { topic, payload } = self.tape.step()?;
        Some(Bus { core }.publish(topic, payload))
    }

    /// Publishes the rest with its timing, `speed` times as fast; see [`Tape::play`]. An event that is
    /// refused is left out.
    pub fn play(&self, schedule: Rc<dyn Schedule>, speed: f64) {
        let core = self.core.clone();
        self.tape.play(schedule, speed, move |Message { topic, payload }| {
            let Some(core) = core.upgrade() else { return ControlFlow::Break(()) };
            let published = Bus { core }.publish(topic, payload);
            drop(published);
            ControlFlow::Continue(())
        });
    }

    /// Holds it where it is; [`Player::step`] and [`Player::play`] go on.
    pub fn pause(&self) {
        self.tape.pause();
    }

    /// How many events are still to come.
    pub fn rest(&self) -> usize {
        self.tape.rest()
    }
}

impl<P: Payload> fmt::Debug for Player<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Player").field("rest", &self.rest()).finish()
    }
}
