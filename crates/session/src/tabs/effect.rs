//! What a tab requests from its owner.

use topic::Topic;

use crate::{Body, client};

/// What the owner of a [`Tab`](super::Tab) must do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// An effect of the tab's [`Client`](client::Client). Answer store requests with
    /// [`Tab::answer`](super::Tab::answer).
    Client(client::Effect),
    /// An effect of the [fallback client](super::Lane::Fallback), which has its own socket and never uses the owner's
    /// store. Report what happens on that socket to [`Tab::client_on`](super::Tab::client_on).
    Fallback(client::Effect),
    /// Request the lock and wait for it; then call [`Tab::lock_granted`](super::Tab::lock_granted).
    RequestLock,
    /// Steal the lock instead of waiting; then call [`Tab::lock_granted`](super::Tab::lock_granted).
    StealLock,
    /// Release the lock, or stop waiting for it.
    ReleaseLock,
    /// Post this to all other tabs, which pass it to [`Tab::heard`](super::Tab::heard).
    Post(Vec<u8>),
    /// Another tab has published an ephemeral or local event.
    FromTab {
        /// Its topic.
        topic: Topic,
        /// Its body.
        body: Body,
        /// Whether it went to the peer too. Otherwise it is local.
        ephemeral: bool,
    },
}
