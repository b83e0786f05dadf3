//! Sealed buses, on which recordings are replayed as they were.

use super::{Bus, PublishError};
use crate::{Delivery, Event};

impl Bus {
    /// Creates a bus that no bridge connects to. A recording is replayed on it as it was: each event has the id, the
    /// source, the time and the delivery that it had when it was recorded, and none of them leaves the bus.
    ///
    /// ```no_run
    /// use event_driven_kit::Bus;
    /// use event_driven_kit::recorder::Replay;
    ///
    /// # let lines = "";
    /// let bus = Bus::sealed();
    /// let mut replay = Replay::parse(lines)?;
    /// while let Some(delivered) = replay.step(&bus) {
    ///     delivered?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sealed() -> Self {
        let bus = Self::new();
        bus.seal();
        bus
    }

    /// Whether it is [sealed](Self::sealed).
    pub fn is_sealed(&self) -> bool {
        self.0.sealed.get()
    }

    pub(crate) fn seal(&self) {
        self.0.sealed.set(true);
    }

    /// Delivers an event of a recording as it was delivered then.
    pub(crate) fn deliver_again(&self, event: Event) -> Result<(), PublishError> {
        let (bus, topic) = (&self.0.bus, event.topic().clone());
        let has_room = if matches!(event.delivery(), Delivery::Pending(_) | Delivery::Rejected(_)) {
            bus.echo(topic.clone(), event, None)
        } else if topic.is_system() {
            bus.announce(topic.clone(), event)
        } else {
            return Ok(bus.publish_regardless(topic, event).map(drop)?);
        };
        if has_room { Ok(()) } else { Err(PublishError::QueueFull(topic)) }
    }
}
