//! The reading side: asks the peer for what the application is subscribed to, and delivers each event
//! once.

use bus::Pattern;

use super::interests::Turn;
use super::{Client, Delivery, Effect, SubscriptionId};
use crate::frame::{
    CaughtUp, Event, FromClient, Gap, Head, Refused, Subscribe, Subscribed, Unsubscribe,
};
use crate::{Body, Millis, Position, Start};

impl Client {
    /// Whether a subscription brings nothing from that place on the log any more: it has read past it.
    pub fn has_passed(&self, subscription: SubscriptionId, place: &Position) -> bool {
        self.interests.has_passed(subscription, place)
    }

    /// Subscribes, over all connections to come, until [`Client::unsubscribe`].
    pub fn subscribe(&mut self, pattern: Pattern, start: Start) -> SubscriptionId {
        let id = self.interests.insert(pattern, start);
        if self.is_online() {
            self.ask(id);
        }
        id
    }

    /// Ends a subscription.
    pub fn unsubscribe(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.interests.remove(id)
            && self.is_online()
        {
            self.send(&FromClient::Unsubscribe(Unsubscribe { subscription }));
        }
    }

    /// Asks the peer for a subscription, from where it has read to.
    pub(super) fn ask(&mut self, id: SubscriptionId) {
        if let Some((subscription, pattern, start)) = self.interests.ask(id) {
            let pattern = pattern.to_string();
            let credit = None;
            self.send(&FromClient::Subscribe(Subscribe { subscription, pattern, start, credit }));
        }
    }

    pub(super) fn subscribed(&mut self, frame: &Subscribed) {
        if !frame.reset {
            return self.interests.subscribed(frame.subscription, &frame.head);
        }
        if let Some(id) = self.interests.reset(frame.subscription) {
            self.effects.push_back(Effect::Reset(id));
            self.ask(id);
        }
    }

    pub(super) fn refused(&mut self, frame: Refused) {
        if let Some(id) = self.interests.id(frame.subscription) {
            self.interests.remove(id);
            self.effects.push_back(Effect::Refused(id, frame.code, frame.message));
        }
    }

    pub(super) fn caught_up(&mut self, frame: CaughtUp) {
        if let Some(id) = self.interests.caught_up(frame.subscription, frame.head) {
            self.effects.push_back(Effect::CaughtUp(id));
        }
    }

    pub(super) fn gap(&mut self, frame: &Gap) {
        if let Some(id) = self.interests.gap(frame.subscription, frame.to) {
            self.effects.push_back(Effect::Gap(id, frame.from, frame.to));
        }
    }

    pub(super) fn event(&mut self, mut event: Event, now: Millis) {
        let Ok(topic) = self.connection.topics_in.topic(event.topic, event.name.as_deref()) else {
            return self.out_of_step(now);
        };
        self.pass_on_event(&mut event, topic.as_str());
        if event.heads.is_empty() {
            return;
        }
        let Ok(body) = Body::decode(&event.body) else { return self.out_of_step(now) };
        let mut subscriptions = Vec::new();
        let mut position = None;
        for head in event.heads {
            match event.offset {
                None => subscriptions.extend(self.interests.id(head.subscription)),
                Some(offset) => {
                    // Others are another guest's.
                    let (Some(id), epoch) = self.take(head, offset, &body.id) else { continue };
                    position = Some(Position { epoch, offset, id: Some(body.id.clone()) });
                    subscriptions.push(id);
                }
            }
        }
        if let Some(position) = &position
            && !subscriptions.is_empty()
            && let Some(entry) = self.outbox.find(&body.id)
            && self.identity.signed(&body.source)
        {
            entry.seen = Some(position.clone());
        }
        if !subscriptions.is_empty() {
            self.effects.push_back(Effect::Deliver(Delivery {
                subscriptions,
                topic,
                body,
                position,
            }));
        }
    }

    /// Takes a logged event for one subscription; where one before it is missing, asks for it again.
    fn take(&mut self, head: Head, offset: u64, event_id: &str) -> (Option<SubscriptionId>, u64) {
        let (turn, epoch) = self.interests.take(head, offset, event_id);
        match turn {
            Turn::Next(id) => (Some(id), epoch),
            Turn::Known => (None, epoch),
            Turn::Hole(id) => {
                let subscription = head.subscription;
                self.send(&FromClient::Unsubscribe(Unsubscribe { subscription }));
                self.ask(id);
                (None, epoch)
            }
        }
    }
}
