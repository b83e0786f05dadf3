//! Receipts: the id of a published event and its status.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

use crate::answer::Position;
use crate::bus::Outlet;
#[cfg(feature = "bridge")]
use crate::{Delivery, Stage};
use crate::{Event, Rejection};

/// Follows a published event. Dropping it has no effect on the event.
#[derive(Clone)]
pub struct Receipt {
    event: Event,
    /// Set for a durable event, with the outlet that has it.
    durable: Option<(Rc<Settlement>, Weak<dyn Outlet>)>,
    dropped: bool,
}

/// The status of a published event.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// It is local or ephemeral. This is final.
    Delivered,
    /// An interceptor has dropped it. This is final.
    Dropped,
    /// It is being written to the outbox. A reload now would lose it.
    Queued,
    /// It is in the outbox.
    Kept,
    /// It was sent and is not acked yet.
    Sent,
    /// It is in the peer's log, at this position. This is final.
    Stored(Position),
    /// It was refused. This is final.
    Rejected(Rejection),
}

/// The state that a receipt and a bridge share.
pub(crate) struct Settlement {
    status: RefCell<Status>,
    /// Called at each change until it returns that it is done.
    waiting: RefCell<Vec<Waiting>>,
}

type Waiting = Box<dyn FnMut(&Status) -> bool>;

impl Receipt {
    pub(crate) fn delivered(event: Event) -> Self {
        Self { event, durable: None, dropped: false }
    }

    #[cfg(feature = "bridge")]
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

    /// The current status of the event.
    pub fn status(&self) -> Status {
        match &self.durable {
            Some((state, _)) => state.status.borrow().clone(),
            None if self.dropped => Status::Dropped,
            None => Status::Delivered,
        }
    }

    /// Whether the event is durable, so that a peer stores or refuses it.
    pub fn is_durable(&self) -> bool {
        self.durable.is_some()
    }

    /// Waits until the event is in the outbox, and returns true. There it survives reloads and crashes, unless
    /// [`LinkStatus::storage`](crate::bridge::LinkStatus::storage) is memory. Returns false if the event is
    /// local, ephemeral or dropped.
    ///
    /// # Errors
    /// The [`Rejection`] if the event was refused.
    pub async fn kept(&self) -> Result<bool, Rejection> {
        self.reached(|status| *status != Status::Queued).await?;
        Ok(self.is_durable())
    }

    /// Waits until the peer has stored the event, and returns its position in the log. Returns `None` at once if
    /// the event is local, ephemeral or dropped. Waits as long as the outbox keeps the event.
    ///
    /// # Errors
    /// The [`Rejection`] if the event was refused.
    pub async fn settled(&self) -> Result<Option<Position>, Rejection> {
        self.reached(Status::is_final).await
    }

    /// Cancels the event if it has certainly not been sent, and returns whether that is so. Its status then
    /// becomes [`Cancelled`](crate::bridge::RejectCode::Cancelled), unless another tab has sent it first.
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

    /// Calls `then` once `enough` accepts the status or the status is final, which may be now.
    #[cfg(any(feature = "npm", feature = "trust"))]
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

#[cfg(feature = "bridge")]
impl Settlement {
    pub(crate) fn queued() -> Rc<Self> {
        Rc::new(Self { status: RefCell::new(Status::Queued), waiting: RefCell::default() })
    }

    /// Sets the status to that of `delivery` and notifies the waiters.
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
        // Taken out of the cell, because waiters are user code.
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
