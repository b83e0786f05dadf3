//! The reading side: a subscription is located in the log, reads its past page by page under its credit,
//! and goes live once it has been told everything that was committed.
//!
//! One that runs out of credit while it is live keeps its position, reads on by pages when credit comes,
//! and is live again without a second caught-up.

use std::sync::Arc;

use bus::{Pattern, Topic};

use super::subscriptions::{Next, Replay, Taken};
use super::{Effect, Ephemeral, Located, Logged, Page, Server, Ticket, Wire};
use crate::frame::{CaughtUp, Credit, FromPeer, Gap, Head, Refused, Subscribe, Subscribed};
use crate::{CloseCode, RejectCode, encode};

impl Server {
    pub(super) fn subscribe(&mut self, subscribe: Subscribe) {
        let Subscribe { subscription, pattern, start, credit } = subscribe;
        let pattern = match Pattern::parse(&pattern) {
            Ok(pattern) => pattern,
            Err(error) => {
                let message = error.to_string();
                return self.send(&FromPeer::Refused(Refused {
                    subscription,
                    code: RejectCode::IllegalTopic,
                    message,
                }));
            }
        };
        if self.subscriptions.len() >= self.options.max_subscriptions {
            let message =
                format!("a connection may have {} subscriptions", self.options.max_subscriptions);
            return self.close(CloseCode::TooManySubscriptions, &message);
        }
        let ticket = self.ticket();
        match self.subscriptions.insert(subscription, pattern.clone(), credit, ticket) {
            Ok(()) => self.effects.push_back(Effect::Locate { ticket, pattern, start }),
            Err(Taken) => {
                self.close(CloseCode::ProtocolError, "the subscription's number is taken already");
            }
        }
    }

    pub(super) fn unsubscribe(&mut self, subscription: u32) {
        self.subscriptions.remove(subscription);
        self.conflated.forget(subscription);
    }

    /// The receiver can take more: first what is newest and kept nowhere else.
    pub(super) fn credit(&mut self, Credit { subscription, events, bytes }: Credit) {
        self.subscriptions.grant(subscription, events, bytes);
        while let Some((at, event)) = self.conflated.next(subscription)
            && self.subscriptions.takes(subscription, event.body.len())
            && let Some(event) = self.conflated.take(at)
        {
            let heads = [Head { subscription, previous: None }];
            self.event(&event.topic, &heads, None, &event.body);
        }
        if self.subscriptions.waits(subscription) {
            self.advance(subscription);
        }
    }

    /// The answer to [`Effect::Locate`].
    pub fn located(&mut self, ticket: Ticket, located: Located) {
        let Some(subscription) = self.subscriptions.locating(ticket) else { return };
        match located {
            Located::Unavailable => {
                self.close(CloseCode::Unavailable, "the store cannot be used now")
            }
            Located::Reset(head) => {
                self.send(&FromPeer::Subscribed(Subscribed { subscription, head, reset: true }));
                self.unsubscribe(subscription);
            }
            Located::At { next, previous, head, gap } => {
                let next = gap.map_or(next, |(from, _)| from);
                self.subscriptions.start(subscription, next, previous, &head);
                self.send(&FromPeer::Subscribed(Subscribed { subscription, head, reset: false }));
                self.gap(subscription, gap);
                self.advance(subscription);
            }
        }
    }

    fn gap(&mut self, subscription: u32, gap: Option<(u64, u64)>) {
        let told = gap.and_then(|(from, to)| self.subscriptions.gap(subscription, from, to));
        if let Some((from, to)) = told {
            self.send(&FromPeer::Gap(Gap { subscription, from, to }));
        }
    }

    /// Reads on for a subscription that has not reached the live events.
    fn advance(&mut self, subscription: u32) {
        let ticket = self.ticket();
        match self.subscriptions.advance(subscription, self.seen, ticket, self.options.page) {
            Next::Read { pattern, from, limit } => {
                self.effects.push_back(Effect::Read { ticket, pattern, from, limit });
            }
            Next::CaughtUp { count, head } => {
                self.send(&FromPeer::CaughtUp(CaughtUp { subscription, count, head }));
            }
            Next::Nothing => {}
        }
    }

    /// The answer to [`Effect::Read`].
    pub fn page(&mut self, ticket: Ticket, page: &Page) {
        let Some(subscription) = self.subscriptions.reading(ticket) else { return };
        self.gap(subscription, page.gap);
        for event in &page.events {
            match self.subscriptions.replay(subscription, event.offset, event.body.len()) {
                Replay::Tell(head) => {
                    self.event(&event.topic, &[head], Some(event.offset), &event.body);
                }
                Replay::Told => {}
                Replay::NoCredit => return self.advance(subscription),
            }
        }
        self.subscriptions.looked_up_to(subscription, page.next);
        self.advance(subscription);
    }

    /// Events have been committed: all of them, in order, each once. Where some are missing they may be
    /// gone from the log: what is live then reads on from its position, as after [`Server::lagged`].
    pub fn committed(&mut self, events: &[Arc<Logged>]) {
        let mut heads = std::mem::take(&mut self.heads);
        for event in events {
            if event.offset < self.seen {
                continue;
            }
            if event.offset > self.seen {
                self.lagged(event.offset - 1);
            }
            self.seen = event.offset + 1;
            heads.clear();
            self.subscriptions.live(&event.topic, event.offset, event.body.len(), &mut heads);
            self.event(&event.topic, &heads, Some(event.offset), &event.body);
        }
        self.heads = heads;
    }

    /// More was committed than its owner has at hand, up to the offset `head`: what is live reads on by
    /// pages, each subscription what it matches, until it has caught up.
    pub fn lagged(&mut self, head: u64) {
        let seen = self.seen;
        if head < seen {
            return;
        }
        self.seen = head + 1;
        for subscription in self.subscriptions.fall_back(seen) {
            self.advance(subscription);
        }
    }

    /// What is subscribed to, if that has changed since the last call: which ephemeral events to bring.
    pub fn interests(&mut self) -> Option<Vec<Pattern>> {
        Some(self.subscriptions.changed()?.cloned().collect())
    }

    /// Another connection has sent an ephemeral event.
    pub fn forwarded(&mut self, event: &Ephemeral) {
        if self.is_closed() || self.send_again(event) {
            return;
        }
        let mut heads = std::mem::take(&mut self.heads);
        heads.clear();
        let Self { subscriptions, conflated, .. } = self;
        let mut all = true;
        subscriptions.ephemeral(&event.topic, event.body.len(), &mut heads, |subscription| {
            conflated.hold(subscription, event);
            all = false;
        });
        self.event(&event.topic, &heads, None, &event.body);
        if all {
            self.note(&event.topic, &heads);
        }
        self.heads = heads;
    }

    /// How many ephemeral events were dropped because a receiver had no credit for them.
    pub fn dropped(&self) -> u64 {
        self.conflated.dropped()
    }

    fn event(&mut self, topic: &Topic, heads: &[Head], offset: Option<u64>, body: &Arc<[u8]>) {
        if heads.is_empty() || self.is_closed() {
            return;
        }
        match self.wire {
            Wire::Frames => {
                let (topic, name) = self.topics_out.number(topic);
                if name.is_some() {
                    self.forget();
                }
                let name = name.as_deref();
                encode::event(&mut self.message, topic, name, heads, offset, body);
                self.cut();
            }
            #[cfg(feature = "json")]
            Wire::Json => self.event_text(topic, heads, offset, body),
        }
    }
}
