//! Room in queues that wait: it is reserved when an event is taken, before it has its place in the
//! order, and given back if the event does not need it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

use crate::core::{Check, Core, Stop};
use crate::schedule::Job;
use crate::{Bus, Event, Pattern, Payload, PublishError, Published, Topic};

/// Those who wait until a queue has room.
#[derive(Default)]
pub(crate) struct Room {
    waiting: RefCell<Vec<Waker>>,
}

impl Room {
    fn wait(&self, waker: &Waker) {
        let waits = self.waiting.borrow().iter().any(|other| other.will_wake(waker));
        if !waits {
            let waker = waker.clone();
            self.waiting.borrow_mut().push(waker);
        }
    }

    fn changed(&self) {
        let waiting = self.waiting.take();
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl<P: Payload> Bus<P> {
    /// Publishes when all queues that wait ([`Overflow::wait`](crate::Overflow::wait)) have room; like
    /// [`Bus::publish`] if there are none. Interceptors judge it once, at the first poll. Dropped before it
    /// is done, nothing is published.
    ///
    /// # Errors
    /// Those of [`Bus::publish`], but for [`PublishError::NoRoom`].
    pub async fn publish_when_room(
        &self,
        topic: Topic,
        payload: P,
    ) -> Result<Published, PublishError<P>> {
        let mut event = Some((topic, payload));
        let mut tried = false;
        poll_fn(|context| {
            let Some((topic, payload)) = event.take() else { return Poll::Pending };
            // Interceptors come before queues: they have judged what found no room.
            let published = if tried {
                self.core.publish_again(topic, payload)
            } else {
                self.publish(topic, payload)
            };
            tried = true;
            match published {
                Err(PublishError::NoRoom(topic, payload)) => {
                    event = Some((topic, payload));
                    self.core.room().wait(context.waker());
                    Poll::Pending
                }
                published => Poll::Ready(published),
            }
        })
        .await
    }

    /// Whether all queues that wait have room for one more event of `topic`.
    pub fn has_room(&self, topic: &Topic) -> bool {
        self.core.has_room(topic)
    }

    /// Waits until [`Bus::has_room`]. Somebody else may take the room before the caller does.
    pub async fn room(&self, topic: &Topic) {
        self.room_until(|| self.has_room(topic)).await;
    }

    /// Waits until `done`, which is asked at once and whenever there may be more room in a queue.
    pub async fn room_until(&self, done: impl Fn() -> bool) {
        poll_fn(|context| {
            if done() {
                return Poll::Ready(());
            }
            self.core.room().wait(context.waker());
            Poll::Pending
        })
        .await;
    }
}

/// What has no room beyond a bound.
pub(crate) trait Bounded {
    /// Whether there is room for one more, beside so many.
    fn has_room(&self, reserved: usize) -> bool;
}

/// Lets no event pass for which the queue has no room. Goes with its queue.
pub(crate) struct Gate<P: Payload> {
    core: Weak<Core<P>>,
    room: Rc<Room>,
    check: Rc<dyn Check<P>>,
    entry: Rc<Entrance>,
}

/// Where reservations are made, and redeemed by the events that they were made for.
pub(crate) struct Entrance {
    pattern: Pattern,
    queue: Rc<dyn Bounded>,
    room: Rc<Room>,
    /// False until the queue's own turn.
    open: Cell<bool>,
    /// In the order of the events.
    reserved: RefCell<VecDeque<Rc<Place>>>,
}

/// Where an event that has been taken will enter.
struct Place {
    redeemed: Cell<bool>,
    /// False for an event that was taken although there might be no room.
    is_sure: bool,
}

/// Whether an event enters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Enters,
    /// It was published before the queue began.
    TooOld,
    /// There is no room.
    Full,
}

/// Room for one event; dropped, it is given back unless it was redeemed.
struct Reservation {
    entrance: Rc<Entrance>,
    place: Rc<Place>,
}

impl<P: Payload> Gate<P> {
    pub(crate) fn new(core: &Rc<Core<P>>, pattern: &Pattern, queue: Rc<dyn Bounded>) -> Self {
        let room = core.room().clone();
        let entry = Rc::new(Entrance {
            pattern: pattern.clone(),
            queue,
            room: room.clone(),
            open: Cell::new(false),
            reserved: RefCell::default(),
        });
        let check: Rc<dyn Check<P>> = Rc::new(entry.clone());
        core.add_check(check.clone());
        Self { core: Rc::downgrade(core), room, check, entry }
    }

    pub(crate) fn entry(&self) -> Rc<Entrance> {
        self.entry.clone()
    }

    /// Opens the queue to events.
    pub(crate) fn opening(&self) -> Job {
        let entry = self.entry.clone();
        Box::new(move || entry.open.set(true))
    }

    pub(crate) fn has_room(&self) {
        self.room.changed();
    }
}

impl<P: Payload> Drop for Gate<P> {
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            core.remove_check(&self.check);
        }
        self.room.changed();
    }
}

impl Entrance {
    /// Whether `event` may enter: it has a reservation, or is one of the runtime.
    pub(crate) fn admits<P>(&self, event: &Event<'_, P>) -> Admission {
        if event.topic.is_system() {
            return Admission::Enters;
        }
        if !self.open.get() {
            return Admission::TooOld;
        }
        let mut reserved = self.reserved.borrow_mut();
        let Some(place) = reserved.pop_front() else { return Admission::TooOld };
        let is_full = !place.is_sure && !self.queue.has_room(reserved.len());
        drop(reserved);
        place.redeemed.set(true);
        if is_full { Admission::Full } else { Admission::Enters }
    }

    fn reserve(self: &Rc<Self>, is_sure: bool, held: &mut Vec<Box<dyn Any>>) {
        let place = Rc::new(Place { redeemed: Cell::new(false), is_sure });
        self.reserved.borrow_mut().push_back(place.clone());
        held.push(Box::new(Reservation { entrance: self.clone(), place }));
    }
}

impl<P: Payload> Check<P> for Rc<Entrance> {
    fn check(&self, topic: &Topic, payload: P, held: &mut Vec<Box<dyn Any>>) -> Result<P, Stop<P>> {
        if !self.pattern.matches(topic) {
            return Ok(payload);
        }
        if !Check::<P>::has_room(self, topic) {
            return Err(Stop::NoRoom(payload));
        }
        self.reserve(true, held);
        Ok(payload)
    }

    fn has_room(&self, topic: &Topic) -> bool {
        !self.pattern.matches(topic) || self.queue.has_room(self.reserved.borrow().len())
    }

    fn let_pass(&self, topic: &Topic, held: &mut Vec<Box<dyn Any>>) {
        if self.pattern.matches(topic) {
            self.reserve(false, held);
        }
    }

    fn comes_last(&self) -> bool {
        true
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.place.redeemed.get() && self.place.is_sure {
            return;
        }
        let mut reserved = self.entrance.reserved.borrow_mut();
        if let Some(at) = reserved.iter().position(|one| Rc::ptr_eq(one, &self.place)) {
            reserved.remove(at);
        }
        drop(reserved);
        self.entrance.room.changed();
    }
}
