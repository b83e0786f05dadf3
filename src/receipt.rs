//! What a publish returns: which event it was, and what becomes of it.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use session::Position;

use crate::{Delivery, Event, Rejection, Stage};

/// Follows a published event. It may be dropped; the event goes its way.
#[derive(Clone)]
pub struct Receipt {
    event: Event,
    /// Of a durable event.
    settlement: Option<Rc<Settlement>>,
    dropped: bool,
}

/// How far a published event has come.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// It is local or ephemeral: nothing further becomes of it.
    Delivered,
    /// An interceptor has dropped it: nothing further becomes of it either.
    Dropped,
    /// In the outbox.
    Queued,
    /// Sent, and not answered.
    Sent,
    /// In the peer's log, there.
    Stored(Position),
    /// Refused, for good.
    Rejected(Rejection),
}

/// The state that a receipt and a bridge share.
pub(crate) struct Settlement {
    status: RefCell<Status>,
    /// Told when the status is final.
    waiting: RefCell<Vec<Waiting>>,
}

type Waiting = Box<dyn FnOnce(&Status)>;

impl Receipt {
    pub(crate) fn delivered(event: Event) -> Self {
        Self { event, settlement: None, dropped: false }
    }

    pub(crate) fn durable(event: Event, settlement: Rc<Settlement>) -> Self {
        Self { event, settlement: Some(settlement), dropped: false }
    }

    pub(crate) fn dropped(event: Event) -> Self {
        Self { event, settlement: None, dropped: true }
    }

    /// The event's id.
    pub fn id(&self) -> &str {
        self.event.id()
    }

    /// How far the event has come by now.
    pub fn status(&self) -> Status {
        match &self.settlement {
            Some(state) => state.status.borrow().clone(),
            None if self.dropped => Status::Dropped,
            None => Status::Delivered,
        }
    }

    /// Whether the event is durable: a peer's answer decides what becomes of it.
    pub fn is_durable(&self) -> bool {
        self.settlement.is_some()
    }

    /// Waits for the peer's answer: where the event stands in its log. `None` at once if the event is
    /// local, ephemeral or dropped. Waits as long as the outbox keeps the event.
    ///
    /// # Errors
    /// The [`Rejection`], if the event was refused for good.
    pub async fn settled(&self) -> Result<Option<Position>, Rejection> {
        let Some(state) = &self.settlement else {
            return Ok(None);
        };
        let mut known: Option<Waker> = None;
        poll_fn(|context| {
            match &*state.status.borrow() {
                Status::Stored(position) => return Poll::Ready(Ok(Some(position.clone()))),
                Status::Rejected(rejection) => return Poll::Ready(Err(rejection.clone())),
                _ => {}
            }
            let waker = context.waker();
            if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
                known = Some(waker.clone());
                let waker = waker.clone();
                state.waiting.borrow_mut().push(Box::new(|_| waker.wake()));
            }
            Poll::Pending
        })
        .await
    }

    /// Calls `then` when nothing further becomes of the event: now, if that is so already.
    #[cfg(feature = "npm")]
    pub(crate) fn when_final(&self, then: impl FnOnce(&Status) + 'static) {
        let status = self.status();
        match &self.settlement {
            Some(state) if !status.is_final() => state.waiting.borrow_mut().push(Box::new(then)),
            _ => then(&status),
        }
    }
}

impl Status {
    fn is_final(&self) -> bool {
        !matches!(self, Self::Queued | Self::Sent)
    }
}

impl Settlement {
    pub(crate) fn queued() -> Rc<Self> {
        Rc::new(Self { status: RefCell::new(Status::Queued), waiting: RefCell::default() })
    }

    /// Follows the event to `delivery`, and wakes who waits if that is final.
    pub(crate) fn follow(&self, delivery: &Delivery) {
        let status = match delivery {
            Delivery::Local | Delivery::Ephemeral => Status::Delivered,
            Delivery::Pending(Stage::Queued) => Status::Queued,
            Delivery::Pending(Stage::Sent) => Status::Sent,
            Delivery::Stored(position) => Status::Stored(position.clone()),
            Delivery::Rejected(rejection) => Status::Rejected(rejection.clone()),
        };
        self.status.replace(status.clone());
        if status.is_final() {
            // Taken first: what waits is foreign code.
            let waiting = self.waiting.take();
            waiting.into_iter().for_each(|then| then(&status));
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Receipt")
            .field("event", &self.event)
            .field("status", &self.status())
            .finish()
    }
}
