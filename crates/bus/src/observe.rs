//! Observing the turns of a bus: which event is delivered, which handler published it, and which handlers it reaches.

use std::fmt;
use std::rc::{Rc, Weak};

use crate::core::Core;
use crate::{Bus, Event, Pattern, Payload};

/// Sees each turn of a bus; see [`Bus::observe`]. It must neither publish nor subscribe.
pub trait Observer<P: Payload> {
    /// The turn of an event begins.
    fn begins(&self, turn: &ObservedTurn<'_, P>) {
        let _ = turn;
    }

    /// A handler is about to be called. If its subscription has just ended, neither the call nor [`Observer::called`]
    /// follows.
    fn calls(&self) {}

    /// The handler that was called last has returned.
    fn called(&self, call: &ObservedCall<'_>) {
        let _ = call;
    }

    /// All handlers have returned. The event has reached this number of subscriptions.
    fn ends(&self, turn: &ObservedTurn<'_, P>, reached: usize) {
        let _ = (turn, reached);
    }
}

/// The turn of an event.
pub struct ObservedTurn<'a, P> {
    /// The event.
    pub event: &'a Event<'a, P>,
    /// The label of the subscription whose handler has published it. `None` if it was published outside handlers.
    pub cause: Option<&'a str>,
    /// Whether it is an [echo](Bus::echo), which may reach no subscription.
    pub is_echo: bool,
}

/// The call of a handler.
#[derive(Debug)]
pub struct ObservedCall<'a> {
    /// The subscription's pattern.
    pub pattern: &'a Pattern,
    /// The subscription's label, which is its pattern by default.
    pub label: &'a str,
    /// Whether the handler has failed.
    pub failed: bool,
}

/// Shows a bus to an observer until it is dropped. Created by [`Bus::observe`].
#[must_use = "the observer sees the bus until this is dropped"]
pub struct Observation<P: Payload> {
    core: Weak<Core<P>>,
    observer: Rc<dyn Observer<P>>,
}

/// A subscription of a bus; see [`Bus::list_subscriptions`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionInfo {
    /// Its pattern.
    pub pattern: Pattern,
    /// Its label, which is its pattern by default.
    pub label: Rc<str>,
    /// Its priority.
    pub priority: i32,
    /// Whether it is a member of a queue group.
    pub in_group: bool,
    /// Whether it responds to requests.
    pub serves: bool,
    /// How many events wait in its queue or are not finished yet. `None` if the subscription does not count them.
    pub pending: Option<usize>,
    /// How many events its full queue has dropped. `None` if it has no queue.
    pub dropped: Option<u64>,
}

impl<P: Payload> Bus<P> {
    /// Shows each turn to `observer`, until the returned observation is dropped.
    ///
    /// Events take a slower path while there is an observer.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// use bus::{Bus, ObservedCall, ObservedTurn, Observer, Topic};
    /// # use bus::{Failure, Payload};
    /// # struct Text(&'static str);
    /// # impl Payload for Text {
    /// #     type Cause = String;
    /// #     fn failure(_: Failure<String>) -> Self { Text("") }
    /// # }
    ///
    /// #[derive(Default)]
    /// struct Causes(RefCell<Vec<String>>);
    /// impl Observer<Text> for Causes {
    ///     fn begins(&self, turn: &ObservedTurn<'_, Text>) {
    ///         let cause = turn.cause.unwrap_or("outside");
    ///         self.0.borrow_mut().push(format!("{} by {cause}", turn.event.topic));
    ///     }
    /// }
    ///
    /// let bus = Bus::<Text>::new(|_| {});
    /// let inside = bus.clone();
    /// let _relay = bus.subscriber("a".try_into()?).label("relay").handle(move |_| {
    ///     let _ = inside.publish("b".try_into().map_err(|_| "")?, Text("again"));
    ///     Ok(())
    /// });
    /// let causes = Rc::new(Causes::default());
    /// let observation = bus.observe(causes.clone());
    /// bus.publish(Topic::parse("a")?, Text("hello"))?;
    /// assert_eq!(*causes.0.borrow(), ["a by outside", "b by relay"]);
    /// drop(observation);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn observe(&self, observer: Rc<dyn Observer<P>>) -> Observation<P> {
        self.core.add_observer(observer.clone());
        Observation { core: Rc::downgrade(&self.core), observer }
    }

    /// All subscriptions, the oldest first.
    pub fn list_subscriptions(&self) -> Vec<SubscriptionInfo> {
        self.core.list_subscriptions()
    }
}

impl<P: Payload> Drop for Observation<P> {
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            core.remove_observer(&self.observer);
        }
    }
}

impl<P: Payload> fmt::Debug for Observation<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Observation")
    }
}

impl<P: fmt::Debug> fmt::Debug for ObservedTurn<'_, P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ObservedTurn")
            .field("event", self.event)
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}
