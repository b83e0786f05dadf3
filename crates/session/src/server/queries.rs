//! Queries to the store. The store answers one at a time; the others wait here, bounded in bytes. A query is dropped
//! when its subscription ends.

use std::collections::BTreeMap;

use super::{Answer, Effect, Query, Server, Ticket};
use crate::Start;

/// With more bytes of positions and patterns that wait to be located, nothing more is read from the client.
const FULL: usize = 256 << 10;
/// The cost of a query beside its texts.
const ENTRY: usize = 160;

#[derive(Debug, Default)]
pub(super) struct Queries {
    /// In the order in which they were pushed, because tickets ascend. In boxes, because an empty map keeps its last
    /// node: 3 kB for each connection otherwise.
    waiting: BTreeMap<Ticket, Box<Query>>,
    /// The one without an answer.
    asked: Option<Ticket>,
    bytes: usize,
    /// How many of these bytes are still to be located. The subscriptions bound the rest.
    locating: usize,
}

impl Queries {
    pub(super) fn push(&mut self, ticket: Ticket, query: Query) {
        self.count(&query, usize::wrapping_add);
        self.waiting.insert(ticket, Box::new(query));
    }

    /// Drops a query whose subscription has ended.
    pub(super) fn drop(&mut self, ticket: Ticket) {
        if let Some(query) = self.waiting.remove(&ticket) {
            self.count(&query, usize::wrapping_sub);
        }
    }

    pub(super) fn next(&mut self) -> Option<Effect> {
        if self.asked.is_some() {
            return None;
        }
        let (ticket, query) = self.waiting.pop_first()?;
        self.count(&query, usize::wrapping_sub);
        self.asked = Some(ticket);
        Some(Effect::Query(ticket, *query))
    }

    pub(super) fn answered(&mut self, ticket: Ticket) {
        if self.asked == Some(ticket) {
            self.asked = None;
        }
    }

    fn count(&mut self, query: &Query, add: fn(usize, usize) -> usize) {
        let texts = match query {
            Query::Locate { pattern, start: Start::After(positions) } => {
                let position = |it: &crate::Position| {
                    ENTRY + it.stream.as_str().len() + it.id.as_ref().map_or(0, String::len)
                };
                pattern.as_str().len() + positions.iter().map(position).sum::<usize>()
            }
            Query::Tally(topics) => {
                let topic = |(topic, after): &(topic::Topic, Option<crate::Position>)| {
                    let stream = after.as_ref().map_or(0, |it| it.stream.as_str().len());
                    ENTRY + topic.as_str().len() + stream
                };
                topics.iter().map(topic).sum()
            }
            Query::Locate { pattern, .. }
            | Query::Read { pattern, .. }
            | Query::History { pattern, .. } => pattern.as_str().len(),
        };
        self.bytes = add(self.bytes, ENTRY + texts);
        if matches!(query, Query::Locate { .. }) {
            self.locating = add(self.locating, ENTRY + texts);
        }
    }
}

impl Server {
    /// Takes the answer to [`Effect::Query`]. An answer that is not awaited, or of another kind than its query, is
    /// ignored.
    pub fn answer(&mut self, ticket: Ticket, answer: Answer) {
        self.queries.answered(ticket);
        match answer {
            Answer::Located(located) => self.located(ticket, located),
            Answer::Page(page) => self.page(ticket, &page),
            Answer::Older(older) => self.older(ticket, &older),
            Answer::Counts(counts) => self.counted(ticket, counts),
        }
    }

    /// Whether the client has asked for more than the store has answered yet, or is being recorded. Until then, the
    /// driver reads no further message.
    pub fn is_full(&self) -> bool {
        self.queries.locating > FULL || self.is_being_recorded()
    }

    /// How many bytes of queries wait here.
    pub fn query_bytes(&self) -> usize {
        self.queries.bytes
    }
}
