//! The reading side: a subscription is located in the log, reads its past page by page, and goes live
//! once it has been told everything that was committed.

use std::sync::Arc;

use bus::{Pattern, Topic};

use super::subscriptions::{Next, Taken};
use super::{Effect, Ephemeral, Located, Logged, Page, Server, Ticket, Wire};
use crate::frame::{CaughtUp, Event, FromPeer, Gap, Head, Refused, Subscribed};
use crate::{CloseCode, RejectCode, Start};

impl Server {
    pub(super) fn subscribe(&mut self, subscription: u32, pattern: &str, start: Start) {
        let pattern = match Pattern::parse(pattern) {
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
        match self.subscriptions.insert(subscription, pattern.clone(), ticket) {
            Ok(()) => self.effects.push_back(Effect::Locate { ticket, pattern, start }),
            Err(Taken) => {
                self.close(CloseCode::ProtocolError, "the subscription's number is taken already");
            }
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
                self.subscriptions.remove(subscription);
            }
            Located::At { next, previous, head, gap } => {
                self.subscriptions.start(subscription, next, previous, &head);
                self.send(&FromPeer::Subscribed(Subscribed { subscription, head, reset: false }));
                if let Some((from, to)) = gap {
                    self.send(&FromPeer::Gap(Gap { subscription, from, to }));
                }
                self.advance(subscription);
            }
        }
    }

    /// Reads on for a subscription that has not reached the live events yet.
    fn advance(&mut self, subscription: u32) {
        let ticket = self.ticket();
        match self.subscriptions.advance(subscription, self.seen, ticket) {
            Next::Read { pattern, from } => {
                let limit = self.options.page;
                self.effects.push_back(Effect::Read { ticket, pattern, from, limit });
            }
            Next::Live { count, head } => {
                self.send(&FromPeer::CaughtUp(CaughtUp { subscription, count, head }));
            }
            Next::Gone => {}
        }
    }

    /// The answer to [`Effect::Read`].
    pub fn page(&mut self, ticket: Ticket, page: &Page) {
        let Some(subscription) = self.subscriptions.reading(ticket) else { return };
        if let Some((from, to)) = page.gap {
            self.send(&FromPeer::Gap(Gap { subscription, from, to }));
        }
        for event in &page.events {
            if let Some(head) = self.subscriptions.replay(subscription, event.offset) {
                self.event(&event.topic, vec![head], Some(event.offset), &event.body);
            }
        }
        self.subscriptions.looked_up_to(subscription, page.next);
        self.advance(subscription);
    }

    /// Events have been committed: all of them, in order, each once.
    pub fn committed(&mut self, events: &[Arc<Logged>]) {
        let seen = self.seen;
        for event in events.iter().filter(|event| event.offset >= seen) {
            self.seen = event.offset + 1;
            let heads = self.subscriptions.live(&event.topic, Some(event.offset));
            if !heads.is_empty() {
                self.event(&event.topic, heads, Some(event.offset), &event.body);
            }
        }
    }

    /// What is subscribed to, if that has changed since the last call: which ephemeral events to bring.
    pub fn interests(&mut self) -> Option<Vec<Pattern>> {
        Some(self.subscriptions.changed()?.cloned().collect())
    }

    /// Another connection has sent an ephemeral event.
    pub fn forwarded(&mut self, event: &Ephemeral) {
        let heads = self.subscriptions.live(&event.topic, None);
        if !heads.is_empty() {
            self.event(&event.topic, heads, None, &event.body);
        }
    }

    fn event(&mut self, topic: &Topic, heads: Vec<Head>, offset: Option<u64>, body: &Arc<[u8]>) {
        match self.wire {
            Wire::Frames => {
                let (topic, name) = self.topics_out.number(topic);
                let body = body.to_vec();
                self.send(&FromPeer::Event(Event { topic, name, heads, offset, body }));
            }
            #[cfg(feature = "json")]
            Wire::Json => self.event_text(topic, &heads, offset, body),
        }
    }
}
