//! What is asked of the store, one thing at a time: the rest waits here, bounded in bytes, and what nobody wants
//! any more is dropped.

use std::collections::BTreeMap;

use super::{Effect, Server, Ticket};
use crate::Start;

/// With more bytes of positions and patterns that wait to be located, nothing more is read from the client.
const FULL: usize = 256 << 10;
/// What a look-up costs beside its texts.
const ENTRY: usize = 160;

#[derive(Debug, Default)]
pub(super) struct Lookups {
    /// In the order in which they were asked for, for tickets ascend.
    waiting: BTreeMap<Ticket, Effect>,
    /// The one without an answer.
    asked: Option<Ticket>,
    bytes: usize,
    /// Of those, what is still to be located. The rest is bounded by the subscriptions that stand.
    locating: usize,
}

impl Lookups {
    pub(super) fn push(&mut self, ticket: Ticket, lookup: Effect) {
        self.count(&lookup, usize::wrapping_add);
        self.waiting.insert(ticket, lookup);
    }

    /// The subscription that has asked for it has ended.
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
    /// Whether the client has asked for more than the store has answered yet. While it is so, its owner reads no
    /// further message.
    pub fn is_full(&self) -> bool {
        self.lookups.locating > FULL
    }

    /// How many bytes of questions to the store wait here.
    pub fn lookup_bytes(&self) -> usize {
        self.lookups.bytes
    }
}
