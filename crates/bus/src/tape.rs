//! Playback a recording: with its timing, faster, or step by step.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

use crate::{Message, Schedule};

/// An event of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded<P> {
    /// The time of its turn, from the beginning of the recording.
    pub at: Duration,
    /// The event.
    pub event: Message<P>,
}

/// Plays the events of a recording in their order, until it is dropped.
///
/// ```
/// use std::{cell::RefCell, ops::ControlFlow, rc::Rc, time::Duration};
/// use bus::{Message, Recorded, Tape, Topic, VirtualTime};
///
/// let topic = Topic::parse("a")?;
/// let event = |seconds, payload| Recorded {
///     at: Duration::from_secs(seconds),
///     event: Message { topic: topic.clone(), payload },
/// };
/// let tape = Tape::new([event(0, "one"), event(3, "two"), event(9, "three")]);
/// assert_eq!(tape.step().map(|event| event.payload), Some("one"));
///
/// let (time, heard) = (VirtualTime::new(), Rc::new(RefCell::new(Vec::new())));
/// let hear = heard.clone();
/// tape.play(time.clone(), 2.0, move |event| {
///     hear.borrow_mut().push(event.payload);
///     ControlFlow::Continue(())
/// });
/// time.pass(Duration::from_millis(1_500));
/// assert_eq!((heard.take(), tape.rest()), (vec!["two"], 1));
/// # Ok::<(), bus::TopicError>(())
/// ```
#[must_use = "it plays until it is dropped"]
pub struct Tape<P>(Rc<State<P>>);

struct State<P> {
    rest: RefCell<VecDeque<Recorded<P>>>,
    /// The time of the last event that was played, from the beginning of the recording.
    reached: Cell<Duration>,
    playing: RefCell<Option<Rc<Playback<P>>>>,
    timer: RefCell<Option<Box<dyn Any>>>,
}

/// One call of [`Tape::play`].
struct Playback<P> {
    schedule: Rc<dyn Schedule>,
    speed: f64,
    /// The time of the call.
    began: Duration,
    /// The position of the tape at the call.
    from: Duration,
    publish: Box<dyn Fn(Message<P>) -> ControlFlow<()>>,
}

impl<P: 'static> Tape<P> {
    /// Creates a tape at its beginning.
    pub fn new(recording: impl IntoIterator<Item = Recorded<P>>) -> Self {
        Self(Rc::new(State {
            rest: RefCell::new(recording.into_iter().collect()),
            reached: Cell::default(),
            playing: RefCell::default(),
            timer: RefCell::default(),
        }))
    }

    /// Takes the next event.
    pub fn step(&self) -> Option<Message<P>> {
        self.0.next()
    }

    /// Calls `publish` with the remaining events, `speed` times as fast as they were recorded, until it
    /// returns `Break` or the tape is paused. Late events are played at once (timers of a hidden page are
    /// late), and so are all events if `speed` is not above 0. `publish` is never called inside this call.
    pub fn play(
        &self,
        schedule: Rc<dyn Schedule>,
        speed: f64,
        publish: impl Fn(Message<P>) -> ControlFlow<()> + 'static,
    ) {
        self.pause();
        let (began, from) = (schedule.now(), self.0.reached.get());
        let playing = Playback { schedule, speed, began, from, publish: Box::new(publish) };
        let playing = Rc::new(playing);
        self.0.playing.replace(Some(playing.clone()));
        self.0.plan(playing);
    }

    /// Pauses the tape. [`Tape::step`] and [`Tape::play`] continue from there.
    pub fn pause(&self) {
        self.0.pause();
    }

    /// How many events have not been played.
    pub fn rest(&self) -> usize {
        self.0.rest.borrow().len()
    }
}

impl<P: 'static> State<P> {
    fn next(&self) -> Option<Message<P>> {
        let Recorded { at, event } = self.rest.borrow_mut().pop_front()?;
        self.reached.set(at);
        Some(event)
    }

    fn next_at(&self) -> Option<Duration> {
        self.rest.borrow().front().map(|next| next.at)
    }

    fn plan(self: &Rc<Self>, playing: Rc<Playback<P>>) {
        let Some(at) = self.next_at() else { return self.pause() };
        let (state, schedule) = (Rc::downgrade(self), playing.schedule.clone());
        let job = Box::new(move || {
            if let Some(state) = state.upgrade() {
                state.go_on(playing, at);
            }
        });
        let wait = self.wait(at);
        let before = self.timer.replace(Some(schedule.after(wait, job)));
        drop(before);
    }

    /// Plays the events that are due: those up to `at`, for which the timer was set, and those that are late.
    fn go_on(self: &Rc<Self>, playing: Rc<Playback<P>>, at: Duration) {
        while self.is_playing(&playing) {
            if self.next_at().is_none_or(|next| next > at && !self.wait(next).is_zero()) {
                return self.plan(playing);
            }
            if let Some(event) = self.next()
                && (playing.publish)(event).is_break()
                && self.is_playing(&playing)
            {
                self.pause();
            }
        }
    }

    /// False if `publish` has paused the tape or called [`Tape::play`] again.
    fn is_playing(&self, playing: &Rc<Playback<P>>) -> bool {
        self.playing.borrow().as_ref().is_some_and(|current| Rc::ptr_eq(current, playing))
    }

    fn wait(&self, at: Duration) -> Duration {
        let Some(playing) = self.playing.borrow().clone() else { return Duration::ZERO };
        if playing.speed.is_nan() || playing.speed <= 0.0 {
            return Duration::ZERO;
        }
        let after = at.saturating_sub(playing.from).as_secs_f64() / playing.speed;
        // A wait that is too long for a `Duration` never ends.
        let after = Duration::try_from_secs_f64(after).unwrap_or(Duration::MAX);
        playing.began.saturating_add(after).saturating_sub(playing.schedule.now())
    }

    fn pause(&self) {
        let ended = (self.playing.take(), self.timer.take());
        drop(ended);
    }
}

impl<P> fmt::Debug for Tape<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tape").field("rest", &self.0.rest.borrow().len()).finish()
    }
}
