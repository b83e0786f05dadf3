//! The bridge: joins a bus to a peer over a WebSocket, by rules. It carries out the effects of
//! `session`'s client machine, which decides everything else.

mod credentials;
mod effects;
mod history;
mod inbound;
mod link;
mod outbound;
mod outbox;
mod presence;
mod report;
mod rule;
mod rules;
mod sharing;
mod socket;
mod state;
mod wake;

use std::fmt;
use std::rc::{Rc, Weak};

use crate::bus::Outlet;
use crate::{Bus, DataError, Event, TopicError};
use credentials::Fetch;
pub use history::{HistoryError, HistoryPage};
use link::Link;
pub use presence::{Occupant, Occupants, PRESENCE_TOPIC, PresenceGuard};
pub use rule::Rule;
pub use session::{CloseCode, Durability, Position, RejectCode, Start as StartFrom};
pub use state::{Acked, CaughtUp, Gap, LinkState, LinkStatus, OutboxStorage, Role, Uncertain};

/// Where it is told how a link and its outbox are whenever that changes, as a [`LinkStatus`]; retained.
pub const LINK_TOPIC: &str = "$bus.link";
/// Where it is told that a rule has brought everything that was there when its reading began, as a [`CaughtUp`].
pub const CAUGHT_UP_TOPIC: &str = "$bus.caught_up";
/// Where it is told that events which a rule asked for are gone from the peer's log, as a [`Gap`].
pub const GAP_TOPIC: &str = "$bus.gap";
/// Where it is told of an event of which nobody knows whether the peer has stored it, as an [`Uncertain`].
pub const UNCERTAIN_TOPIC: &str = "$bus.uncertain";

/// A link between a bus and a peer. It connects, and keeps connecting with growing, jittered waits.
///
/// All tabs of an origin that connect with one address and identity share one link: one of them leads and
/// has the connection, and when it goes another takes over. Durable events wait in an outbox, which these
/// tabs share too and which survives reloads and crashes: it is in IndexedDB. Where the browser refuses that (in
/// a private window, on a page that is not secure, when storage is full at the first visit), or does not answer within a
/// second, each tab has a link of its own and its outbox is in memory; [`LinkStatus::storage`] tells. What becomes of an event whose page is gone is told to the next page, as of an event
/// that was found in the outbox.
///
/// An event that cannot be written, as the disk is full, goes out from memory, over a connection of this tab alone and
/// under an identity of its own, and is gone with the page; the other tabs see it when it is stored.
/// [`OutboxStorage::Failing`] tells, and [`ERROR_TOPIC`](crate::ERROR_TOPIC) once. What the tab publishes meanwhile
/// follows it in order; once all of that is answered, events are written again, if there is room. There is no order
/// between them and those that were written before and had no answer: these leave as ever, but those that were written
/// while the link was down only when the database takes writes.
///
/// A link that is alone and whose client is used by a newer connection (a copied profile) stops as
/// [`Fenced`](crate::bridge::CloseCode::Fenced), so that two pages do not take the connection from each other in turns;
/// [`Bridge::reconnect`] takes it back. Tabs that share a link settle that between them. Who is fenced by a copy of
/// its profile again and again becomes another client: what it may have sent and has no answer ends as uncertain.
///
/// Dropping it closes the link. Durable events that have no answer then stay in the outbox and leave when
/// there is a bridge with this address and identity again; their receipts are not told. If the outbox is in
/// memory they are [rejected](crate::Status::Rejected) as [`Uncertain`](crate::bridge::RejectCode::Uncertain).
#[must_use = "dropping a bridge closes its link"]
pub struct Bridge {
    link: Rc<Link>,
    outlet: Rc<dyn Outlet>,
}

/// How a bridge connects.
#[derive(Clone)]
pub struct BridgeOptions {
    url: String,
    subprotocol: bool,
    identity: String,
    in_memory: bool,
    credentials: Option<Fetch>,
}

/// Why there is no bridge, or no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BridgeError {
    /// This is no address of a WebSocket.
    #[error("no WebSocket is opened at `{0}`: pass an address like `ws://127.0.0.1:8080/ws`")]
    Address(String),
    /// The bus has a bridge to this address already: with two it would get each event twice.
    #[error("the bus is connected to `{0}` already: add rules to that bridge, or drop it first")]
    Connected(String),
    /// There is no `crypto.getRandomValues`, and identities must not be guessed.
    #[error("this platform has no secure random numbers, which a client's secret needs")]
    NoRandomness,
    /// What was to be the rule's pattern is none.
    #[error("this is no pattern: {0}")]
    Pattern(#[from] TopicError),
    /// Patterns that begin with `$` belong to the runtime and are never bridged.
    #[error("`{0}` belongs to the runtime: topics that begin with `$` do not cross a bridge")]
    SystemPattern(String),
    /// What is to be said of who is present has no JSON form.
    #[error("this cannot be said of who is present: {0}")]
    Data(#[from] DataError),
}

/// Keeps a rule in force. Dropping it ends the rule: what it asked the peer for is not sent any more.
#[must_use = "dropping a guard ends its rule"]
pub struct RuleGuard {
    link: Weak<Link>,
    key: u64,
}

impl BridgeOptions {
    /// Connects to `url`: `ws:` or `wss:`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            subprotocol: true,
            identity: String::new(),
            in_memory: false,
            credentials: None,
        }
    }

    /// Who uses the bridge: each identity has a client and an outbox of its own. A page with users who sign
    /// in and out names them here, so that one does not send what another has left.
    pub fn identity(mut self, name: impl Into<String>) -> Self {
        self.identity = name.into();
        self
    }

    /// Keeps the outbox in memory: it is gone with the page, and no other tab knows of it.
    pub fn in_memory(mut self) -> Self {
        self.in_memory = true;
        self
    }

    /// The name of what tabs share: the outbox's database, a lock and a channel. A database that tabs cannot
    /// agree about is none.
    fn database(&self) -> Option<String> {
        let Self { url, identity, .. } = self;
        // Without a lock, two pages could send the rows of one outbox at the same time, and nobody knows which page an
        // outbox belongs to: a tab that is duplicated has a copy of what its first page remembers, and a tab that
        // was closed for good never comes for its own. So there is none that would survive.
        let shares = !self.in_memory && sharing::is_possible();
        shares.then(|| ["event-driven-kit v1 ", url, " ", identity].concat())
    }

    /// Does not ask for the subprotocol `event-driven-kit.v1`, and takes for granted that it is spoken:
    /// for a proxy that asks the peer for it but drops it from the answer, as `trunk serve` does.
    /// A browser refuses such an answer to who has asked.
    pub fn without_subprotocol(mut self) -> Self {
        self.subprotocol = false;
        self
    }
}

impl Bridge {
    /// Starts to connect `bus` to a peer. Returns at once; [`LINK_TOPIC`] tells how it goes.
    ///
    /// # Errors
    /// [`BridgeError::Address`], [`BridgeError::Connected`] and [`BridgeError::NoRandomness`].
    pub fn connect(bus: &Bus, options: BridgeOptions) -> Result<Self, BridgeError> {
        let is_socket = ["ws:", "wss:"].iter().any(|scheme| options.url.starts_with(scheme));
        if !is_socket {
            return Err(BridgeError::Address(options.url));
        }
        if bus.has_outlet_to(&options.url) {
            return Err(BridgeError::Connected(options.url));
        }
        let link = Link::new(bus.clone(), options)?;
        let outlet: Rc<dyn Outlet> = link.clone();
        bus.attach(outlet.clone());
        let bridge = Self { link, outlet };
        bridge.link.begin();
        Ok(bridge)
    }

    /// Puts a rule in force, until the answer is dropped. Of several outbound rules that name a topic a
    /// durable one decides. Two inbound rules with one pattern share one subscription, which keeps
    /// the start of the first; patterns that overlap may bring a past event once for each.
    ///
    /// # Errors
    /// [`BridgeError::Pattern`] and [`BridgeError::SystemPattern`].
    pub fn rule(&self, rule: Rule) -> Result<RuleGuard, BridgeError> {
        let key = self.link.add_rule(rule)?;
        Ok(RuleGuard { link: Rc::downgrade(&self.link), key })
    }

    /// Connects again after a stop: the application has done something about it (a user has signed in again), or
    /// wants to be the one that is connected (after [`Fenced`](crate::bridge::CloseCode::Fenced)). Any tab that shares the link
    /// may say so. Otherwise it does nothing: a bridge reconnects by itself.
    pub fn reconnect(&self) {
        self.link.reconnect();
    }

    /// The state of the link.
    pub fn state(&self) -> LinkState {
        self.status().state
    }

    /// How the link and its outbox are.
    pub fn status(&self) -> LinkStatus {
        self.link.report.status()
    }

    /// Whether `event` is from this bridge's client: published on this bus, or by another tab that shares the link, or
    /// brought by a peer that attests it. What an event says of its sender anybody may write; its
    /// [source](Event::source) begins with what the peer knows.
    pub fn is_own(&self, event: &Event) -> bool {
        event.source().is_empty() || self.link.is_own(event.source())
    }

    /// How many durable events wait for the peer's answer, of all tabs that share the outbox.
    pub fn unanswered(&self) -> usize {
        self.link.unanswered()
    }

    /// How many events came that no inbound rule names, and so reached nobody.
    pub fn ignored(&self) -> u64 {
        self.link.ignored()
    }

    /// How many events came that an interceptor has dropped or denied. They count as read.
    pub fn refused(&self) -> u64 {
        self.link.refused()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.link.bus().detach(&self.outlet);
        self.link.end();
    }
}

impl Drop for RuleGuard {
    fn drop(&mut self) {
        if let Some(link) = self.link.upgrade() {
            link.remove_rule(self.key);
        }
    }
}

impl PartialEq for Bridge {
    /// Whether both are one bridge.
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.link, &other.link)
    }
}

impl fmt::Debug for BridgeOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("BridgeOptions")
            .field("url", &self.url)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Bridge").field("state", &self.state()).finish_non_exhaustive()
    }
}

impl fmt::Debug for RuleGuard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("RuleGuard").field(&self.key).finish()
    }
}
