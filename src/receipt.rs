//! What a publish returns: which event it was, and what becomes of it.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

use session::Position;

use crate::bus::Outlet;
use crate::{Delivery, Event, Rejection, Stage};

/// Follows a published event. It may be dropped; the event goes its way.
#[derive(Clone)]
pub struct Receipt {
    event: Event,
    /// Of a durable event, with who has it.
    durable: Option<(Rc<Settlement>, Weak<dyn Outlet>)>,
    dropped: bool,
}

/// How far a published event has come.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// It is local or ephemeral: nothing further becomes of it.
    Delivered,
    /// An interceptor has dropped it: nothing further becomes of it either.
    Dropped,
    /// On its way into the outbox: a reload now would lose it.
    Queued,
    /// In the outbox.
    Kept,
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
    /// Told of each change, until it says that it has heard enough.
    waiting: RefCell<Vec<Waiting>>,
}

type Waiting = Box<dyn FnMut(&Status) -> bool>;

impl Receipt {
    pub(crate) fn delivered(event: Event) -> Self {
        Self { event, durable: None, dropped: false }
    }

    pub(crate) fn durable(
        event: Event,
        settlement: Rc<Settlement>,
        outlet: Weak<dyn Outlet>,
    ) -> Self {
        Self { event, durable: Some((settlement, outlet)), dropped: false }
    }

    pub(crate) fn dropped(event: Event) -> Self {
        Self { event, durable: None, dropped: true }
    }

    /// The event's id.
    pub fn id(&self) -> &str {
        self.event.id()
    }

    /// How far the event has come by now.
    pub fn status(&self) -> Status {
        match &self.durable {
            Some((state, _)) => state.status.borrow().clone(),
            None if self.dropped => Status::Dropped,
            None => Status::Delivered,
        }
    }

    /// Whether the event is durable: a peer's answer decides what becomes of it.
    pub fn is_durable(&self) -> bool {
        self.durable.is_some()
    }

    /// Waits until the event is in the outbox: true. Neither a reload nor a crash loses it there, unless
    /// [`LinkStatus::storage`](crate::LinkStatus::storage) tells that it is in memory. False, if nothing is kept of it: it is local, ephemeral or dropped.
    ///
    /// # Errors
    /// The [`Rejection`], if the event was refused for good.
    pub async fn kept(&self) -> Result<bool, Rejection> {
        self.reached(|status| *status != Status::Queued).await?;
        Ok(self.is_durable())
    }

    /// Waits for the peer's answer: where the event stands in its log. `None` at once if the event is
    /// local, ephemeral or dropped. Waits as long as the outbox keeps the event.
    ///
    /// # Errors
    /// The [`Rejection`], if the event was refused for good.
    pub async fn settled(&self) -> Result<Option<Position>, Rejection> {
        self.reached(Status::is_final).await
    }

    /// Takes the event back, and says whether that is possible: it is not when it may have left. It ends as
    /// [`Cancelled`](crate::RejectCode::Cancelled) then, unless another tab was faster to send it.
    pub fn cancel(&self) -> bool {
        let outlet = self.durable.as_ref().and_then(|(_, outlet)| outlet.upgrade());
        outlet.is_some_and(|outlet| outlet.cancel(self.id()))
    }

    async fn reached(&self, enough: fn(&Status) -> bool) -> Result<Option<Position>, Rejection> {
        let Some((state, _)) = &self.durable else {
            return Ok(None);
        };
        let mut known: Option<Waker> = None;
        poll_fn(|context| {
            match &*state.status.borrow() {
                Status::Rejected(rejection) => return Poll::Ready(Err(rejection.clone())),
                Status::Stored(position) => return Poll::Ready(Ok(Some(position.clone()))),
                status if enough(status) => return Poll::Ready(Ok(None)),
                _ => {}
            }
            let waker = context.waker();
            if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
                known = Some(waker.clone());
                let waker = waker.clone();
                state.waiting.borrow_mut().push(Box::new(move |status| {
                    waker.wake_by_ref();
                    status.is_final()
                }));
            }
            Poll::Pending
        })
        .await
    }

    /// Calls `then` when the status is enough for `enough`, or final: now, if that is so already.
    #[cfg(feature = "npm")]
    pub(crate) fn when(&self, enough: fn(&Status) -> bool, then: impl FnOnce(&Status) + 'static) {
        let status = self.status();
        let enough = move |status: &Status| status.is_final() || enough(status);
        match &self.durable {
            Some((state, _)) if !enough(&status) => {
                let mut then = Some(then);
                state.waiting.borrow_mut().push(Box::new(move |status| {
                    let is_enough = enough(status);
                    if is_enough && let Some(then) = then.take() {
                        then(status);
                    }
                    is_enough
                }));
            }
            _ => then(&status),
        }
    }
}

impl Status {
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Queued | Self::Kept | Self::Sent)
    }
}

impl Settlement {
    pub(crate) fn queued() -> Rc<Self> {
        Rc::new(Self { status: RefCell::new(Status::Queued), waiting: RefCell::default() })
    }

    /// Follows the event to `delivery`, and tells who waits.
    pub(crate) fn follow(&self, delivery: &Delivery) {
        let status = match delivery {
            Delivery::Local | Delivery::Ephemeral => Status::Delivered,
            Delivery::Pending(Stage::Queued) => Status::Queued,
            Delivery::Pending(Stage::Kept) => Status::Kept,
            Delivery::Pending(Stage::Sent) => Status::Sent,
            Delivery::Stored(position) => Status::Stored(position.clone()),
            Delivery::Rejected(rejection) => Status::Rejected(rejection.clone()),
        };
        self.status.replace(status.clone());
        // Taken out meanwhile: what waits is foreign code.
        let mut waiting = self.waiting.take();
        waiting.retain_mut(|then| !then(&status));
        self.waiting.borrow_mut().append(&mut waiting);
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
