//! Carries out what the machine asks for.

use bus::Topic;
use session::CloseCode;
use session::client::{self, Effect};
use session::tabs::{Effect as TabEffect, Lane};

use super::link::Link;
use super::socket::{LinkConnection, Socket};
use super::{GAP_TOPIC, LINK_TOPIC, LinkState, Role};
use crate::js::text_of;
use crate::{Cause, Delivery, Event, Payload, Stage};

/// The code of a link that was closed from here.
pub(super) const CLOSED: u16 = 1_000;

impl Link {
    /// Carries out what the machine asks for. Handlers that run meanwhile may come back here; then
    /// the outer call does what they have caused.
    pub(super) fn drive(&self) {
        if self.driving.replace(true) {
            return;
        }
        loop {
            let next = self.tab.borrow_mut().poll();
            let Some(effect) = next else { break };
            let lane = if matches!(effect, TabEffect::Fallback(_)) {
                Lane::Fallback
            } else {
                Lane::Shared
            };
            match effect {
                TabEffect::Client(effect) | TabEffect::Fallback(effect) => {
                    self.carry_out(effect, lane)
                }
                TabEffect::RequestLock => self.request_lock(false),
                TabEffect::StealLock => self.request_lock(true),
                TabEffect::FromTab { topic, body, ephemeral } => self.bring(topic, body, ephemeral),
                TabEffect::Post(message) => {
                    if let Some(sharing) = &*self.sharing.borrow() {
                        sharing.post(&message);
                    }
                }
                TabEffect::ReleaseLock => {
                    if let Some(sharing) = &*self.sharing.borrow() {
                        sharing.release();
                    }
                }
            }
        }
        self.driving.set(false);
        self.end_echoes();
        self.report.plays(self.role());
        self.tell();
        if self.ended.get() {
            let timer = self.timer.take();
            drop(timer);
        } else {
            self.set_timer();
        }
        if !self.store.is_busy() {
            self.has_written();
        }
    }

    fn carry_out(&self, effect: Effect, lane: Lane) {
        let LinkConnection { socket, send_queue } = self.connection(lane);
        match effect {
            Effect::Open => self.open(lane),
            Effect::FetchCredential => self.fetch_credential(lane),
            Effect::Store(asked) => self.store.run(asked),
            // Told already.
            Effect::StoreFailed(_) => {}
            Effect::Send(message) => {
                if let Some(socket) = &*socket.borrow() {
                    send_queue.send(socket, message, &self.this);
                }
            }
            Effect::Close(code) => {
                send_queue.forget();
                let closed = socket.take();
                if let Some(socket) = closed {
                    socket.close(code);
                }
            }
            // How the tab's own link is, is told below; but what is refused here goes on no more.
            Effect::Link(client::ConnectionState::Stopped { code, reason })
                if matches!(lane, Lane::Fallback) && code != CLOSED =>
            {
                self.complain("outbox", reason.into());
            }
            Effect::Link(_) if matches!(lane, Lane::Fallback) => {}
            Effect::Link(state) => {
                if self.fenced.get() || self.ended.get() {
                    return;
                }
                let state = LinkState::from(state);
                let fenced = CloseCode::Fenced.code();
                if matches!(state, LinkState::Stopped { code, .. } if code == fenced) {
                    self.fenced.set(self.sharing.borrow().is_none());
                }
                if state != LinkState::Online {
                    self.falls_behind(None);
                }
                self.report.enter(state);
                self.report.plays(self.role());
                self.tell();
            }
            Effect::Deliver(inbound) => {
                self.inbox.push(inbound);
                self.bring_in();
            }
            // At the end nobody is told that an event waits again.
            Effect::Sent(_) | Effect::Requeued(_) if self.ended.get() => {}
            Effect::Sent(id) => self.at_stage(&id, Stage::Sent),
            Effect::Kept(id) => {
                if !self.store.is_memory() {
                    self.report.ask_to_persist(&self.this);
                }
                self.at_stage(&id, Stage::Kept);
            }
            Effect::Requeued(id) => self.at_stage(&id, Stage::Kept),
            Effect::Pending { topic, body } => self.found(topic, body),
            Effect::Settled { id, outcome } => self.settled(&id, outcome),
            Effect::CaughtUp(subscription) => {
                self.inbox.caught_up(subscription);
                self.bring_in();
            }
            Effect::Reset(subscription, _) => self.falls_behind(Some(subscription)),
            Effect::Gap(subscription, stream, from, to) => {
                if let Some(pattern) = self.pattern_of(subscription) {
                    let (from, to) = (from.to_string().into(), to.to_string().into());
                    let stream = stream.as_str().into();
                    let gap = [
                        ("pattern", pattern.into()),
                        ("stream", stream),
                        ("from", from),
                        ("to", to),
                    ];
                    self.report.found_gap();
                    self.announce(GAP_TOPIC, Payload::told(&gap));
                }
            }
            Effect::Refused(subscription, _, message) => {
                let pattern = self.pattern_of(subscription).unwrap_or_default();
                for rule in &mut *self.rules.borrow_mut() {
                    if rule.subscription == Some(subscription) {
                        rule.subscription = None;
                    }
                }
                self.complain(&pattern, message.into());
            }
            Effect::History(request, page) => self.paged(request, page),
            Effect::Occupants(told) => self.tell_occupants(told),
            Effect::NotPresent { topic, message, .. } => self.complain(&topic, message.into()),
        }
    }

    fn open(&self, lane: Lane) {
        match Socket::open(&self.options, lane, &self.this) {
            Ok(socket) => {
                let before = self.connection(lane).socket.replace(Some(socket));
                drop(before);
            }
            // What the browser does not open now it will not open later.
            Err(thrown) => {
                let code = CloseCode::ProtocolError.code();
                self.tell_closed(lane, code, &text_of(&thrown));
            }
        }
    }

    fn role(&self) -> Role {
        match &*self.sharing.borrow() {
            None => Role::Alone,
            Some(_) if self.tab.borrow().leads() => Role::Leader,
            Some(_) => Role::Follower,
        }
    }

    /// Tells how the link is, if that has changed.
    pub(super) fn tell(&self) {
        self.report.holds(self.unanswered());
        self.report.catches_up(self.report.is_online() && self.is_caught_up());
        if let Some(payload) = self.report.news() {
            self.announce(LINK_TOPIC, payload);
        }
    }

    /// Tells on `$bus.error` of what is nobody's publish.
    pub(super) fn complain(&self, label: &str, cause: Cause) {
        if let Ok(topic) = Topic::parse(LINK_TOPIC) {
            self.bus().fail(topic, label, cause);
        }
    }

    pub(super) fn announce(&self, topic: &str, payload: Payload) {
        if let Ok(topic) = Topic::parse(topic) {
            self.bus().announce(Event::new(topic, payload, Delivery::Local));
        }
    }
}
