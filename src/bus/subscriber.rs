//! The builder of subscriptions.

use std::fmt;
use std::num::NonZeroUsize;

use bus::{Message, Pattern, TopicError, Window};

use super::Bus;
use crate::schedule::Browser;
use crate::{Event, HandlerResult, Overflow, Queue};

pub use bus::Subscription;

/// How a queue group chooses a member; see [`Subscriber::group`].
pub type Balance = bus::Balance<Event>;

/// Builds a subscription; see [`Bus::subscriber`].
#[must_use = "nothing is subscribed until `handle` is called"]
pub struct Subscriber<'a> {
    bus: &'a Bus,
    pattern: &'a str,
    /// Options are set on it at once, so that a module contains only the code of the options it uses.
    pure: Result<bus::Subscriber<'a, Event>, TopicError>,
    priority: i32,
    label: Option<&'a str>,
    echo: bool,
}

impl<'a> Subscriber<'a> {
    pub(crate) fn new(bus: &'a Bus, pattern: &'a str) -> Self {
        let pure = Pattern::parse(pattern).map(|pattern| bus.pure().subscriber(pattern));
        Self { bus, pattern, pure, priority: 0, label: None, echo: false }
    }

    /// Subscriptions with a higher priority receive an event first. The default is 0.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// The name of the subscription in failures and notices. The default is its pattern.
    pub fn label(mut self, label: &'a str) -> Self {
        self.label = Some(label);
        self
    }

    /// Also receives durable events of this bus before the peer has stored them. Events that are already
    /// pending, including those from before a reload or of another tab, follow in a microtask, never inside
    /// this call. Then each event comes at each stage as [`Delivery::Pending`](crate::Delivery::Pending), and
    /// as [`Delivery::Rejected`](crate::Delivery::Rejected) if the peer refuses it. Echo works with
    /// [`handle`](Self::handle) only, and outside groups.
    pub fn echo(mut self) -> Self {
        self.echo = true;
        self
    }

    /// Responds to requests, by a handler of JavaScript.
    #[cfg(feature = "npm")]
    pub(crate) fn serving(mut self) -> Self {
        self.pure = self.pure.map(bus::Subscriber::serving);
        self
    }

    /// Calls `handler` for each event whose topic matches, until the returned subscription is dropped.
    ///
    /// # Errors
    /// A [`TopicError`] if the pattern is not valid.
    pub fn handle(
        self,
        handler: impl Fn(&Event) -> HandlerResult + 'static,
    ) -> Result<Subscription, TopicError> {
        self.handle_by(|pure| pure.handle(move |event| handler(event.payload)))
    }

    /// Like [`handle`](Self::handle), for a handler that JavaScript also calls itself, by `number`.
    #[cfg(feature = "npm")]
    pub(crate) fn host_handler(
        self,
        number: u32,
        handler: impl Fn(&Event) -> HandlerResult + 'static,
    ) -> Result<Subscription, TopicError> {
        self.handle_by(|pure| pure.host_handler(number, move |event| handler(event.payload)))
    }

    fn handle_by(
        self,
        subscribe: impl FnOnce(bus::Subscriber<'a, Event>) -> Subscription,
    ) -> Result<Subscription, TopicError> {
        let (bus, echo) = (self.bus, self.echo);
        let mut pure = self.pure()?;
        let id = echo.then(|| bus.echo_id());
        if let Some(id) = id {
            pure = pure.echo(id);
        }
        let subscription = subscribe(pure);
        if let Some(id) = id {
            bus.show_pending(subscription.pattern(), id);
        }
        Ok(subscription)
    }

    /// Shares events with the other subscriptions in the group `name`: each event reaches one member. The
    /// first member's balance applies as long as the group has members.
    ///
    /// ```no_run
    /// use event_driven_kit::{Balance, Bus};
    ///
    /// let bus = Bus::new();
    /// let worker = bus.subscriber("job.*").group("workers", Balance::round_robin());
    /// let _subscription = worker.handle(|event| {
    ///     println!("{}", event.topic());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), event_driven_kit::TopicError>(())
    /// ```
    pub fn group(mut self, name: &'a str, balance: Balance) -> Self {
        self.pure = self.pure.map(|pure| pure.group(name, balance));
        self
    }

    /// Calls `handler` with the events of one [`Window`] at a time, in order. If the subscription ends before a
    /// batch is complete, the events of that batch are dropped.
    ///
    /// ```no_run
    /// use event_driven_kit::{Bus, Window};
    ///
    /// let bus = Bus::new();
    /// let _subscription = bus.subscriber("pen.moved").batch(Window::frame(), |events| {
    ///     println!("{} points to draw", events.len());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), event_driven_kit::TopicError>(())
    /// ```
    ///
    /// # Errors
    /// A [`TopicError`] if the pattern is not valid.
    pub fn batch(
        self,
        window: Window,
        handler: impl Fn(&[Event]) -> HandlerResult + 'static,
    ) -> Result<Subscription, TopicError> {
        Ok(self.pure()?.batch(window, Browser::schedule(), move |batch| {
            let events: Vec<Event> =
                batch.iter().map(|Message { payload, .. }| payload.clone()).collect();
            let handled = handler(&events);
            // The handler has taken them over.
            events.iter().for_each(Event::let_go);
            handled
        }))
    }

    /// Puts events into a queue of `capacity` events. `overflow` decides what a full queue does.
    ///
    /// ```no_run
    /// use event_driven_kit::{Bus, Overflow};
    /// use futures_util::StreamExt;
    /// use std::num::NonZeroUsize;
    ///
    /// # async fn read() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = Bus::new();
    /// let hundred = const { NonZeroUsize::new(100).unwrap() };
    /// let mut prices = bus.subscriber("price.*").queue(hundred, Overflow::drop_oldest())?;
    /// while let Some(price) = prices.next().await {
    ///     println!("{}: {}", price.topic(), price.data::<f64>()?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A [`TopicError`] if the pattern is not valid.
    pub fn queue(self, capacity: NonZeroUsize, overflow: Overflow) -> Result<Queue, TopicError> {
        Ok(Queue(self.pure()?.queue(capacity, overflow)))
    }

    /// Calls `handler` with the events that are [retained](Bus::retain) now, oldest first, and then with new
    /// ones, without a gap or a duplicate.
    ///
    /// # Errors
    /// A [`TopicError`] if the pattern is not valid.
    pub fn replay(
        self,
        handler: impl Fn(&Event) -> HandlerResult + 'static,
    ) -> Result<Subscription, TopicError> {
        self.handle_by(|pure| pure.replay(&Browser, move |event| handler(event.payload)))
    }

    /// The bus, and the label of the subscription.
    #[cfg(feature = "workers")]
    pub(crate) fn bus_and_label(&self) -> (Bus, std::rc::Rc<str>) {
        (self.bus.clone(), self.label.unwrap_or(self.pattern).into())
    }

    pub(crate) fn pure(self) -> Result<bus::Subscriber<'a, Event>, TopicError> {
        let pure = self.pure?.priority(self.priority);
        Ok(match self.label {
            Some(label) => pure.label(label),
            None => pure,
        })
    }
}

impl fmt::Debug for Subscriber<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Subscriber").field(&self.pattern).finish()
    }
}
