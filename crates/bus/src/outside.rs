//! Routes for an executor outside: a host (JavaScript around wasm) for whom a call into the bus costs
//! more than a handler. It may run a compiled route itself if the route has none but its own handlers, as
//! long as it keeps the order: there is one flag that says whether an event is in flight, and one queue.

use std::any::Any;
use std::cell::Cell;

use crate::core::Core;
use crate::slot::{Delivered, Head, Slot, WithHandler};
use crate::{Bus, Event, HandlerResult, Notice, Pattern, Payload, Subscriber, Subscription, Topic};

/// A subscription of the executor outside, under the number by which that knows it.
struct Outside<P: Payload, H> {
    slot: WithHandler<P, H>,
    number: u32,
}

/// What an executor outside has to know of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteOutside {
    /// There are other subscriptions than the executor's own: then only the bus can run the route.
    pub has_others: bool,
    /// A request would be answered.
    pub serves: bool,
}

impl<P: Payload> Subscriber<'_, P> {
    /// Says that the executor outside answers requests by this subscription.
    pub fn serving(mut self) -> Self {
        self.more().serves = true;
        self
    }

    /// Like [`Subscriber::handle`], for a handler that the executor outside also calls itself, by
    /// `number`. `handler` is called where the bus runs the route.
    pub fn outside(
        self,
        number: u32,
        handler: impl Fn(&Event<'_, P>) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        self.insert(|head| {
            std::rc::Rc::new(Outside { slot: WithHandler { head, handler }, number })
        })
    }
}

impl<P: Payload> Bus<P> {
    /// The flag of this bus. Zero says: nothing is in flight, and nobody has to look at events. Then an
    /// executor outside may run a route of its own: it sets the flag to 1, calls the handlers, takes the
    /// lowest bit away again, and calls [`Bus::proceed`] if the flag is not zero then.
    pub fn flag(&self) -> &Cell<u8> {
        self.core.flag()
    }

    /// Has another number after each change of what a topic may resolve to.
    pub fn version(&self) -> &Cell<u32> {
        self.core.version()
    }

    /// Whether each topic that differs from `topic` in its last token only goes to the same subscriptions, as
    /// long as the [version](Self::version) is the same. "No" may be too careful.
    pub fn ignores_last_token(&self, topic: &Topic) -> bool {
        self.core.ignores_last_token(topic)
    }

    /// Gives the events that handlers have published meanwhile their turns.
    pub fn proceed(&self) {
        self.core.proceed();
    }

    /// Puts the numbers of all of the executor's subscriptions to which an event of `topic` goes into
    /// `numbers`, in order.
    ///
    /// Of a topic that is used again and again `keep` makes what the executor keeps of the route; it is
    /// dropped, while the bus is borrowed, as soon as the route does not hold any more.
    pub fn route_outside(
        &self,
        topic: &Topic,
        numbers: &mut Vec<u32>,
        keep: impl FnOnce() -> Box<dyn Any>,
    ) -> RouteOutside {
        let (route, spot) = self.core.route_and_spot(topic);
        if let Some(spot) = spot {
            spot.outside.replace(Some(keep()));
        }
        let mut all = RouteOutside { has_others: false, serves: false };
        for slot in route.iter() {
            match slot.outside() {
                Some(number) => numbers.push(number),
                None => all.has_others = true,
            }
            all.serves |= slot.head().serves();
        }
        all
    }

    /// How many subscriptions are told when others come and go. While it is zero, an executor outside may have
    /// several handlers behind one number.
    pub fn watchers(&self) -> &Cell<usize> {
        self.core.watchers()
    }

    /// Tells that a handler of `pattern` has ended that was not the only one behind its number.
    pub fn ended(&self, pattern: Pattern, label: &str) {
        self.core.tell(Notice::Unsubscribed { pattern, label: label.into() });
    }

    /// Tells that a reader outside was too slow for an event of `topic`, as a full queue does.
    pub fn lost(&self, topic: &Topic, label: &str) {
        self.core.lost(topic, &label.into());
    }

    /// Makes executors outside ask again for the routes of the topics that `pattern` matches.
    pub fn invalidate(&self, pattern: &Pattern) {
        self.core.invalidate(pattern);
    }
}

impl<P: Payload, H: Fn(&Event<'_, P>) -> HandlerResult<P>> Slot<P> for Outside<P, H> {
    fn head(&self) -> &Head<P> {
        &self.slot.head
    }

    fn deliver(&self, core: &Core<P>, event: &Event<'_, P>) -> Delivered {
        self.slot.deliver(core, event)
    }

    fn outside(&self) -> Option<u32> {
        // A member of a queue group is not called for each event.
        self.slot.head.group().is_none().then_some(self.number)
    }
}
