//! Counters and handler times.

pub use bus::{HandlerCount, TopicCount};

use crate::schedule::Browser;
use crate::{Bus, Event};

/// The counts of a bus since [`Bus::measure`] was called. Dropping it stops the count.
pub type Measurement = bus::Measurement<Event>;

impl Bus {
    /// Counts events by topic, and the calls of handlers and their times by label, until the returned
    /// measurement is dropped. Beyond `at_most` topics or labels, all others are counted as `$bus.others`.
    ///
    /// Events take a slower path while a measurement exists. Several measurements count independently.
    ///
    /// ```no_run
    /// use event_driven_kit::{Bus, Topic};
    ///
    /// let bus = Bus::new();
    /// let measured = bus.measure(1_000);
    /// bus.publish("job.resize", 1)?;
    /// assert_eq!(measured.topic(&Topic::parse("job.resize")?).events, 1);
    /// # Ok::<(), event_driven_kit::PublishError>(())
    /// ```
    pub fn measure(&self, at_most: usize) -> Measurement {
        self.pure().measure(Browser::schedule(), at_most)
    }
}
