//! What becomes of events that the store does not take: they go out from memory.
//!
//! While the store fails nobody can give the client that the tabs share another number: two tabs could give
//! the same. So what is not written goes to a client of this tab alone, the fallback, with an identity and a
//! connection of its own and a store that is gone with the page. It reads nothing. What the tab publishes
//! while the fallback holds something goes there too, and does not overtake it; afterwards the store is asked
//! again, and when it takes something the fallback's connection is closed. Between what the store has taken before
//! and what the fallback sends there is no order.

use super::{Effect, Tab};
use crate::Millis;
use crate::client::{self, Client, MemoryOutbox};

/// Whose a socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// The tab's own client, which has one while the tab leads.
    Shared,
    /// The [fallback](Tab::fallback).
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
    /// The client whose socket it is, to be told what happens there: opened, received, closed, and the credential
    /// that was asked for. None: what happens there does not count any more.
    pub fn client_on(&mut self, lane: Lane, now: Millis) -> Option<&mut Client> {
        self.now = now;
        match lane {
            Lane::Shared => self.leads().then_some(&mut self.client),
            Lane::Fallback => self.fallback(),
        }
    }

    /// The client that sends what the store does not take, if there was such an event in this page's life.
    pub fn fallback(&mut self) -> Option<&mut Client> {
        self.fallback.as_mut().map(|fallback| &mut fallback.client)
    }

    /// As [`Client::cancel`].
    pub fn cancel(&mut self, id: &str) -> bool {
        self.client.cancel(id) || self.fallback().is_some_and(|fallback| fallback.cancel(id))
    }

    /// How many durable events wait for an answer: of all tabs that share the store, and those of this tab
    /// that the store did not take.
    pub fn outbox_len(&self) -> usize {
        let fallback = self.fallback.as_ref().map_or(0, |fallback| fallback.client.outbox_len());
        self.client.outbox_len() + fallback
    }

    /// Whether an event that waits for an answer is gone with the page, as the store did not take it.
    pub fn is_in_memory(&self, id: &str) -> bool {
        self.fallback.as_ref().is_some_and(|fallback| fallback.client.outbox().any(|row| row.id == id))
    }

    /// The store has failed: what it did not take goes to the fallback.
    pub(super) fn spill(&mut self) {
        let fallback = self.fallback.get_or_insert_with(|| {
            let (client, store) = self.client.another();
            Box::new(FallbackClient { client, store })
        });
        fallback.client.take_over(&mut self.client);
        self.use_fallback();
    }

    /// Connects the fallback, if it has something to send.
    pub(super) fn use_fallback(&mut self) {
        let takes_part = self.takes_part();
        if let Some(fallback) = &mut self.fallback
            && takes_part
            && fallback.is_used()
        {
            fallback.client.connect(self.now);
        }
    }

    /// Closes the fallback's connection.
    pub(super) fn rest_fallback(&mut self) {
        if let Some(fallback) = self.fallback()
            && !fallback.is_stopped()
        {
            fallback.stop();
        }
    }

    /// What the tab's own client asks for next. While the fallback holds something, no event goes past it into
    /// the store.
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
                effect => return Some(Effect::Fallback(effect)),
            }
        }
    }
}
