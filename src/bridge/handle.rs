//! The handles of a bridge, which applications hold.

use std::fmt;
use std::rc::{Rc, Weak};

use session::rights::Rights;

use super::{BridgeError, BridgeOptions, Endpoint, LinkState, LinkStatus, Rule};
use crate::bus::Outlet;
use crate::{Bus, Event};

/// A link between a bus and a peer. It connects, and reconnects after growing waits with jitter.
///
/// All tabs of an origin that connect with the same address and identity share one link: one of them leads and has the
/// connection, and when it closes another takes over. Durable events wait in an outbox in IndexedDB, which these tabs
/// share and which survives reloads and crashes. If the browser refuses this (in a private window, on an insecure page,
/// with full storage at the first visit), or does not answer within a second, the tab has its own link and an outbox in
/// memory; [`LinkStatus::storage`] says so. The outcome of an event whose page has closed is reported to the next page,
/// like that of any event it finds in the outbox.
///
/// An event that cannot be written because the disk is full is sent from memory, over a connection of this tab alone
/// and under an identity of its own. It is gone with the page, and the other tabs receive it once it is stored.
/// [`OutboxStorage::Failing`](super::OutboxStorage::Failing) says so, and [`ERROR_TOPIC`](crate::ERROR_TOPIC) reports
/// it once. Events that the tab publishes meanwhile follow it in order. Once all of them are answered, events are
/// written again if there is room. There is no order between these events and those that were written before and have
/// no answer. The latter are sent as ever, except that those written while the link was down wait until the database
/// takes writes again.
///
/// A link that is not shared stops as [`Fenced`](crate::bridge::CloseCode::Fenced) when a newer connection uses its
/// client (a copied profile), so that two pages do not take the connection from each other in turns;
/// [`Bridge::reconnect`] takes it back. Tabs that share a link settle this between them. A client that a copy of its
/// profile fences again and again gets a new identity: events that it may have sent and that have no answer end as
/// uncertain.
///
/// Dropping it closes the link. Durable events without an answer then stay in the outbox, and are sent when a bridge
/// with this address and identity exists again; their receipts do not change any further. If the outbox is in memory
/// they are [rejected](crate::Status::Rejected) as [`Uncertain`](crate::bridge::RejectCode::Uncertain).
#[must_use = "dropping a bridge closes its link"]
pub struct Bridge {
    pub(super) endpoint: Rc<Endpoint>,
    outlet: Rc<dyn Outlet>,
}

/// Keeps a rule in force. Dropping it ends the rule, and the subscription at the peer if no other rule needs it.
#[must_use = "dropping a guard ends its rule"]
pub struct RuleGuard {
    endpoint: Weak<Endpoint>,
    key: u64,
}

impl Bridge {
    /// Starts to connect `bus` to a peer, and returns at once. [`LINK_TOPIC`](super::LINK_TOPIC) reports the state.
    ///
    /// # Errors
    /// [`BridgeError::Address`], [`BridgeError::Sealed`], [`BridgeError::Connected`] and [`BridgeError::NoRandomness`].
    pub fn connect(bus: &Bus, options: BridgeOptions) -> Result<Self, BridgeError> {
        let url = &options.link.url;
        let is_socket = ["ws:", "wss:"].iter().any(|scheme| url.starts_with(scheme));
        if !is_socket {
            return Err(BridgeError::Address(url.clone()));
        }
        if bus.is_sealed() {
            return Err(BridgeError::Sealed);
        }
        if bus.has_outlet_to(url) {
            return Err(BridgeError::Connected(url.clone()));
        }
        let endpoint = Endpoint::new(bus.clone(), options)?;
        let outlet: Rc<dyn Outlet> = endpoint.clone();
        bus.attach(outlet.clone());
        let bridge = Self { endpoint, outlet };
        bridge.endpoint.link.begin();
        Ok(bridge)
    }

    /// Puts a rule in force, until the returned guard is dropped. If several outbound rules match a topic, a durable
    /// one decides. Inbound rules with the same pattern share one subscription, which keeps the start and the window of
    /// the first; overlapping patterns may bring a past event once each.
    ///
    /// # Errors
    /// [`BridgeError::Pattern`] and [`BridgeError::SystemPattern`].
    pub fn rule(&self, rule: Rule) -> Result<RuleGuard, BridgeError> {
        let key = self.endpoint.add_rule(rule)?;
        Ok(RuleGuard { endpoint: Rc::downgrade(&self.endpoint), key })
    }

    /// Connects now: after a stop whose cause the application has resolved (a user has signed in again), to take the
    /// connection back (after [`Fenced`](crate::bridge::CloseCode::Fenced)), or instead of waiting for the next attempt
    /// of a link that is offline (a user presses "Try now"). Any tab that shares the link can call this. It has no
    /// effect on a link that is up or is connecting.
    pub fn reconnect(&self) {
        self.endpoint.link.reconnect();
    }

    /// Cancels the durable event with this id, as [`Receipt::cancel`](crate::Receipt::cancel) does, also if it was
    /// published before the page was loaded or by another tab that shares the outbox. Returns whether it has certainly
    /// not been sent.
    pub fn cancel(&self, id: &str) -> bool {
        self.outlet.cancel(id)
    }

    /// The state of the link.
    pub fn state(&self) -> LinkState {
        self.status().state
    }

    /// The status of the link and its outbox.
    pub fn status(&self) -> LinkStatus {
        self.endpoint.status()
    }

    /// Whether `event` is from this bridge's client: published on this bus, or by another tab that shares the link, or
    /// received from a peer that attests it. Any sender can write anything into its events, but the beginning of the
    /// [source](Event::source) is the peer's.
    pub fn is_own(&self, event: &Event) -> bool {
        event.source().is_empty() || self.endpoint.link.is_own(event.source())
    }

    /// Whose link the peer says this is: an account's name, or `~` and the id of a guest. `None` while the link is
    /// down, and if the peer does not say.
    pub fn subject(&self) -> Option<String> {
        self.status().subject
    }

    /// What the peer lets this client do, so that the application offers nothing that the peer would refuse. `None`
    /// while the link is down. A credential that allows more or less changes the rights: then the status on
    /// [`LINK_TOPIC`](crate::bridge::LINK_TOPIC) is published again.
    ///
    /// ```no_run
    /// use event_driven_kit::bridge::Right;
    /// use event_driven_kit::{Bridge, Pattern};
    ///
    /// fn may_write(bridge: &Bridge, room: &Pattern) -> bool {
    ///     bridge.rights().is_some_and(|rights| rights.cover(Right::Publish, room))
    /// }
    /// ```
    pub fn rights(&self) -> Option<Rights> {
        (self.state() == LinkState::Online).then(|| self.endpoint.link.rights())
    }

    /// The number of durable events without an answer, of all tabs that share the outbox.
    pub fn unanswered(&self) -> usize {
        self.endpoint.link.unanswered()
    }

    /// The number of events that no inbound rule matched, so that no subscriber received them.
    pub fn ignored(&self) -> u64 {
        self.endpoint.ignored.get()
    }

    /// The number of received events that an interceptor has dropped or denied. They count as read.
    pub fn refused(&self) -> u64 {
        self.endpoint.refused.get()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.endpoint.bus.detach(&self.outlet);
        self.endpoint.end();
    }
}

impl Drop for RuleGuard {
    fn drop(&mut self) {
        if let Some(endpoint) = self.endpoint.upgrade() {
            endpoint.remove_rule(self.key);
        }
    }
}

impl PartialEq for Bridge {
    /// Whether both are the same bridge.
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.endpoint, &other.endpoint)
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
