//! Publishes the events of a recording again, in their order.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use bus::{Message, Recorded, Tape, Topic, TopicError};

use super::line::Line;
use crate::schedule::Browser;
use crate::{Bus, Delivery, Event, PublishError, Receipt};

/// The remaining events of a recording. They are published as new events, with new ids and times, through the
/// current interceptors and bridges; those that were pending, rejected or the runtime's own are skipped.
///
/// On a [sealed](Bus::sealed) bus, all of them are delivered as they were, and none leaves the bus.
pub struct Replay(Tape<Event>);

/// The speed of a replay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// With the recorded pauses.
    AsRecorded,
    /// Faster by this factor; slower below 1.
    Faster(f64),
    /// Without pauses.
    AtOnce,
}

/// Why a text is not a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A line is not a CloudEvent in JSON.
    #[error("line {line} is not a CloudEvent in JSON: {reason}")]
    Line {
        /// The line number, from 1.
        line: usize,
        /// The reason.
        reason: String,
    },
    /// The `type` of a line is not a valid topic.
    #[error("the `type` in line {line} is not a valid topic: {error}")]
    Topic {
        /// The line number, from 1.
        line: usize,
        /// The reason.
        error: TopicError,
    },
}

/// The state of a call of [`Replay::run`].
#[derive(Default)]
struct Progress {
    refused: RefCell<Option<PublishError>>,
    waiting: RefCell<Option<Waker>>,
}

/// Pauses the tape when [`Replay::run`] is done or its future is dropped.
struct Pause<'a>(&'a Tape<Event>);

/// The position in a recording while it is parsed, in milliseconds.
#[derive(Default)]
struct Clock {
    /// The time since the first event.
    at: f64,
    elapsed: Option<f64>,
    time: Option<f64>,
}

impl Replay {
    /// Parses a recording: lines from [`Recorder::lines`](crate::recorder::Recorder::lines). Empty lines are
    /// skipped. Pauses come from the extension `elapsed`, or from `time` where that is missing.
    ///
    /// # Errors
    /// A [`ReplayError`] with the first line that is not valid.
    pub fn parse(text: &str) -> Result<Self, ReplayError> {
        let mut clock = Clock::default();
        let lines = text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty());
        let events = lines.map(|(number, text)| recorded(number + 1, text, &mut clock));
        Ok(Self(Tape::new(events.collect::<Result<Vec<_>, _>>()?)))
    }

    /// The number of events that have not been published.
    pub fn remaining(&self) -> usize {
        self.0.rest()
    }

    /// Publishes the next event. Returns `None` at the end.
    pub fn step(&mut self, bus: &Bus) -> Option<Result<Receipt, PublishError>> {
        loop {
            let Message { payload: event, .. } = self.0.step()?;
            if let Some(published) = publish(bus, event) {
                return Some(published);
            }
        }
    }

    /// Publishes the remaining events with pauses between them. If the future is dropped, the replay pauses;
    /// this method and [`step`](Self::step) continue from there.
    ///
    /// # Errors
    /// The first [`PublishError`]. The events after it remain.
    pub async fn run(&mut self, bus: &Bus, pace: Pace) -> Result<(), PublishError> {
        let Some(speed) = pace.speed() else {
            while let Some(published) = self.step(bus) {
                published?;
            }
            return Ok(());
        };
        let progress = Rc::new(Progress::default());
        let (bus, made) = (bus.clone(), progress.clone());
        let _pause = Pause(&self.0);
        self.0.play(Browser::schedule(), speed, move |Message { payload: event, .. }| {
            made.note(publish(&bus, event))
        });
        poll_fn(|context| {
            let refused = progress.refused.take();
            if let Some(refused) = refused {
                return Poll::Ready(Err(refused));
            }
            if self.0.rest() == 0 {
                return Poll::Ready(Ok(()));
            }
            let before = progress.waiting.replace(Some(context.waker().clone()));
            drop(before);
            Poll::Pending
        })
        .await
    }
}

impl Progress {
    fn note(&self, published: Option<Result<Receipt, PublishError>>) -> ControlFlow<()> {
        let refused = published.and_then(Result::err);
        let flow =
            if refused.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        self.refused.replace(refused);
        let waiting = self.waiting.take();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
        flow
    }
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        self.0.pause();
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Replay").field("remaining", &self.remaining()).finish()
    }
}

impl Pace {
    /// None: without pauses.
    fn speed(self) -> Option<f64> {
        match self {
            Self::AsRecorded => Some(1.0),
            Self::Faster(times) if times > 0.0 => Some(times),
            Self::Faster(_) | Self::AtOnce => None,
        }
    }
}

impl Clock {
    /// When the event of `line` is due. If the clock went back, there is no pause before it.
    fn read(&mut self, line: &Line) -> Duration {
        let elapsed = since(&mut self.elapsed, line.elapsed);
        let time = since(&mut self.time, line.time());
        self.at += elapsed.or(time).unwrap_or_default().max(0.0);
        Duration::try_from_secs_f64(self.at / 1_000.0).unwrap_or(Duration::MAX)
    }
}

/// Publishes an event of a recording, or delivers it as it was on a sealed bus. `None` if it is skipped.
fn publish(bus: &Bus, event: Event) -> Option<Result<Receipt, PublishError>> {
    if bus.is_sealed() {
        return Some(bus.deliver_again(event.clone()).map(|()| Receipt::delivered(event)));
    }
    let is_past = matches!(event.delivery(), Delivery::Pending(_) | Delivery::Rejected(_));
    if is_past || event.topic().is_system() {
        return None;
    }
    Some(bus.publish_payload(event.topic().clone(), event.payload().clone()))
}

fn since(last: &mut Option<f64>, next: Option<f64>) -> Option<f64> {
    let passed = next.zip(*last).map(|(next, last)| next - last);
    *last = next.or(*last);
    passed
}

fn recorded(line: usize, text: &str, clock: &mut Clock) -> Result<Recorded<Event>, ReplayError> {
    let no_event = |reason| ReplayError::Line { line, reason };
    let parsed = Line::parse(text).map_err(no_event)?;
    let topic = Topic::parse(&parsed.topic).map_err(|error| ReplayError::Topic { line, error })?;
    let at = clock.read(&parsed);
    let event = parsed.event(topic.clone()).map_err(no_event)?;
    Ok(Recorded { at, event: Message { topic, payload: event } })
}
