//! Requests: an event that gets one reply, or an immediate error if its topic has no responder.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::event::PendingRequest;
use crate::{
    Bus, Event, HandlerResult, Pattern, Payload, PublishError, Schedule, Subscriber, Subscription,
    Topic,
};

/// Why a request was not published.
#[derive(thiserror::Error)]
pub enum RequestError<P> {
    /// No responder subscribes to its topic.
    #[error("no responder for `{0}`: subscribe one with `respond`, or send the request later")]
    NoResponder(Topic, P),
    /// Publishing it failed.
    #[error(transparent)]
    Publish(#[from] PublishError<P>),
}

/// Why a published request got no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoReply {
    /// The timeout has elapsed.
    #[error("no reply in time: repeat the request, or allow more time")]
    Timeout,
    /// The responder failed, ended, or dropped the [`Reply`].
    #[error(
        "the request was dropped without a reply: see `$bus.error` for a failure of its responder"
    )]
    Dropped,
}

/// A future of the reply. Dropping it cancels the timeout and discards the reply.
#[must_use = "the reply is discarded unless this is awaited"]
pub struct Request<P> {
    exchange: Rc<Exchange<P>>,
    _timer: Box<dyn Any>,
}

/// Replies to one request, now or later. If it is dropped, the request fails with [`NoReply::Dropped`].
#[must_use = "the request fails when this is dropped"]
pub struct Reply<P>(Rc<dyn PendingRequest<P>>);

/// The state that both ends share.
struct Exchange<P> {
    claimed: Cell<bool>,
    outcome: RefCell<Option<Result<P, NoReply>>>,
    /// Whether there was an outcome, even if the future has taken it.
    settled: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

/// The responders' end.
struct ResponderEnd<P>(Rc<Exchange<P>>);

impl<P: Payload> Bus<P> {
    /// Publishes `payload` as a request and returns a future of the reply. Subscribers receive it like any
    /// other event; the first responder replies to it.
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
    /// [`RequestError::NoResponder`] at once, or the error of publishing it.
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
            return Err(RequestError::NoResponder(topic, payload));
        }
        let exchange = Rc::new(Exchange {
            claimed: Cell::new(false),
            outcome: RefCell::new(None),
            settled: Cell::new(false),
            waiting: RefCell::default(),
        });
        let request: Rc<dyn PendingRequest<P>> = Rc::new(ResponderEnd(exchange.clone()));
        self.core.publish_slow(topic, payload, Some(request))?;
        let weak = Rc::downgrade(&exchange);
        let timer = schedule.after(
            timeout,
            Box::new(move || {
                if let Some(exchange) = weak.upgrade() {
                    exchange.settle(Err(NoReply::Timeout));
                }
            }),
        );
        Ok(Request { exchange, _timer: timer })
    }

    /// Replies to the requests whose topic `pattern` matches with the result of `handler`. Events that are
    /// not requests do not reach it.
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
    /// Replies to requests, at once or later: [`Reply::answer`] may be called after the handler has
    /// returned. A request that another responder has claimed does not reach it.
    pub fn respond(
        mut self,
        handler: impl Fn(&Event<'_, P>, Reply<P>) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        self.extras().serves = true;
        self.handle(move |event| match event.request {
            Some(request) if request.claim() => handler(event, Reply(request.clone())),
            _ => Ok(()),
        })
    }
}

impl<P> Reply<P> {
    /// Sends the reply.
    pub fn answer(self, reply: P) {
        self.0.reply(reply);
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

impl<P> PendingRequest<P> for ResponderEnd<P> {
    fn claim(&self) -> bool {
        !self.0.claimed.replace(true)
    }

    fn reply(&self, reply: P) {
        self.0.settle(Ok(reply));
    }
}

impl<P> Drop for ResponderEnd<P> {
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
        let previous = self.exchange.waiting.replace(Some(context.waker().clone()));
        drop(previous);
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
