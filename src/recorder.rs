//! The recorder: keeps what passes on a bus and writes it as CloudEvents, one JSON text per line.

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

/// Records the events of a pattern until it is dropped. Played again by [`Replay`].
///
/// ```no_run
/// use event_driven_kit::{Bus, Recorder, Replay};
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
    /// Records, before any other subscriber of the same event sees it, the newest `capacity` events whose
    /// topics `pattern` matches. Older ones are dropped and [counted](Self::dropped).
    ///
    /// # Errors
    /// A [`TopicError`] if `pattern` is none.
    pub fn start(bus: &Bus, pattern: &str, capacity: usize) -> Result<Self, TopicError> {
        let kept = Kept { events: VecDeque::new(), capacity, dropped: 0 };
        let kept = Rc::new(RefCell::new(kept));
        let (keeper, pattern) = (kept.clone(), Pattern::parse(pattern)?);
        let subscription = bus.pure().record(pattern, Browser::schedule(), move |event| {
            let dropped = keeper.borrow_mut().keep(event);
            drop(dropped);
        });
        Ok(Self { kept, _subscription: subscription.into() })
    }

    /// What was recorded, as CloudEvents 1.0 in JSON, each a line without its end, in the order in which
    /// the events were delivered. The extension `elapsed` says how many milliseconds after the recording
    /// began that was.
    ///
    /// An event whose payload JSON cannot say is an error in its place.
    pub fn lines(&self) -> impl Iterator<Item = Result<String, DataError>> + use<> {
        let events = self.kept.borrow().events.clone();
        events.into_iter().map(|event| Line::of(&event)?.to_text())
    }

    /// How many events are kept.
    pub fn len(&self) -> usize {
        self.kept.borrow().events.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many events there was no room for any more.
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
    /// The answer is to be dropped when nothing is borrowed: it may own foreign code.
    fn keep(&mut self, event: Recorded<Event>) -> Option<Recorded<Event>> {
        self.events.push_back(event);
        if self.events.len() <= self.capacity {
            return None;
        }
        self.dropped += 1;
        self.events.pop_front()
    }
}
