//! What a tab asks of its owner.

use topic::Topic;

use crate::{Body, client};

/// What the owner of a [`Tab`](super::Tab) is to do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// As for a [`Client`](client::Client). Answer it to the tab.
    Client(client::Effect),
    /// The same of the [fallback](super::Lane::Fallback), which has a socket of its own and never asks the owner's store. What
    /// happens there is told [the client](super::Tab::client_on).
    Fallback(client::Effect),
    /// Ask for the lock, and wait for it; call [`Tab::lock_granted`](super::Tab::lock_granted).
    RequestLock,
    /// Take the lock from whoever has it, in place of waiting; call [`Tab::lock_granted`](super::Tab::lock_granted).
    StealLock,
    /// Give the lock back, or wait for it no more.
    ReleaseLock,
    /// Say this to all other tabs, which hear it with [`Tab::heard`](super::Tab::heard).
    Post(Vec<u8>),
    /// Another tab has published an event for the tabs.
    FromTab {
        /// Its topic.
        topic: Topic,
        /// Its body.
        body: Body,
        /// It went to the peer too; otherwise it is local.
        ephemeral: bool,
    },
}
