//! Outlets of a bus, and the events that are pending there.

use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

use bus::{Pattern, Topic};

use super::{Answer, Bus};
use crate::js::spawn;
use crate::{Event, Payload};

/// An outlet of the bus: a bridge.
pub(crate) trait Outlet {
    /// The address it leads to.
    #[cfg(feature = "bridge")]
    fn url(&self) -> &str;

    /// Takes `event` if a rule matches its topic, or else returns it. A durable event that has not been sent
    /// `within` that time is cancelled.
    fn take(
        &self,
        bus: &Bus,
        topic: &Topic,
        payload: &Payload,
        within: Option<Duration>,
    ) -> Option<Answer>;

    /// Whether a rule sends events of `topic`.
    #[cfg(feature = "npm")]
    fn names(&self, topic: &Topic) -> bool;

    /// Cancels a durable event, and returns whether it can still be cancelled.
    fn cancel(&self, id: &str) -> bool;

    /// What developer tools in JavaScript ask about it.
    #[cfg(feature = "inspect")]
    fn inspect(&self) -> wasm_bindgen::JsValue;

    /// The pending durable events of the topics that match, at their last echoed stage.
    fn pending(&self, pattern: &Pattern) -> Vec<Event>;
}

impl Bus {
    /// Offers an event to the bridges.
    pub(crate) fn send_out(
        &self,
        topic: &Topic,
        payload: &Payload,
        within: Option<Duration>,
    ) -> Option<Answer> {
        if self.0.outlets.borrow().is_empty() {
            return None;
        }
        let outlets = self.0.outlets.borrow().clone();
        outlets.iter().find_map(|outlet| outlet.take(self, topic, payload, within))
    }

    /// Whether an interceptor or a bridge takes part in publishing on `topic`.
    #[cfg(feature = "npm")]
    pub(crate) fn is_overseen(&self, topic: &Topic) -> bool {
        self.0.judges.get().is_some_and(|judges| judges.watch(topic))
            || self.0.outlets.borrow().iter().any(|outlet| outlet.names(topic))
    }

    /// Whether there is any interceptor or bridge.
    #[cfg(feature = "npm")]
    pub(crate) fn has_overseers(&self) -> bool {
        self.0.judges.get().is_some() || !self.0.outlets.borrow().is_empty()
    }

    /// The id of a new subscription with echo.
    pub(crate) fn echo_id(&self) -> NonZeroU32 {
        let id = self.0.next_echo.get();
        self.0.next_echo.set(id.checked_add(1).unwrap_or(NonZeroU32::MIN));
        id
    }

    /// Shows a new subscription with echo the durable events that are pending now, in a microtask and at the stage they
    /// have by then.
    pub(crate) fn show_pending(&self, pattern: &Pattern, to: NonZeroU32) {
        let pending = self.pending(pattern);
        if pending.is_empty() {
            return;
        }
        let (pattern, bus) = (pattern.clone(), Rc::downgrade(&self.0));
        spawn(async move {
            let Some(bus) = bus.upgrade().map(Self) else { return };
            let mut still = bus.pending(&pattern);
            still.retain(|event| pending.iter().any(|one| one.id() == event.id()));
            for event in still {
                bus.0.bus.echo(event.topic().clone(), event, Some(to));
            }
        });
    }

    /// What developer tools ask about the bridges.
    #[cfg(feature = "inspect")]
    pub(crate) fn links(&self) -> wasm_bindgen::JsValue {
        let outlets = self.0.outlets.borrow().clone();
        outlets.iter().map(|outlet| outlet.inspect()).collect::<js_sys::Array>().into()
    }

    fn pending(&self, pattern: &Pattern) -> Vec<Event> {
        self.0.outlets.borrow().iter().flat_map(|outlet| outlet.pending(pattern)).collect()
    }
}
