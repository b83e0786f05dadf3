//! Events that the store cannot take are sent from memory.
//!
//! While the store fails, no tab may number events of the shared client: two tabs could use the same number. So these
//! events go to a second client, the fallback, which belongs to this tab alone. It has its own identity, its own
//! connection and a store in memory. It only publishes. While the fallback holds events, later events of the tab
//! follow them there, so that none overtakes. Then the store is tried again, and once it takes an event, the
//! fallback's connection is closed. Events that were stored before, and events of the fallback, have no order between
//! them.

use super::{Effect, Tab};
use crate::Millis;
use crate::client::{self, Client, MemoryOutbox, OutboxRow};

/// The sockets of a tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// The socket of the tab's own client, which exists while the tab leads.
    Shared,
    /// The socket of the [fallback client](Tab::fallback).
    Fallback,
}

pub(super) struct FallbackClient {
    client: Client,
    store: MemoryOutbox,
}

impl FallbackClient {
    fn is_used(&self) -> bool {
        self.client.outbox_len() > 0
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        self.client.deadline()
    }
}

impl Tab {
    /// The client that owns the socket. Report to it what happens there: opened, received, closed, and the credential,
    /// the proof and the signatures that it requested. Returns `None` if the socket is no longer in use.
    pub fn client_on(&mut self, lane: Lane, now: Millis) -> Option<&mut Client> {
        self.now = now;
        match lane {
            Lane::Shared => self.leads().then_some(&mut self.client),
            Lane::Fallback => self.fallback(),
        }
    }

    /// The client that sends what the store could not take, if there was such an event during this page's life.
    pub fn fallback(&mut self) -> Option<&mut Client> {
        self.fallback.as_mut().map(|fallback| &mut fallback.client)
    }

    /// See [`Client::cancel`].
    pub fn cancel(&mut self, id: &str) -> bool {
        self.client.cancel(id) || self.fallback().is_some_and(|fallback| fallback.cancel(id))
    }

    /// The number of durable events without an answer: those of all tabs that share the store, and those of this
    /// tab's fallback client.
    pub fn outbox_len(&self) -> usize {
        let fallback = self.fallback.as_ref().map_or(0, |fallback| fallback.client.outbox_len());
        self.client.outbox_len() + fallback
    }

    /// These events, in the order in which each client sends them.
    pub fn outbox(&self) -> impl Iterator<Item = &OutboxRow> {
        let fallback = self.fallback.iter().flat_map(|fallback| fallback.client.outbox());
        self.client.outbox().chain(fallback)
    }

    /// Whether an unanswered event would be lost with the page, because the store could not take it.
    pub fn is_in_memory(&self, id: &str) -> bool {
        self.fallback
            .as_ref()
            .is_some_and(|fallback| fallback.client.outbox().any(|row| row.id == id))
    }

    /// The store has failed: moves the events that it could not take to the fallback client.
    pub(super) fn spill(&mut self) {
        let fallback = self.fallback.get_or_insert_with(|| {
            let (client, store) = self.client.another();
            Box::new(FallbackClient { client, store })
        });
        fallback.client.take_over(&mut self.client);
        self.use_fallback();
    }

    /// Connects the fallback client, if it has something to send and does not connect by itself.
    pub(super) fn use_fallback(&mut self) {
        self.connect_fallback(Client::is_stopped);
    }

    /// Connects the fallback client if it has something to send and `should` says so.
    pub(super) fn connect_fallback(&mut self, should: impl FnOnce(&Client) -> bool) {
        let takes_part = self.takes_part();
        if let Some(fallback) = &mut self.fallback
            && takes_part
            && fallback.is_used()
            && should(&fallback.client)
        {
            fallback.client.connect(self.now);
        }
    }

    /// Closes the connection of the fallback client.
    pub(super) fn rest_fallback(&mut self) {
        if let Some(fallback) = self.fallback()
            && !fallback.is_stopped()
        {
            fallback.stop();
        }
    }

    /// The next effect of the tab's own client. While the fallback client holds events, no event bypasses it into the
    /// store.
    pub(super) fn poll_client(&mut self) -> Option<client::Effect> {
        if let Some(fallback) = &mut self.fallback
            && fallback.is_used()
        {
            fallback.client.take_over(&mut self.client);
        }
        self.client.poll()
    }

    pub(super) fn poll_fallback(&mut self) -> Option<Effect> {
        let fallback = self.fallback.as_mut()?;
        loop {
            match fallback.client.poll()? {
                client::Effect::Store(asked) => {
                    fallback.client.answer(Ok(fallback.store.run(asked)), self.now);
                }
                // The subscriptions of the shared client deliver it. Its row is erased after this.
                client::Effect::Settled { id, outcome, .. } => {
                    let mut rows = fallback.store.saved().rows.iter();
                    let row = rows.find(|row| row.id == id).cloned();
                    let comes = row.is_some_and(|row| self.client.expect(row, &outcome));
                    let settled = client::Effect::Settled { id, outcome, comes };
                    return Some(Effect::Fallback(settled));
                }
                effect => return Some(Effect::Fallback(effect)),
            }
        }
    }
}
