//! A rule: which topics cross a bridge, in which direction, and whether the peer keeps them.

use session::client::Window;
use session::{Durability, Start};

/// Says which topics cross a bridge. An event that no rule matches is local: neither sent nor accepted.
///
/// By default events are durable, and an inbound rule starts with the next event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a rule does nothing before it is given to a bridge"]
pub struct Rule {
    pub(super) pattern: String,
    pub(super) outbound: bool,
    pub(super) inbound: bool,
    /// How the peer must store durable events, or `None` for ephemeral events.
    pub(super) durability: Option<Durability>,
    pub(super) start: Start,
    /// How many events may wait for the application.
    pub(super) window: Window,
    /// Local events go to the other tabs.
    pub(super) shared: bool,
    /// Events must have a signature.
    #[cfg(feature = "trust")]
    pub(super) signed: bool,
}

impl Rule {
    /// Sends the events of this page, and delivers those of the peer. A durable event comes back in the peer's order,
    /// and is delivered then.
    pub fn both(pattern: impl Into<String>) -> Self {
        Self::new(pattern, true, true)
    }

    /// Sends the events of this page. A durable event is delivered here when the peer has stored it.
    pub fn outbound(pattern: impl Into<String>) -> Self {
        Self::new(pattern, true, false)
    }

    /// Delivers the events of the peer. Those of this page stay local.
    pub fn inbound(pattern: impl Into<String>) -> Self {
        Self::new(pattern, false, true)
    }

    /// Delivers the events of this page in all tabs of this origin that have such a rule. They are neither stored nor
    /// sent to the peer.
    pub fn tabs(pattern: impl Into<String>) -> Self {
        Self { shared: true, ..Self::new(pattern, false, false) }
    }

    fn new(pattern: impl Into<String>, outbound: bool, inbound: bool) -> Self {
        let pattern = pattern.into();
        let durability = Some(Durability::Disk);
        let (start, window) = (Start::Latest, Window::default());
        Self {
            pattern,
            outbound,
            inbound,
            durability,
            start,
            window,
            shared: false,
            #[cfg(feature = "trust")]
            signed: false,
        }
    }

    /// Events are kept in the outbox until the peer has stored them.
    pub fn durable(self) -> Self {
        self.stored(Durability::Disk)
    }

    /// Events are kept in the outbox until the peer has stored them at least this safely. Of several rules the
    /// strictest decides.
    pub fn stored(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// Events are sent while the link is up, and stored nowhere.
    pub fn ephemeral(mut self) -> Self {
        self.durability = None;
        self
    }

    /// Takes only events with a signature by a device of a trusted [issuer](crate::trust::Trust::issuer), and signs
    /// those of this page. The others are withheld and reported on [`UNTRUSTED_TOPIC`](crate::trust::UNTRUSTED_TOPIC).
    ///
    /// Events that are published while this device has no certificate wait for
    /// [one](crate::Bridge::send_certificate), at most a day. Only durable events are signed.
    #[cfg(feature = "trust")]
    pub fn signed(mut self) -> Self {
        self.signed = true;
        self
    }

    /// How many events, and bytes of their payloads, the peer sends ahead of the application. It continues when the
    /// application has taken some: their handlers have returned (see [`Event::hold`](crate::Event::hold)), their batch
    /// was handled, or their waiting queue was read. Events beyond the window cost neither end anything, because they
    /// stay in the peer's log. At least one event is always sent. The default is 1,024 events and 1 MiB.
    pub fn window(mut self, events: u32, bytes: u32) -> Self {
        self.window = Window { events, bytes };
        self
    }

    /// Where reading starts when the link is up for the first time. Later it resumes where it was.
    pub fn from(mut self, start: Start) -> Self {
        self.start = start;
        self
    }
}
