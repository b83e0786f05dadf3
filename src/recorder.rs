//! Recording the events of a bus, and replaying recordings. A recording is a text with one CloudEvent in JSON per
//! line.

mod line;
mod replay;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use bus::{Pattern, Recorded, TopicError};

use crate::schedule::Browser;
use crate::{Bus, DataError, Event, Subscription};
use line::Line;
pub use replay::{Pace, Replay, ReplayError};

/// Records the events of a pattern until it is dropped. [`Replay`] publishes them again.
///
/// ```no_run
/// use event_driven_kit::Bus;
/// use event_driven_kit::recorder::{Recorder, Replay};
///
/// let bus = Bus::new();
/// let recorder = Recorder::start(&bus, "chat.>", 10_000)?;
/// bus.publish("chat.lobby", "hello")?;
/// let lines = recorder.lines().collect::<Result<Vec<_>, _>>()?.join("\n");
///
/// let mut replay = Replay::parse(&lines)?;
/// while let Some(published) = replay.step(&bus) {
///     published?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Recorder {
    kept: Rc<RefCell<Kept>>,
    _subscription: Subscription,
}

struct Kept {
    events: VecDeque<Recorded<Event>>,
    capacity: usize,
    dropped: u64,
}

impl Recorder {
    /// Records the newest `capacity` events whose topics `pattern` matches, each before its other subscribers
    /// receive it. Older events are dropped and [counted](Self::dropped).
    ///
    /// # Errors
    /// A [`TopicError`] if `pattern` is not a valid pattern.
    pub fn start(bus: &Bus, pattern: &str, capacity: usize) -> Result<Self, TopicError> {
        let kept = Kept { events: VecDeque::new(), capacity, dropped: 0 };
        let kept = Rc::new(RefCell::new(kept));
        let (keeper, pattern) = (kept.clone(), Pattern::parse(pattern)?);
        let subscription = bus.pure().record(pattern, Browser::schedule(), move |event| {
            let dropped = keeper.borrow_mut().keep(event);
            drop(dropped);
        });
        Ok(Self { kept, _subscription: subscription })
    }

    /// The recorded events as CloudEvents 1.0 in JSON, one per line (without line ends), in the order of their
    /// delivery. The extension `elapsed` is the time in milliseconds since the recording began.
    ///
    /// An event whose payload JSON cannot represent yields an error in its place.
    pub fn lines(&self) -> impl Iterator<Item = Result<String, DataError>> + use<> {
        let events = self.kept.borrow().events.clone();
        events.into_iter().map(|event| Line::of(&event)?.to_text())
    }

    /// The number of recorded events.
    pub fn len(&self) -> usize {
        self.kept.borrow().events.len()
    }

    /// Whether there are no recorded events.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of events that were dropped for lack of room.
    pub fn dropped(&self) -> u64 {
        self.kept.borrow().dropped
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Recorder").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Kept {
    /// Returns the dropped event, which must be dropped without a borrow because it may run user code.
    fn keep(&mut self, event: Recorded<Event>) -> Option<Recorded<Event>> {
        self.events.push_back(event);
        if self.events.len() <= self.capacity {
            return None;
        }
        self.dropped += 1;
        self.events.pop_front()
    }
}
