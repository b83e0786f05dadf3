//! Requests and replies: an event that asks gets one answer, or is told at once that nobody serves it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::{
    Bus, Event, HandlerResult, Pattern, Payload, PublishError, Schedule, Subscriber, Subscription,
    Topic,
};

/// A request on its way, as a responder sees it. Dropped by all, it was not answered.
pub(crate) trait Asked<P> {
    /// Takes the request on; false if another responder has.
    fn claim(&self) -> bool;
    /// Gives the reply.
    fn answer(&self, reply: P);
}

/// Why a request was not answered.
#[derive(thiserror::Error)]
pub enum RequestError<P> {
    /// No subscription was made by `respond` for its topic.
    #[error("nobody serves `{0}`: subscribe with `respond`, or ask later")]
    NobodyServes(Topic, P),
    /// It could not be published.
    #[error(transparent)]
    Publish(#[from] PublishError<P>),
}

/// Why a request that was published got no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoReply {
    /// Its time is over.
    #[error("no reply came in time: ask again, or allow more time")]
    Timeout,
    /// The responder failed, ended, or dropped the [`Reply`]; or an interceptor dropped the request.
    #[error(
        "the request was dropped without a reply: see `$bus.error` for a failure of its responder"
    )]
    Dropped,
}

/// The reply to come. Dropped, it is no longer waited for.
#[must_use = "a request does nothing more unless it is awaited"]
pub struct Request<P> {
    exchange: Rc<Exchange<P>>,
    _timer: Box<dyn Any>,
}

/// Answers one request, now or later; dropped, the request fails with [`NoReply::Dropped`].
#[must_use = "dropped, the request fails"]
pub struct Reply<P>(Rc<dyn Asked<P>>);

/// What the two ends share.
struct Exchange<P> {
    claimed: Cell<bool>,
    outcome: RefCell<Option<Result<P, NoReply>>>,
    /// Whether there was an outcome, also when it was taken.
    settled: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

/// The responders' end.
struct Asking<P>(Rc<Exchange<P>>);

impl<P: Payload> Bus<P> {
    /// Publishes `payload` as a request, and answers the reply to come. Subscribers see it as an event
    /// like others; the first of those made by `respond` answers it.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}, time::Duration};
    /// # use bus::{Bus, Failure, Payload, Topic, VirtualTime};
    /// # #[derive(Debug, PartialEq)]
    /// # struct Number(u64);
    /// # impl Payload for Number {
    /// #     type Cause = String;
    /// #     fn failure(_: Failure<String>) -> Self { Number(0) }
    /// # }
    /// let bus = Bus::<Number>::new(|_| {});
    /// let _doubles = bus.respond("double".try_into()?, |event| Ok(Number(event.payload.0 * 2)));
    /// let time = VirtualTime::new();
    /// let second = Duration::from_secs(1);
    /// let reply = bus.request(Topic::parse("double")?, Number(21), second, &*time)?;
    /// # let mut context = Context::from_waker(Waker::noop());
    /// # let reply = pin!(reply).poll(&mut context);
    /// # let reply = match reply { Poll::Ready(reply) => reply, Poll::Pending => panic!() };
    /// assert_eq!(reply, Ok(Number(42))); // after `reply.await`
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RequestError::NobodyServes`] at once, or why it was not published.
    pub fn request(
        &self,
        topic: Topic,
        payload: P,
        timeout: Duration,
        schedule: &dyn Schedule,
    ) -> Result<Request<P>, RequestError<P>> {
        if topic.is_system() {
            return Err(PublishError::SystemTopic(topic, payload).into());
        }
        if !self.core.is_served(&topic) {
            return Err(RequestError::NobodyServes(topic, payload));
        }
        let exchange = Rc::new(Exchange {
            claimed: Cell::new(false),
            outcome: RefCell::new(None),
            settled: Cell::new(false),
            waiting: RefCell::default(),
        });
        let asked: Rc<dyn Asked<P>> = Rc::new(Asking(exchange.clone()));
        self.core.publish_otherwise(topic, payload, Some(asked))?;
        let late = Rc::downgrade(&exchange);
        let timer = schedule.after(
            timeout,
            Box::new(move || {
                if let Some(exchange) = late.upgrade() {
                    exchange.settle(Err(NoReply::Timeout));
                }
            }),
        );
        Ok(Request { exchange, _timer: timer })
    }

    /// Answers the requests whose topic `pattern` matches with what `handler` makes of them. Events that
    /// are no requests do not reach it.
    pub fn respond(
        &self,
        pattern: Pattern,
        handler: impl Fn(&Event<'_, P>) -> Result<P, P::Cause> + 'static,
    ) -> Subscription {
        self.subscriber(pattern).respond(move |event, reply| {
            reply.answer(handler(event)?);
            Ok(())
        })
    }
}

impl<P: Payload> Subscriber<'_, P> {
    /// Answers requests, at once or later: [`Reply::answer`] may be called when the handler has
    /// returned. A request that another responder has taken does not reach it.
    pub fn respond(
        mut self,
        handler: impl Fn(&Event<'_, P>, Reply<P>) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        self.more().serves = true;
        self.handle(move |event| match event.asked {
            Some(asked) if asked.claim() => handler(event, Reply(asked.clone())),
            _ => Ok(()),
        })
    }
}

impl<P> Reply<P> {
    /// Answers the request.
    pub fn answer(self, reply: P) {
        self.0.answer(reply);
    }
}

impl<P> Exchange<P> {
    fn settle(&self, outcome: Result<P, NoReply>) {
        if self.settled.replace(true) {
            return;
        }
        self.outcome.replace(Some(outcome));
        let waiting = self.waiting.take();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

impl<P> Asked<P> for Asking<P> {
    fn claim(&self) -> bool {
        !self.0.claimed.replace(true)
    }

    fn answer(&self, reply: P) {
        self.0.settle(Ok(reply));
    }
}

impl<P> Drop for Asking<P> {
    fn drop(&mut self) {
        self.0.settle(Err(NoReply::Dropped));
    }
}

impl<P> Future for Request<P> {
    type Output = Result<P, NoReply>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = self.exchange.outcome.take();
        if let Some(outcome) = outcome {
            return Poll::Ready(outcome);
        }
        let before = self.exchange.waiting.replace(Some(context.waker().clone()));
        drop(before);
        Poll::Pending
    }
}

impl<P> fmt::Debug for RequestError<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl<P> fmt::Debug for Request<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Request").field("settled", &self.exchange.settled).finish()
    }
}

impl<P> fmt::Debug for Reply<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Reply")
    }
}
