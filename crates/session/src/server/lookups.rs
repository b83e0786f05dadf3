//! The queue of a connection's queries to the store. One is outstanding; the others wait here, bounded in bytes, and
//! are dropped when the subscription ends.

use std::collections::BTreeMap;

use super::{Effect, Server, Ticket};
use crate::Start;

/// The limit on the bytes of positions and patterns that wait to be located. Above it, nothing more is read from the
/// client.
const FULL: usize = 256 << 10;
/// The cost of a query beside its texts.
const ENTRY: usize = 160;

#[derive(Debug, Default)]
pub(super) struct Lookups {
    /// In the order of the requests, because tickets ascend.
    waiting: BTreeMap<Ticket, Effect>,
    /// The outstanding query.
    asked: Option<Ticket>,
    bytes: usize,
    /// The bytes of the queries that wait to be located. The number of subscriptions bounds the rest.
    locating: usize,
}

impl Lookups {
    pub(super) fn push(&mut self, ticket: Ticket, lookup: Effect) {
        self.count(&lookup, usize::wrapping_add);
        self.waiting.insert(ticket, lookup);
    }

    /// Its subscription has ended.
    pub(super) fn drop(&mut self, ticket: Ticket) {
        if let Some(lookup) = self.waiting.remove(&ticket) {
            self.count(&lookup, usize::wrapping_sub);
        }
    }

    pub(super) fn next(&mut self) -> Option<Effect> {
        if self.asked.is_some() {
            return None;
        }
        let (ticket, lookup) = self.waiting.pop_first()?;
        self.count(&lookup, usize::wrapping_sub);
        self.asked = Some(ticket);
        Some(lookup)
    }

    pub(super) fn answered(&mut self, ticket: Ticket) {
        if self.asked == Some(ticket) {
            self.asked = None;
        }
    }

    fn count(&mut self, lookup: &Effect, add: fn(usize, usize) -> usize) {
        let texts = match lookup {
            Effect::Locate { pattern, start: Start::After(positions), .. } => {
                let position = |it: &crate::Position| {
                    ENTRY + it.stream.as_str().len() + it.id.as_ref().map_or(0, String::len)
                };
                pattern.as_str().len() + positions.iter().map(position).sum::<usize>()
            }
            Effect::Locate { pattern, .. }
            | Effect::Read { pattern, .. }
            | Effect::History { pattern, .. } => pattern.as_str().len(),
            _ => 0,
        };
        self.bytes = add(self.bytes, ENTRY + texts);
        if matches!(lookup, Effect::Locate { .. }) {
            self.locating = add(self.locating, ENTRY + texts);
        }
    }
}

impl Server {
    /// Whether the client has requested more than the store has answered. Until then the owner reads no further
    /// message.
    pub fn is_full(&self) -> bool {
        self.lookups.locating > FULL
    }

    /// The bytes of the waiting queries.
    pub fn lookup_bytes(&self) -> usize {
        self.lookups.bytes
    }
}
