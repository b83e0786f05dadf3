//! The driver: carries out the effects of the machine.

use session::client::{self, Effect};
use session::tabs::{Effect as TabEffect, Lane};
use session::{CloseCode, Millis};

use super::{Link, Port};
use crate::js::{after, monotonic, text_of};

/// The code of a link that this end has closed.
pub(crate) const CLOSED: u16 = 1_000;

/// The longest delay of the timer, in milliseconds.
const LONGEST_TIMER: Millis = 3_600_000;

impl Link {
    /// Carries out the effects of the machine, one by one, with nothing borrowed. If handlers that run meanwhile call
    /// this again, the outer call carries out the new effects.
    pub(crate) fn drive(&self) {
        let Some(port) = self.port.upgrade() else { return };
        if self.driving.replace(true) {
            return;
        }
        loop {
            let next = self.tab.borrow_mut().poll();
            let Some(effect) = next else { break };
            match effect {
                TabEffect::Client(effect) => self.carry_out(effect, Lane::Shared, &*port),
                TabEffect::Fallback(effect) => self.carry_out(effect, Lane::Fallback, &*port),
                TabEffect::RequestLock => self.request_lock(false),
                TabEffect::StealLock => self.request_lock(true),
                TabEffect::FromTab { topic, body, ephemeral } => {
                    port.shared(topic, body, ephemeral);
                }
                TabEffect::Post(message) => {
                    if let Some(sharing) = self.sharing() {
                        sharing.post(&message);
                    }
                }
                TabEffect::ReleaseLock => {
                    if let Some(sharing) = self.sharing() {
                        sharing.release();
                    }
                }
            }
        }
        self.driving.set(false);
        port.idle();
        if self.ended.get() {
            let timer = self.timer.take();
            drop(timer);
        } else {
            self.set_timer();
        }
        if !self.store.is_busy() {
            self.has_written(&*port);
        }
    }

    fn carry_out(&self, effect: Effect, lane: Lane, port: &dyn Port) {
        match effect {
            Effect::Open => self.open(lane),
            Effect::FetchCredential => self.fetch_credential(lane, port),
            #[cfg(feature = "trust")]
            Effect::Prove(request) => self.prove(lane, request),
            #[cfg(feature = "trust")]
            Effect::Sign { id, topic, body } => self.sign(lane, id, topic, body),
            // This page has no key.
            #[cfg(not(feature = "trust"))]
            Effect::Prove(request) => {
                if let Some(client) = self.tab.borrow_mut().client_on(lane, monotonic()) {
                    client.cannot_prove(request.fence);
                }
            }
            #[cfg(not(feature = "trust"))]
            Effect::Sign { id, .. } => {
                if let Some(client) = self.tab.borrow_mut().client_on(lane, monotonic()) {
                    client.cannot_sign(&id);
                }
            }
            Effect::Send(message) => {
                self.count_sent(message.len());
                self.connection(lane).send(message, lane, &self.this);
            }
            Effect::Close(code) => self.connection(lane).close(code),
            Effect::Store(operation) => self.store.run(operation),
            // Reported when the store failed.
            Effect::StoreFailed(_) => {}
            // The peer refuses the events that could not be written. The shared link has its own state.
            Effect::Link(state) if matches!(lane, Lane::Fallback) => {
                if let client::ConnectionState::Stopped { code, reason } = state
                    && code != CLOSED
                {
                    port.outbox_failed(reason);
                }
            }
            Effect::Link(_) if self.fenced.get() || self.ended.get() => {}
            Effect::Link(state) => {
                let fenced = CloseCode::Fenced.code();
                if matches!(state, client::ConnectionState::Stopped { code, .. } if code == fenced)
                {
                    self.fenced.set(self.sharing.borrow().is_none());
                }
                port.state_changed(state);
            }
            // The application has closed the link.
            Effect::Sent(_) | Effect::Requeued(_) if self.ended.get() => {}
            effect => {
                if matches!(effect, Effect::Kept(_)) && !self.store.is_memory() {
                    self.ask_to_persist();
                }
                port.effect(effect);
            }
        }
    }

    fn open(&self, lane: Lane) {
        // A socket that the browser refuses now is refused later, too.
        if let Err(thrown) = self.connection(lane).open(&self.options, lane, &self.this) {
            let code = CloseCode::ProtocolError.code();
            self.report_closed(lane, code, &text_of(&thrown));
        }
    }

    /// Sets the one timer to the machine's deadline. If it fires early it is set again.
    fn set_timer(&self) {
        let Some(deadline) = self.tab.borrow().deadline() else {
            drop(self.timer.take());
            return;
        };
        let now = monotonic();
        if self.timer.borrow().as_ref().is_some_and(|(at, _)| *at <= deadline && *at > now) {
            return;
        }
        let wait = deadline.saturating_sub(now).clamp(1, LONGEST_TIMER);
        let link = self.this.clone();
        let timer = after(wait as u32, move || {
            if let Some(link) = link.upgrade() {
                drop(link.timer.take());
                link.tab.borrow_mut().tick(monotonic());
                link.drive();
            }
        });
        let before = self.timer.replace(Some((now + wait, timer)));
        drop(before);
    }
}
