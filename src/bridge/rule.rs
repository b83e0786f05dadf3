//! A rule: which topics cross a bridge, in which direction, and whether the peer keeps them.

use session::client::Window;
use session::{Durability, Start};

/// Says which topics cross a bridge. What no rule names is local: neither sent nor accepted.
///
/// Durable unless said otherwise; an inbound rule starts with what comes after now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a rule does nothing before it is given to a bridge"]
pub struct Rule {
    pub(super) pattern: String,
    pub(super) outbound: bool,
    pub(super) inbound: bool,
    /// What the peer's answer must promise; none: ephemeral.
    pub(super) durability: Option<Durability>,
    pub(super) start: Start,
    /// How much may wait for the application.
    pub(super) window: Window,
    /// Local events go to the other tabs.
    pub(super) shared: bool,
}

impl Rule {
    /// What is published here is sent, and what the peer has is delivered here. A durable event
    /// comes back in the peer's order, and is delivered then.
    pub fn both(pattern: impl Into<String>) -> Self {
        Self::new(pattern, true, true)
    }

    /// What is published here is sent. A durable event is delivered here when the peer has stored it.
    pub fn outbound(pattern: impl Into<String>) -> Self {
        Self::new(pattern, true, false)
    }

    /// What the peer has is delivered here. What is published here stays local.
    pub fn inbound(pattern: impl Into<String>) -> Self {
        Self::new(pattern, false, true)
    }

    /// What is published here stays in this browser, and is delivered in all tabs of this origin that have
    /// such a rule: nothing of it is kept or sent to the peer.
    pub fn tabs(pattern: impl Into<String>) -> Self {
        Self { shared: true, ..Self::new(pattern, false, false) }
    }

    fn new(pattern: impl Into<String>, outbound: bool, inbound: bool) -> Self {
        let pattern = pattern.into();
        let durability = Some(Durability::Disk);
        let (start, window) = (Start::Latest, Window::default());
        Self { pattern, outbound, inbound, durability, start, window, shared: false }
    }

    /// Events are kept in the outbox until the peer has stored them.
    pub fn durable(self) -> Self {
        self.stored(Durability::Disk)
    }

    /// Events are kept in the outbox until the peer has stored them at least that safely. Of several rules
    /// the one that asks for most decides.
    pub fn stored(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// Events are sent while the link is up, and kept nowhere.
    pub fn ephemeral(mut self) -> Self {
        self.durability = None;
        self
    }

    /// The peer sends so many events and bytes of payloads ahead of the application, and goes on as it takes
    /// them: when their handlers have returned (see [`Event::hold`](crate::Event::hold)), a batch was handled, or a
    /// queue that waits was read. What it does not send costs neither end anything; it comes from the peer's log.
    /// At least one event always comes. 1,024 events and 1 MiB if not set.
    pub fn window(mut self, events: u32, bytes: u32) -> Self {
        self.window = Window { events, bytes };
        self
    }

    /// Where reading starts, when the link is up for the first time; later it resumes where it was.
    pub fn from(mut self, start: Start) -> Self {
        self.start = start;
        self
    }
}
