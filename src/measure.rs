//! Counters, handler times, and what observers see of each turn.

use std::rc::Rc;

pub use bus::{HandlerCount, ObservedCall, ObservedTurn, Observer, SubscriptionInfo, TopicCount};

use crate::schedule::Browser;
use crate::{Bus, Event};

/// The counts of a bus since [`Bus::measure`] was called. Dropping it stops the count.
pub type Measurement = bus::Measurement<Event>;

/// Keeps an observer of a bus. Dropping it ends the observation.
pub type Observation = bus::Observation<Event>;

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

    /// Shows each turn of the bus to `observer`, with the label of the handler that has published the event, until the
    /// returned observation is dropped. Events take a slower path until then.
    ///
    /// ```no_run
    /// use std::rc::Rc;
    /// use event_driven_kit::measure::{ObservedTurn, Observer};
    /// use event_driven_kit::{Bus, Event};
    ///
    /// struct Causes;
    /// impl Observer<Event> for Causes {
    ///     fn begins(&self, turn: &ObservedTurn<'_, Event>) {
    ///         println!("{} by {}", turn.event.topic, turn.cause.unwrap_or("the page"));
    ///     }
    /// }
    /// let bus = Bus::new();
    /// let _observation = bus.observe(Rc::new(Causes));
    /// ```
    pub fn observe(&self, observer: Rc<dyn Observer<Event>>) -> Observation {
        self.pure().observe(observer)
    }

    /// All subscriptions with their queues, the oldest first.
    pub fn list_subscriptions(&self) -> Vec<SubscriptionInfo> {
        self.pure().list_subscriptions()
    }
}
