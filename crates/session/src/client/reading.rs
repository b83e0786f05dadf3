//! The reading side: subscribes at the peer to what the application wants, and delivers each event once.

use topic::Pattern;

use super::subscriptions::Turn;
use super::{Client, Delivery, Effect, SubscriptionId, Window};
use crate::wire::frame::{
    CaughtUp, Event, FromClient, Gap, Recipient, Refused, Subscribed, Unsubscribe,
};
use crate::{Body, Millis, Position, Start, Stream};

impl Client {
    /// Subscribes across all connections, until [`Client::unsubscribe`]. The application must report each delivered
    /// event as [taken](Client::taken): the default [`Window`] limits how many may be outstanding.
    pub fn subscribe(&mut self, pattern: Pattern, start: Start) -> SubscriptionId {
        self.subscribe_within(pattern, start, Window::default())
    }

    /// Like [`Client::subscribe`], with another window.
    pub fn subscribe_within(
        &mut self,
        pattern: Pattern,
        start: Start,
        window: Window,
    ) -> SubscriptionId {
        let id = self.subscriptions.insert(pattern, start, window);
        if self.is_online() {
            self.ask(id);
        }
        id
    }

    /// Ends a subscription.
    pub fn unsubscribe(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.subscriptions.remove(id)
            && self.is_online()
        {
            self.send(&FromClient::Unsubscribe(Unsubscribe { subscription }));
        }
    }

    /// The application is done with a [delivered](Effect::Deliver) event of this [size](Delivery::bytes), and has
    /// room for another one.
    pub fn taken(&mut self, subscriptions: &[SubscriptionId], bytes: usize) {
        for id in subscriptions {
            if let Some(grant) = self.subscriptions.took(*id, bytes) {
                self.send(&grant);
            }
        }
    }

    /// Sends the subscription to the peer, starting where it has read to.
    pub(super) fn ask(&mut self, id: SubscriptionId) {
        if let Some(subscribe) = self.subscriptions.ask(id) {
            self.send(&FromClient::Subscribe(subscribe));
        }
    }

    pub(super) fn subscribed(&mut self, frame: Subscribed) {
        let Subscribed { subscription, head, reset, others } = frame;
        if !reset {
            return self.subscriptions.subscribed(subscription, head, others);
        }
        self.reset(subscription, head);
        for head in others {
            self.reset(subscription, head);
        }
        if let Some(id) = self.subscriptions.id(subscription) {
            self.ask(id);
        }
    }

    fn reset(&mut self, subscription: u32, head: Position) {
        let stream = head.stream.clone();
        if let Some(id) = self.subscriptions.reset(subscription, head) {
            self.effects.push_back(Effect::Reset(id, stream));
        }
    }

    pub(super) fn refused(&mut self, frame: Refused) {
        if let Some(id) = self.subscriptions.id(frame.subscription) {
            self.subscriptions.remove(id);
            self.effects.push_back(Effect::Refused(id, frame.code, frame.message));
        }
    }

    pub(super) fn caught_up(&mut self, frame: CaughtUp) {
        if let Some(id) = self.subscriptions.caught_up(frame.subscription, frame.head) {
            self.effects.push_back(Effect::CaughtUp(id));
        }
    }

    pub(super) fn gap(&mut self, frame: Gap) {
        if let Some(id) = self.subscriptions.gap(frame.subscription, &frame.stream, frame.to) {
            let Gap { from, to, stream, .. } = frame;
            self.effects.push_back(Effect::Gap(id, stream, from, to));
        }
    }

    pub(super) fn event(&mut self, mut event: Event, now: Millis) {
        let Ok(topic) = self.connection.topics_in.topic(event.topic, event.name.as_deref()) else {
            return self.out_of_step(now);
        };
        self.pass_on_event(&mut event, topic.as_str());
        if event.recipients.is_empty() {
            return;
        }
        let Ok(body) = Body::decode(&event.body) else { return self.out_of_step(now) };
        let (mut subscriptions, bytes) = (Vec::new(), event.body.len());
        let stream = event.stream;
        let mut place = None;
        for recipient in event.recipients {
            let turn = match event.offset {
                None => self.subscriptions.id(recipient.subscription),
                Some(offset) => {
                    let (turn, epoch) = self.take(recipient, &stream, offset, &body.id);
                    // The others are for another follower.
                    if turn.is_some() {
                        place = Some((offset, epoch));
                    }
                    turn
                }
            };
            if let Some(grant) =
                self.subscriptions.spend(recipient.subscription, bytes, turn.is_some())
            {
                self.send(&grant);
            }
            subscriptions.extend(turn);
        }
        let id = || Some(body.id.clone());
        let position = place.map(|(offset, epoch)| Position { stream, epoch, offset, id: id() });
        if let Some(position) = &position
            && !subscriptions.is_empty()
            && self.is_own(&body.source)
            && let Some(entry) = self.outbox.find(&body.id)
        {
            entry.seen = Some(position.clone());
        }
        if !subscriptions.is_empty() {
            self.effects.push_back(Effect::Deliver(Delivery {
                subscriptions,
                topic,
                body,
                position,
                bytes,
            }));
        }
    }

    /// Takes a logged event for one subscription. If an event before it is missing, subscribes again.
    fn take(
        &mut self,
        recipient: Recipient,
        stream: &Stream,
        offset: u64,
        event_id: &str,
    ) -> (Option<SubscriptionId>, u64) {
        let (turn, epoch) = self.subscriptions.take(recipient, stream, offset, event_id);
        match turn {
            Turn::Next(id) => (Some(id), epoch),
            Turn::Known => (None, epoch),
            Turn::Hole(id) => {
                let subscription = recipient.subscription;
                self.send(&FromClient::Unsubscribe(Unsubscribe { subscription }));
                self.ask(id);
                (None, epoch)
            }
        }
    }
}
