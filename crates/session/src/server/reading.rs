//! The reading side. A subscription is located in the log, reads its past page by page under its credit, and goes
//! live once it has received everything that was committed, in each stream separately.
//!
//! A live subscription that runs out of credit keeps its position. When credit comes it reads pages until it is live
//! again, without a second caught-up.

use std::sync::Arc;

use topic::{Pattern, Topic};

use super::access::Past;
use super::subscriptions::{Next, Replay, Taken};
use super::{
    ChangedPatterns, Ephemeral, Located, Logged, Page, Query, Rendered, Server, StartPoint,
    StreamNo, Ticket, Wire,
};
use crate::rights::Right;
use crate::wire::encode;
use crate::wire::frame::{
    CaughtUp, Credit, FromPeer, Gap, Recipient, Refused, Subscribe, Subscribed,
};
use crate::{CloseCode, MAX_POSITIONS, Position, RejectCode, Start, Stream};

/// The events that were sent since they were last taken, without those in [runs](Server::send_run). An event counts
/// once for all subscriptions of the connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Events of the log.
    pub durable: u64,
    /// Ephemeral events.
    pub ephemeral: u64,
}

impl Server {
    pub(super) fn subscribe(&mut self, subscribe: Subscribe) {
        let Subscribe { subscription, pattern, start, credit } = subscribe;
        let pattern = match Pattern::parse(&pattern) {
            Ok(pattern) => pattern,
            Err(error) => {
                let (code, message) = (RejectCode::IllegalTopic, error.to_string());
                return self.refuse(subscription, &pattern, code, message);
            }
        };
        let past = match self.check_subscribe(&pattern, &start) {
            Ok(past) => past,
            Err(message) => {
                let code = RejectCode::NotAllowed;
                return self.refuse(subscription, pattern.as_str(), code, message);
            }
        };
        if let Some(message) = self.has_too_many() {
            return self.refuse(subscription, pattern.as_str(), RejectCode::TooMany, message);
        }
        if matches!(&start, Start::After(positions) if positions.len() > MAX_POSITIONS) {
            let message = format!("a subscription starts after at most {MAX_POSITIONS} positions");
            return self.refuse(subscription, pattern.as_str(), RejectCode::TooMany, message);
        }
        let ticket = self.ticket();
        match self.subscriptions.insert(subscription, pattern.clone(), credit, past, ticket) {
            Ok(()) => self.queries.push(ticket, Query::Locate { pattern, start }),
            Err(Taken) => {
                self.close(CloseCode::ProtocolError, "the subscription's number is taken already");
            }
        }
    }

    /// Why the connection cannot have another subscription. The others are not affected, because they may belong to
    /// other tabs.
    pub(super) fn has_too_many(&self) -> Option<String> {
        let most = self.options.max_subscriptions;
        let is_full = self.subscriptions.len() >= most;
        is_full.then(|| format!("a connection may have at most {most} subscriptions"))
    }

    /// Tells the client that a subscription to `pattern` cannot be made, or has ended.
    pub(super) fn refuse(
        &mut self,
        subscription: u32,
        _pattern: &str,
        code: RejectCode,
        message: String,
    ) {
        match self.wire {
            Wire::Frames => {
                self.send(&FromPeer::Refused(Refused { subscription, code, message }));
            }
            #[cfg(feature = "json")]
            Wire::Json => self.refuse_text(_pattern, code, &message),
        }
    }

    pub(super) fn unsubscribe(&mut self, subscription: u32) {
        for ticket in self.subscriptions.remove(subscription) {
            self.queries.drop(ticket);
        }
        self.conflated.forget(subscription);
    }

    /// Handles new credit. Waiting ephemeral events go first, because they are kept nowhere else.
    pub(super) fn credit(&mut self, Credit { subscription, events, bytes }: Credit) {
        self.subscriptions.grant(subscription, events, bytes);
        while let Some((at, event)) = self.conflated.next(subscription)
            && self.subscriptions.takes(subscription, event.body.len())
            && let Some(event) = self.conflated.take(at)
        {
            let recipients = [Recipient { subscription, previous: None }];
            self.event(&event.topic, &recipients, None, &event.body, &event.text);
        }
        for stream in self.subscriptions.waiting(subscription) {
            self.advance(subscription, stream);
        }
    }

    pub(super) fn located(&mut self, ticket: Ticket, located: Located) {
        let Some(subscription) = self.subscriptions.locating(ticket) else { return };
        match located {
            Located::Unavailable => {
                self.close(CloseCode::Unavailable, "the store cannot be used now")
            }
            Located::Reset(heads) => {
                self.say_subscribed(subscription, heads, true);
                self.unsubscribe(subscription);
            }
            Located::At(mut places) => {
                if self.subscriptions.past(subscription) == Some(Past::Forbidden) {
                    places.iter_mut().for_each(StartPoint::skip_past);
                }
                self.subscriptions.start(subscription, &places);
                let gaps: Vec<_> = places.iter().map(|place| place.gap).collect();
                let heads = places.into_iter().map(|StartPoint { head, .. }| head).collect();
                self.say_subscribed(subscription, heads, false);
                for (stream, gap) in gaps.into_iter().enumerate() {
                    self.gap(subscription, stream, gap);
                    self.advance(subscription, stream);
                }
            }
        }
    }

    fn say_subscribed(&mut self, subscription: u32, mut heads: Vec<Position>, reset: bool) {
        // The newest event may be on a topic that the client may not read.
        let reads_all =
            Pattern::parse(">").is_ok_and(|all| self.credential.rights.cover(Right::History, &all));
        if !reads_all {
            heads.iter_mut().for_each(|head| head.id = None);
        }
        if !heads.is_empty() {
            let (head, others) = (heads.remove(0), heads);
            self.send(&FromPeer::Subscribed(Subscribed { subscription, head, reset, others }));
        }
    }

    fn gap(&mut self, subscription: u32, stream: StreamNo, gap: Option<(u64, u64)>) {
        if let Some(gap) = gap
            && let Some((from, to)) = self.subscriptions.gap(subscription, stream, gap)
        {
            let stream = self.name(stream);
            self.send(&FromPeer::Gap(Gap { subscription, from, to, stream }));
        }
    }

    /// Continues a subscription that is not live in this stream.
    fn advance(&mut self, subscription: u32, stream: StreamNo) {
        let ticket = self.ticket();
        let Some(&seen) = self.seen.get(stream) else { return };
        let limit = self.options.page;
        match self.subscriptions.advance(subscription, stream, seen, ticket, limit) {
            Next::Read { pattern, from, limit } => {
                self.queries.push(ticket, Query::Read { stream, pattern, from, limit });
            }
            Next::CaughtUp { count, offset } => {
                let epoch = self.subscriptions.epoch(stream);
                let head = Position { stream: self.name(stream), epoch, offset, id: None };
                self.send(&FromPeer::CaughtUp(CaughtUp { subscription, count, head }));
            }
            Next::Live | Next::Nothing => {}
        }
    }

    fn name(&self, stream: StreamNo) -> Stream {
        self.options.streams.get(stream).cloned().unwrap_or_default()
    }

    pub(super) fn page(&mut self, ticket: Ticket, page: &Page) {
        let Some((subscription, stream)) = self.subscriptions.reading(ticket) else { return };
        self.gap(subscription, stream, page.gap);
        for event in &page.events {
            let (offset, bytes) = (event.offset, event.body.len());
            match self.subscriptions.replay(subscription, stream, offset, bytes) {
                Replay::Tell(recipient) => {
                    let place = Some((stream, offset));
                    self.event(&event.topic, &[recipient], place, &event.body, &event.text);
                }
                Replay::Known => {}
                Replay::NoCredit => return self.advance(subscription, stream),
            }
        }
        self.subscriptions.looked_up_to(subscription, stream, page.next);
        self.advance(subscription, stream);
    }

    /// Feeds committed events: all of a stream, in order, each once. After a hole, live subscriptions read on from
    /// their positions, as after [`Server::lagged`].
    pub fn committed(&mut self, events: &[Arc<Logged>]) {
        let mut recipients = std::mem::take(&mut self.recipients);
        for event in events {
            let Logged { stream, offset, ref topic, ref body, ref text } = **event;
            if self.seen.get(stream).is_none_or(|seen| offset < *seen) {
                continue;
            }
            self.lagged(stream, offset - 1);
            self.seen[stream] = offset + 1;
            recipients.clear();
            self.subscriptions.live(topic, (stream, offset), body.len(), &mut recipients);
            self.event(topic, &recipients, Some((stream, offset)), body, text);
        }
        self.recipients = recipients;
    }

    /// Reports that a stream has committed events up to `head` which the owner does not have at hand. Live
    /// subscriptions fall back to reading pages from the log.
    pub fn lagged(&mut self, stream: StreamNo, head: u64) {
        let Some(seen) = self.seen.get_mut(stream).filter(|seen| head >= **seen) else { return };
        let had_seen = std::mem::replace(seen, head + 1);
        for subscription in self.subscriptions.fall_back(stream, had_seen) {
            self.advance(subscription, stream);
        }
    }

    /// The number of subscriptions, and the size of their patterns in bytes.
    pub fn subscribed(&self) -> (usize, usize) {
        (self.subscriptions.len(), self.subscriptions.bytes())
    }

    /// How the subscribed patterns have changed since the last call. They decide which ephemeral events to feed.
    pub fn changed_patterns(&mut self) -> Option<ChangedPatterns> {
        self.subscriptions.changed_patterns()
    }

    /// Feeds an ephemeral event of another connection.
    pub fn forwarded(&mut self, event: &Ephemeral) {
        if self.is_closed() || self.send_cached(event) {
            return;
        }
        let mut recipients = std::mem::take(&mut self.recipients);
        recipients.clear();
        let Self { subscriptions, conflated, .. } = self;
        let mut all = true;
        subscriptions.ephemeral(&event.topic, event.body.len(), &mut recipients, |subscription| {
            conflated.hold(subscription, event);
            all = false;
        });
        self.event(&event.topic, &recipients, None, &event.body, &event.text);
        if all {
            self.remember_prefix(&event.topic, &recipients);
        }
        self.recipients = recipients;
    }

    /// The number of ephemeral events that were dropped because a receiver had no credit.
    pub fn dropped(&self) -> u64 {
        self.conflated.dropped()
    }

    /// The events that were sent since the last call.
    pub fn take_delivered(&mut self) -> Delivered {
        std::mem::take(&mut self.delivered)
    }

    /// The first offset of a stream that a subscription has still to read from the log, because it is not live.
    pub fn unread(&self, stream: StreamNo) -> Option<u64> {
        self.subscriptions.unread(stream)
    }

    /// Sends an event, with its position unless it is ephemeral.
    fn event(
        &mut self,
        topic: &Topic,
        recipients: &[Recipient],
        place: Option<(StreamNo, u64)>,
        body: &Arc<[u8]>,
        _text: &Rendered,
    ) {
        if recipients.is_empty() || self.is_closed() {
            return;
        }
        match place {
            Some(_) => self.delivered.durable += 1,
            None => self.delivered.ephemeral += 1,
        }
        self.make_room();
        match self.wire {
            Wire::Frames => {
                let (topic, name) = self.topics_out.number(topic);
                if name.is_some() {
                    self.forget();
                }
                let name = name.as_deref();
                let offset = place.map(|(_, offset)| offset);
                let stream = match place {
                    Some((stream, _)) => &self.options.streams[stream],
                    None => &Stream::MAIN,
                };
                encode::event(&mut self.message, topic, name, recipients, offset, body, stream);
                self.cut();
            }
            #[cfg(feature = "json")]
            Wire::Json => self.event_text(topic, recipients, place, body, _text),
        }
    }
}
