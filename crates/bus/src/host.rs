//! The host executor: code around the bus (JavaScript around wasm) for which a call into the bus costs more
//! than a handler. It may run a compiled route itself if all handlers of the route are its own. The order
//! holds because host and bus share one flag, which says whether an event is in flight, and one queue.

use std::any::Any;
use std::cell::Cell;

use crate::core::Core;
use crate::core::slot::{Delivered, Head, Slot, WithHandler};
use crate::{Bus, Event, HandlerResult, Notice, Pattern, Payload, Subscriber, Subscription, Topic};

/// A subscription of the host executor, and the number by which the host knows it.
struct HostSlot<P: Payload, H> {
    slot: WithHandler<P, H>,
    number: u32,
}

/// What the host executor needs to know about a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostRoute {
    /// The route has subscriptions that are not the host's, so only the bus can run it.
    pub has_others: bool,
    /// The route has a responder for requests.
    pub serves: bool,
}

impl<P: Payload> Subscriber<'_, P> {
    /// Declares that the host executor responds to requests with this subscription.
    pub fn serving(mut self) -> Self {
        self.extras().serves = true;
        self
    }

    /// Like [`Subscriber::handle`], for a handler that the host executor also calls itself, by `number`.
    /// `handler` is called when the bus runs the route.
    pub fn host_handler(
        self,
        number: u32,
        handler: impl Fn(&Event<'_, P>) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        self.insert(|head| {
            std::rc::Rc::new(HostSlot { slot: WithHandler { head, handler }, number })
        })
    }
}

impl<P: Payload> Bus<P> {
    /// The flag of this bus. Zero means that nothing is in flight and nothing observes deliveries. Then the
    /// host executor may run a route of its own: it sets the flag to 1, calls the handlers, clears the
    /// lowest bit, and calls [`Bus::proceed`] if the flag is not zero after that. The host may also set the bits
    /// of the values 16 to 128, so that all events go through the bus.
    pub fn flag(&self) -> &Cell<u8> {
        self.core.flag()
    }

    /// Changes whenever a topic may resolve to other subscriptions than before.
    pub fn version(&self) -> &Cell<u32> {
        self.core.version()
    }

    /// Whether every topic that differs from `topic` only in its last token has the same subscriptions, as
    /// long as the [version](Self::version) is unchanged. May return false although they are the same.
    pub fn ignores_last_token(&self, topic: &Topic) -> bool {
        self.core.ignores_last_token(topic)
    }

    /// Delivers the events that handlers have published in the meantime.
    pub fn proceed(&self) {
        self.core.proceed();
    }

    /// Appends the numbers of the host's subscriptions that receive events of `topic` to `numbers`, in the
    /// order of delivery.
    ///
    /// If the topic is hot, `keep` creates a value that is dropped as soon as the route is invalid. The bus
    /// is borrowed at that moment.
    pub fn host_route(
        &self,
        topic: &Topic,
        numbers: &mut Vec<u32>,
        keep: impl FnOnce() -> Box<dyn Any>,
    ) -> HostRoute {
        let (route, entry) = self.core.route_and_entry(topic);
        if let Some(entry) = entry {
            entry.host.replace(Some(keep()));
        }
        let mut found = HostRoute { has_others: false, serves: false };
        for slot in route.iter() {
            match slot.host_number() {
                Some(number) => numbers.push(number),
                None => found.has_others = true,
            }
            found.serves |= slot.head().serves();
        }
        found
    }

    /// How many subscriptions receive notices. While it is zero, the host executor may put several handlers
    /// behind one number.
    pub fn watchers(&self) -> &Cell<usize> {
        self.core.watchers()
    }

    /// Publishes the notice that one of several handlers behind a number has ended.
    pub fn notify_unsubscribed(&self, pattern: Pattern, label: &str) {
        self.core.notify(Notice::Unsubscribed { pattern, label: label.into() });
    }

    /// Publishes the notice that a slow reader in the host has lost an event of `topic`, as for a full queue.
    pub fn notify_dropped(&self, topic: &Topic, label: &str) {
        self.core.notify_dropped(topic, &label.into());
    }

    /// Makes the host executor ask again for the routes of the topics that `pattern` matches.
    pub fn invalidate(&self, pattern: &Pattern) {
        self.core.invalidate(pattern);
    }
}

impl<P: Payload, H: Fn(&Event<'_, P>) -> HandlerResult<P>> Slot<P> for HostSlot<P, H> {
    fn head(&self) -> &Head<P> {
        &self.slot.head
    }

    fn deliver(&self, core: &Core<P>, event: &Event<'_, P>) -> Delivered {
        self.slot.deliver(core, event)
    }

    fn host_number(&self) -> Option<u32> {
        // Not every event reaches a member of a queue group.
        self.slot.head.group().is_none().then_some(self.number)
    }
}
