//! The subscriptions of a client across all its connections, and their positions.

use topic::{Pattern, Topic};

use super::credit::{Credit, Window};
use crate::wire::frame::{self, FromClient, Recipient, Subscribe};
use crate::{Position, Start, Stream};

/// How far a subscription has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionState {
    /// Its position in each stream of which it has read an event.
    pub positions: Vec<Position>,
    /// What the peer may still send on this connection.
    pub credit: Window,
    /// What it may send at most.
    pub window: Window,
}

/// Identifies a subscription of a [`Client`](super::Client) across all its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(u64);

#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// By ascending ids.
    by_id: Vec<(SubscriptionId, Subscription)>,
    next_id: u64,
    /// Numbers on the wire are not reused within a connection.
    next_number: u32,
}

#[derive(Debug)]
struct Subscription {
    pattern: Pattern,
    /// Where to start without a position.
    start: Start,
    /// The position in each known stream, at [`UNKNOWN`] before the first event.
    positions: Vec<Position>,
    /// Its number on this connection.
    number: Option<u32>,
    /// The number of streams that it has not caught up with on this connection.
    behind: usize,
    credit: Credit,
}

/// The offset of a position before the first event. No event has it.
const UNKNOWN: u64 = u64::MAX;

/// How an event relates to a subscription.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It follows the last one.
    Next(SubscriptionId),
    /// It is known already, or the subscription has ended.
    Known,
    /// An event before it is missing.
    Hole(SubscriptionId),
}

impl Subscriptions {
    pub(super) fn insert(
        &mut self,
        pattern: Pattern,
        start: Start,
        window: Window,
    ) -> SubscriptionId {
        self.next_id += 1;
        let id = SubscriptionId(self.next_id);
        // If these positions turn out to be invalid, the subscription starts at the oldest event.
        let (start, positions) = match start {
            Start::After(positions) => (Start::Earliest, positions),
            start => (start, Vec::new()),
        };
        let credit = Credit::new(window);
        let subscription =
            Subscription { pattern, start, positions, number: None, behind: 0, credit };
        self.by_id.push((id, subscription));
        id
    }

    /// Removes it, and returns its number on this connection.
    pub(super) fn remove(&mut self, id: SubscriptionId) -> Option<u32> {
        let at = self.at(id)?;
        self.by_id.remove(at).1.number
    }

    pub(super) fn ids(&self) -> Vec<SubscriptionId> {
        self.by_id.iter().map(|(id, _)| *id).collect()
    }

    /// How far a subscription has read.
    pub(super) fn state(&self, id: SubscriptionId) -> Option<SubscriptionState> {
        let (_, subscription) = &self.by_id[self.at(id)?];
        let (credit, window) = subscription.credit.state();
        Some(SubscriptionState { positions: subscription.positions(), credit, window })
    }

    /// Whether a subscription matches the topic.
    pub(super) fn match_topic(&self, topic: &Topic) -> bool {
        self.by_id.iter().any(|(_, subscription)| subscription.pattern.matches(topic))
    }

    /// Whether each subscription that matches the topic has read past a position.
    pub(super) fn have_passed(&self, topic: &Topic, position: &Position) -> bool {
        let mut all = self.by_id.iter().map(|(_, subscription)| subscription);
        all.all(|one| one.has_passed(position) || !one.pattern.matches(topic))
    }

    /// The frame that subscribes `id` at the peer.
    pub(super) fn ask(&mut self, id: SubscriptionId) -> Option<Subscribe> {
        let at = self.at(id)?;
        let number = self.next_number();
        let (_, subscription) = &mut self.by_id[at];
        subscription.number = Some(number);
        let positions = subscription.positions();
        let start = match positions.is_empty() {
            true => subscription.start.clone(),
            false => Start::After(positions),
        };
        Some(Subscribe {
            subscription: number,
            pattern: subscription.pattern.to_string(),
            start,
            credit: Some(subscription.credit.begin()),
        })
    }

    /// Counts an event; the application must take it if it is `held`. Returns the credit to grant.
    pub(super) fn spend(
        &mut self,
        subscription: u32,
        bytes: usize,
        held: bool,
    ) -> Option<FromClient> {
        let (_, subscription) = self.of(subscription)?;
        subscription.credit.spend(bytes, held);
        subscription.grant()
    }

    /// The application has taken an event. Returns the credit to grant, if the peer has the subscription.
    pub(super) fn took(&mut self, id: SubscriptionId, bytes: usize) -> Option<FromClient> {
        let at = self.at(id)?;
        let (_, subscription) = &mut self.by_id[at];
        subscription.credit.take(bytes);
        subscription.grant()
    }

    /// Returns a number that was not used on this connection.
    pub(super) fn next_number(&mut self) -> u32 {
        self.next_number += 1;
        self.next_number
    }

    /// Makes the numbers of this connection follow this one.
    pub(super) fn start_at(&mut self, number: u32) {
        self.next_number = number;
    }

    pub(super) fn disconnected(&mut self) {
        self.next_number = 0;
        for (_, subscription) in &mut self.by_id {
            subscription.number = None;
        }
    }

    /// The peer has made the subscription, and these are the heads of its streams. A subscription that starts there
    /// now has a position.
    pub(super) fn subscribed(&mut self, number: u32, head: Position, others: Vec<Position>) {
        let Some((_, subscription)) = self.of(number) else { return };
        subscription.behind = 1 + others.len();
        let is_new = subscription.positions.iter().all(|position| position.offset == UNKNOWN);
        let starts = is_new && matches!(subscription.start, Start::Latest);
        subscription.hear_of(head, starts);
        for head in others {
            subscription.hear_of(head, starts);
        }
    }

    /// Forgets the invalid position in a stream, so that the subscription starts anew there. A subscription to new
    /// events continues at the head, if there is an event: without a position the peer would start at the stream's
    /// first event.
    pub(super) fn reset(&mut self, number: u32, head: Position) -> Option<SubscriptionId> {
        let (id, subscription) = self.of(number)?;
        let goes_on = matches!(subscription.start, Start::Latest) && head.offset > 0;
        let position = subscription.position(&head.stream)?;
        *position = head;
        if !goes_on {
            (position.offset, position.id) = (UNKNOWN, None);
        }
        Some(id)
    }

    /// The past of a stream has been delivered. Returns the subscription, if this was its last stream.
    pub(super) fn caught_up(&mut self, number: u32, head: Position) -> Option<SubscriptionId> {
        let (id, subscription) = self.of(number)?;
        match subscription.position(&head.stream) {
            Some(position) if position.offset != UNKNOWN && position.offset >= head.offset => {}
            Some(position) => *position = head,
            None => subscription.positions.push(head),
        }
        subscription.behind = subscription.behind.saturating_sub(1);
        (subscription.behind == 0).then_some(id)
    }

    /// The event after a gap names the gap's last offset as its predecessor.
    pub(super) fn gap(&mut self, number: u32, stream: &Stream, to: u64) -> Option<SubscriptionId> {
        let (id, subscription) = self.of(number)?;
        let position = subscription.position(stream)?;
        (position.offset, position.id) = (to, None);
        Some(id)
    }

    pub(super) fn id(&mut self, number: u32) -> Option<SubscriptionId> {
        self.of(number).map(|(id, _)| id)
    }

    /// Advances a subscription to a logged event, and returns how the event relates to it, with the epoch.
    pub(super) fn take(
        &mut self,
        recipient: Recipient,
        stream: &Stream,
        offset: u64,
        event_id: &str,
    ) -> (Turn, u64) {
        let Some((id, subscription)) = self.of(recipient.subscription) else {
            return (Turn::Known, 0);
        };
        // The peer names all streams before it sends events from them.
        let Some(position) = subscription.position(stream) else {
            return (Turn::Hole(id), 0);
        };
        if position.offset != UNKNOWN {
            if offset <= position.offset {
                return (Turn::Known, position.epoch);
            }
            if Some(position.offset) != recipient.previous {
                return (Turn::Hole(id), position.epoch);
            }
        }
        (position.offset, position.id) = (offset, Some(event_id.to_owned()));
        (Turn::Next(id), position.epoch)
    }

    fn at(&self, id: SubscriptionId) -> Option<usize> {
        self.by_id.binary_search_by_key(&id, |(id, _)| *id).ok()
    }

    fn of(&mut self, number: u32) -> Option<(SubscriptionId, &mut Subscription)> {
        let mut all = self.by_id.iter_mut();
        all.find(|(_, subscription)| subscription.number == Some(number))
            .map(|(id, subscription)| (*id, subscription))
    }
}

impl Subscription {
    /// Whether it has read past a position, or reads another log.
    fn has_passed(&self, position: &Position) -> bool {
        self.positions.iter().any(|at| {
            at.stream == position.stream
                && at.offset != UNKNOWN
                && (at.epoch != position.epoch || at.offset >= position.offset)
        })
    }

    fn position(&mut self, stream: &Stream) -> Option<&mut Position> {
        self.positions.iter_mut().find(|position| position.stream == *stream)
    }

    /// Records the head of a stream. If the subscription `starts` there, the head is its position.
    fn hear_of(&mut self, head: Position, starts: bool) {
        match self.position(&head.stream) {
            Some(position) if !starts => position.epoch = head.epoch,
            Some(position) => *position = head,
            None => {
                let offset = if starts { head.offset } else { UNKNOWN };
                self.positions.push(Position { offset, ..head });
            }
        }
    }

    fn positions(&self) -> Vec<Position> {
        self.positions.iter().filter(|position| position.offset != UNKNOWN).cloned().collect()
    }

    fn grant(&mut self) -> Option<FromClient> {
        let subscription = self.number?;
        let (events, bytes) = self.credit.top_up()?;
        Some(FromClient::Credit(frame::Credit { subscription, events, bytes }))
    }
}
