//! What developer tools ask a bridge: its rules, its outbox and what its link has carried.

use session::client::{SubscriptionState, Window};
use session::{Durability, Position};

use super::{Bridge, Endpoint, LinkCounters};
use crate::Stage;

/// A rule in force, and how far its subscription has read; see [`Bridge::rules`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleStatus {
    /// Its pattern.
    pub pattern: String,
    /// Whether it sends events.
    pub outbound: bool,
    /// Whether it brings events. False if the peer has refused its subscription.
    pub inbound: bool,
    /// Whether local events go to the other tabs.
    pub shared: bool,
    /// How durable events must be stored, or `None` for ephemeral events.
    pub durability: Option<Durability>,
    /// Whether it has brought all events that existed when it began to read.
    pub has_caught_up: bool,
    /// The position of its last event in each stream that it has read.
    pub positions: Vec<Position>,
    /// Its flow control. `None` if the rule brings no events.
    pub credit: Option<Credit>,
}

/// The flow control of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credit {
    /// How many events the peer may still send.
    pub events: u32,
    /// How many bytes.
    pub bytes: u32,
    /// How many events at most; see [`Rule::window`](crate::Rule::window).
    pub max_events: u32,
    /// How many bytes at most.
    pub max_bytes: u32,
}

/// A durable event without an answer; see [`Bridge::outbox`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEvent {
    /// Its id.
    pub id: String,
    /// Its topic.
    pub topic: String,
    /// The size of its body.
    pub bytes: usize,
    /// What it waits for. [`Stage::Sent`] if it may have been sent.
    pub stage: Stage,
    /// When it expires, in milliseconds since 1970.
    pub expires: Option<u64>,
}

impl Bridge {
    /// The rules in force, in the order in which they were added.
    pub fn rules(&self) -> Vec<RuleStatus> {
        self.endpoint.rule_status()
    }

    /// The durable events without an answer, of all tabs that share the outbox, in the order in which they are sent.
    pub fn outbox(&self) -> Vec<OutboxEvent> {
        self.endpoint.outbox()
    }

    /// What this tab has sent and received over its sockets. In a tab that follows another one, that is nothing.
    pub fn counters(&self) -> LinkCounters {
        self.endpoint.link.counters()
    }

    /// Begins to measure how long the peer takes to answer, and returns the last result in milliseconds. `None` before
    /// the first one, while the link is down, and in a tab that follows another one.
    pub fn round_trip(&self) -> Option<u64> {
        self.endpoint.round_trip()
    }
}

impl Endpoint {
    pub(super) fn rule_status(&self) -> Vec<RuleStatus> {
        let state = |id| self.link.subscription_state(id);
        self.rules.borrow().each(|rule, subscription| {
            let state = subscription.and_then(state);
            let credit = state.as_ref().map(credit);
            RuleStatus {
                positions: state.map_or_else(Vec::new, |state| state.positions),
                credit,
                ..rule
            }
        })
    }

    pub(super) fn outbox(&self) -> Vec<OutboxEvent> {
        let mut events = Vec::new();
        self.link.each_unanswered(|row| {
            let stage = match row.number {
                0 => Stage::Queued,
                _ if row.leaving => Stage::Sent,
                _ => Stage::Kept,
            };
            events.push(OutboxEvent {
                id: row.id.clone(),
                topic: row.topic.to_string(),
                bytes: row.body.len(),
                stage,
                expires: row.expires,
            });
        });
        events
    }

    pub(super) fn round_trip(&self) -> Option<u64> {
        let last = self.link.round_trip();
        self.link.drive();
        last
    }
}

fn credit(state: &SubscriptionState) -> Credit {
    let (Window { events, bytes }, most) = (state.credit, state.window);
    Credit { events, bytes, max_events: most.events, max_bytes: most.bytes }
}
