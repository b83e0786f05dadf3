//! A recording that is played: its events are published again, in their order.

use std::collections::VecDeque;
use std::fmt;

use bus::{Topic, TopicError};
use gloo_timers::future::TimeoutFuture;

use super::line::Line;
use crate::{Bus, Payload, PublishError, Receipt};

/// The events of a recording that are still to be published. They are published anew: with an id and a
/// time of their own, and over whatever bridges there are now.
pub struct Replay {
    events: VecDeque<Recorded>,
    /// When the event before the next one was published, in milliseconds since 1970.
    last: Option<f64>,
}

struct Recorded {
    topic: Topic,
    payload: Payload,
    time: Option<f64>,
}

/// How fast a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// With the pauses that were recorded.
    AsRecorded,
    /// So many times faster; below 1 it is slower.
    Faster(f64),
    /// Without pauses.
    AtOnce,
}

/// A text is no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A line is no CloudEvent in JSON.
    #[error("line {line} is no CloudEvent in JSON: {reason}")]
    Line {
        /// Counts from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A line's `type` is no topic.
    #[error("the `type` in line {line} is no topic: {error}")]
    Topic {
        /// Counts from 1.
        line: usize,
        /// What is wrong.
        error: TopicError,
    },
}

/// The longest that one timer can be set for, in milliseconds.
const LONGEST_TIMER: f64 = i32::MAX as f64;

impl Replay {
    /// Reads a recording: lines as [`Recorder::lines`](crate::Recorder::lines) gives them. Empty ones are
    /// skipped.
    ///
    /// # Errors
    /// A [`ReplayError`] that names the first line that cannot be played; then nothing is.
    pub fn parse(text: &str) -> Result<Self, ReplayError> {
        let lines = text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty());
        let events = lines.map(|(number, text)| Recorded::parse(number + 1, text));
        Ok(Self { events: events.collect::<Result<_, _>>()?, last: None })
    }

    /// How many events are still to be published.
    pub fn remaining(&self) -> usize {
        self.events.len()
    }

    /// Publishes the next event; none if there is none.
    pub fn step(&mut self, bus: &Bus) -> Option<Result<Receipt, PublishError>> {
        let Recorded { topic, payload, time } = self.events.pop_front()?;
        self.last = time.or(self.last);
        Some(bus.publish_payload(topic, payload))
    }

    /// Publishes the events that remain, with pauses between them.
    ///
    /// # Errors
    /// The first [`PublishError`]. The events after that one remain.
    pub async fn run(&mut self, bus: &Bus, pace: Pace) -> Result<(), PublishError> {
        while let Some(next) = self.events.front() {
            let pause = pace.pause(self.last, next.time);
            if pause > 0.0 {
                TimeoutFuture::new(pause.min(LONGEST_TIMER) as u32).await;
            }
            if let Some(published) = self.step(bus) {
                published?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Replay").field("remaining", &self.remaining()).finish()
    }
}

impl Pace {
    /// In milliseconds. Clocks go back: then there is no pause.
    fn pause(self, last: Option<f64>, next: Option<f64>) -> f64 {
        let recorded = match (last, next) {
            (Some(last), Some(next)) => (next - last).max(0.0),
            _ => 0.0,
        };
        match self {
            Self::AsRecorded => recorded,
            Self::Faster(times) if times > 0.0 => recorded / times,
            Self::Faster(_) | Self::AtOnce => 0.0,
        }
    }
}

impl Recorded {
    fn parse(line: usize, text: &str) -> Result<Self, ReplayError> {
        let no_event = |reason| ReplayError::Line { line, reason };
        let parsed = Line::parse(text).map_err(no_event)?;
        let topic =
            Topic::parse(&parsed.topic).map_err(|error| ReplayError::Topic { line, error })?;
        let time = parsed.time();
        Ok(Self { topic, time, payload: parsed.payload().map_err(no_event)? })
    }
}
