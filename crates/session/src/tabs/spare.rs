//! What becomes of events that the store does not take: they go out from memory.
//!
//! While the store fails nobody can give the client that the tabs share another number: two tabs could give
//! the same. So what is not written goes to a client of this tab alone, the spare, with an identity and a
//! connection of its own and a store that is gone with the page. It reads nothing. What the tab publishes
//! while the spare holds something goes there too, and does not overtake it; afterwards the store is asked
//! again, and when it takes something the spare's connection is closed. Between what the store has taken before
//! and what the spare sends there is no order.

use super::{Effect, Tab};
use crate::Millis;
use crate::client::{self, Client, MemoryOutbox};

/// Whose a socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The tab's own client, which has one while the tab leads.
    Tab,
    /// The [spare](Tab::spare).
    Spare,
}

pub(super) struct Spare {
    client: Client,
    store: MemoryOutbox,
}

impl Spare {
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
    pub fn at_socket(&mut self, of: Of, now: Millis) -> Option<&mut Client> {
        self.now = now;
        match of {
            Of::Tab => self.leads().then_some(&mut self.client),
            Of::Spare => self.spare(),
        }
    }

    /// The client that sends what the store does not take, if there was such an event in this page's life.
    pub fn spare(&mut self) -> Option<&mut Client> {
        self.spare.as_mut().map(|spare| &mut spare.client)
    }

    /// As [`Client::cancel`].
    pub fn cancel(&mut self, id: &str) -> bool {
        self.client.cancel(id) || self.spare().is_some_and(|spare| spare.cancel(id))
    }

    /// How many durable events wait for an answer: of all tabs that share the store, and those of this tab
    /// that the store did not take.
    pub fn outbox_len(&self) -> usize {
        let spare = self.spare.as_ref().map_or(0, |spare| spare.client.outbox_len());
        self.client.outbox_len() + spare
    }

    /// Whether an event that waits for an answer is gone with the page, as the store did not take it.
    pub fn is_in_memory(&self, id: &str) -> bool {
        self.spare.as_ref().is_some_and(|spare| spare.client.outbox().any(|row| row.id == id))
    }

    /// The store has failed: what it did not take goes to the spare.
    pub(super) fn spill(&mut self) {
        let spare = self.spare.get_or_insert_with(|| {
            let (client, store) = self.client.another();
            Box::new(Spare { client, store })
        });
        spare.client.take_over(&mut self.client);
        self.use_spare();
    }

    /// Connects the spare, if it has something to send.
    pub(super) fn use_spare(&mut self) {
        let takes_part = self.takes_part();
        if let Some(spare) = &mut self.spare
            && takes_part
            && spare.is_used()
        {
            spare.client.connect(self.now);
        }
    }

    /// Closes the spare's connection.
    pub(super) fn rest_spare(&mut self) {
        if let Some(spare) = self.spare()
            && !spare.is_stopped()
        {
            spare.stop();
        }
    }

    /// What the tab's own client asks for next. While the spare holds something, no event goes past it into
    /// the store.
    pub(super) fn poll_client(&mut self) -> Option<client::Effect> {
        if let Some(spare) = &mut self.spare
            && spare.is_used()
        {
            spare.client.take_over(&mut self.client);
        }
        self.client.poll()
    }

    pub(super) fn poll_spare(&mut self) -> Option<Effect> {
        let spare = self.spare.as_mut()?;
        loop {
            match spare.client.poll()? {
                client::Effect::Store(asked) => {
                    spare.client.answer(Ok(spare.store.run(asked)), self.now);
                }
                effect => return Some(Effect::Spare(effect)),
            }
        }
    }
}
