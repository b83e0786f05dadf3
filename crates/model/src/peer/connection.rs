//! One connection of a peer.

use std::collections::VecDeque;

use session::server::{Query, Server, SocketMessage, Ticket};
use session::{CloseCode, Millis};
use topic::Pattern;

use super::Found;
use crate::store::{ClientId, Store};

/// The maximum number of committed events that are fed at once.
const PAGE: usize = 16;

/// A connection: its server, and what waits for the world.
#[derive(Debug)]
pub struct Connection {
    /// The machine.
    pub server: Server,
    /// The binary messages to the client. Texts and pings are dropped; a world that wants them takes them from
    /// [`Peer::poll`](super::Peer::poll).
    pub sent: VecDeque<Vec<u8>>,
    /// The queries without an answer.
    pub queries: VecDeque<(Ticket, Query)>,
    /// The client that has said hello, and its fencing token.
    pub client: Option<(ClientId, u64)>,
    /// The server has closed the connection.
    pub closed: Option<CloseCode>,
    /// For each stream, the first offset that the server was not fed.
    next: Vec<u64>,
    /// One read at a time.
    is_reading: bool,
    deadline: Option<Millis>,
}

impl Connection {
    pub(super) fn new(server: Server, heads: &[u64]) -> Self {
        Self {
            server,
            sent: VecDeque::new(),
            queries: VecDeque::new(),
            client: None,
            closed: None,
            next: heads.iter().map(|head| head + 1).collect(),
            is_reading: false,
            deadline: None,
        }
    }

    /// The server's deadline, if it has changed since the last call.
    pub fn new_deadline(&mut self) -> Option<Millis> {
        let deadline = Some(self.server.deadline());
        let is_new = self.deadline != deadline;
        self.deadline = deadline;
        deadline.filter(|_| is_new)
    }

    pub(super) fn send(&mut self, message: SocketMessage) {
        if let SocketMessage::Binary(message) = message {
            self.sent.push_back(message);
        }
    }

    pub(super) fn read(&mut self, store: &Store, look_at: impl FnOnce() -> usize) -> Option<Found> {
        if self.is_reading {
            return None;
        }
        let found = self.unread(store).or_else(|| {
            let (ticket, query) = self.queries.pop_front()?;
            let look_at = match query {
                Query::History { .. } => look_at(),
                Query::Locate { .. } | Query::Read { .. } | Query::Tally(_) => usize::MAX,
            };
            Some(Found::Answered(ticket, store.answer(&query, look_at)))
        });
        self.is_reading = found.is_some();
        found
    }

    /// The next committed events that the server was not fed.
    pub(super) fn unread(&self, store: &Store) -> Option<Found> {
        let mut lasts = self.next.iter().zip(store.last_offsets());
        let stream = lasts.position(|(next, last)| *next <= last)?;
        let page = store.page(stream, &Pattern::parse(">").ok()?, self.next[stream], PAGE);
        Some(Found::Committed(stream, page))
    }

    pub(super) fn found(&mut self, found: Found) {
        self.is_reading = false;
        match found {
            Found::Answered(ticket, answer) => self.server.answer(ticket, answer),
            Found::Committed(stream, page) => {
                self.server.committed(&page.events);
                self.next[stream] = page.next.max(self.next[stream]);
            }
        }
    }

    pub(super) fn lag(&mut self, store: &Store) {
        for (stream, last) in store.last_offsets().enumerate() {
            self.next[stream] = last + 1;
            self.server.lagged(stream, last);
        }
    }

    pub(super) fn is_idle(&self, store: &Store) -> bool {
        let mut lasts = self.next.iter().zip(store.last_offsets());
        !self.is_reading && lasts.all(|(next, last)| *next > last)
    }
}
