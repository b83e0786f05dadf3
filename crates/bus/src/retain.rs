//! Retained topics: the last events of a topic are kept for late subscribers.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::rc::{Rc, Weak};

use crate::core::{Core, Turn};
use crate::order::in_order;
use crate::{
    Bus, Event, Failure, HandlerResult, Pattern, Payload, Schedule, Subscriber, Subscription, Topic,
};

/// Keeps the last events of the topics that a pattern matches. Dropping it discards them.
///
/// Created by [`Bus::retain`].
#[must_use = "the retained events are discarded when this is dropped"]
pub struct Retention<P: Payload> {
    store: Rc<Store<P>>,
    _subscription: Subscription,
}

struct Store<P> {
    last: usize,
    topics: usize,
    kept: RefCell<ByTopic<P>>,
}

/// Events by topic, in the order of the topics. A sorted vector needs less code than a map.
struct ByTopic<P>(Vec<(Topic, VecDeque<Kept<P>>)>);

impl<P> ByTopic<P> {
    /// The index of a topic, or where to insert it.
    fn index(&self, topic: &Topic) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(topic))
    }
}

struct Kept<P> {
    /// Its number in the order of the bus.
    number: u64,
    payload: Rc<P>,
}

impl<P> Clone for Kept<P> {
    fn clone(&self) -> Self {
        Self { number: self.number, payload: self.payload.clone() }
    }
}

/// The stores of a bus, and the number of the next retained event.
pub(crate) struct Stores<P> {
    stores: RefCell<Vec<Weak<Store<P>>>>,
    next: Cell<u64>,
}

impl<P: Payload + Clone> Bus<P> {
    /// Keeps the last `events` of each topic that `pattern` matches, for [`Subscriber::replay`]. Beyond
    /// `topics` topics, the topic whose last event is oldest is discarded.
    ///
    /// An event is retained at its turn, before its subscribers receive it.
    pub fn retain(
        &self,
        pattern: Pattern,
        events: NonZeroUsize,
        topics: NonZeroUsize,
    ) -> Retention<P> {
        let store = Rc::new(Store {
            last: events.get(),
            topics: topics.get(),
            kept: RefCell::new(ByTopic(Vec::new())),
        });
        let stores = self.core.extension::<Stores<P>>();
        stores.add(&store);
        let keeper = store.clone();
        let subscription =
            self.subscriber(pattern).priority(i32::MAX).label("$bus.retain").handle(move |event| {
                let number = stores.next.replace(stores.next.get() + 1);
                let kept = Kept { number, payload: Rc::new(event.payload.clone()) };
                let discarded = keeper.keep(event.topic, kept);
                drop(discarded);
                Ok(())
            });
        Retention { store, _subscription: subscription }
    }
}

impl<P: Payload> Retention<P> {
    /// The number of topics with retained events.
    pub fn topics(&self) -> usize {
        self.store.kept.borrow().0.len()
    }
}

impl<P: Payload> Subscriber<'_, P> {
    /// Like [`Subscriber::handle`], but `handler` first receives the events that are retained now, oldest
    /// first, and then new ones, with no gap and no duplicate.
    ///
    /// The replay has a turn of its own, in a microtask or just before the first new event. It never happens
    /// inside this call.
    pub fn replay(
        self,
        schedule: &dyn Schedule,
        handler: impl Fn(&Event<'_, P>) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        self.replay_boxed(schedule, Box::new(handler))
    }

    /// Not generic over the handler, so that the wasm module contains it once.
    fn replay_boxed(self, schedule: &dyn Schedule, handler: Handler<P>) -> Subscription {
        let core = &self.bus.core;
        let retained = core.extension::<Stores<P>>().matching(&self.pattern);
        if retained.is_empty() {
            return self.handle(handler);
        }
        let replay = Rc::new(Replay {
            retained: RefCell::new(retained.into()),
            core: Rc::downgrade(core),
            label: self.label_or_pattern(),
            handler,
        });
        let (core, later) = (Rc::downgrade(core), Rc::downgrade(&replay));
        schedule.soon(Box::new(move || {
            if let Some(core) = core.upgrade() {
                core.take_turn(Turn::Job(Box::new(move || {
                    if let Some(replay) = later.upgrade() {
                        replay.run();
                    }
                })));
            }
        }));
        self.handle(move |event| {
            replay.run();
            (replay.handler)(event)
        })
    }
}

type Handler<P> = Box<dyn Fn(&Event<'_, P>) -> HandlerResult<P>>;

/// The retained events that a late subscriber has not received yet.
struct Replay<P: Payload> {
    retained: RefCell<VecDeque<(Topic, Kept<P>)>>,
    core: Weak<Core<P>>,
    label: Rc<str>,
    handler: Handler<P>,
}

impl<P: Payload> Replay<P> {
    fn run(&self) {
        loop {
            let next = self.retained.borrow_mut().pop_front();
            let Some((topic, kept)) = next else { return };
            let event = Event { topic: &topic, payload: &*kept.payload, request: None };
            if let Err(cause) = (self.handler)(&event)
                && let Some(core) = self.core.upgrade()
            {
                core.fail(Failure { topic, label: self.label.clone(), cause });
            }
        }
    }
}

impl<P> Store<P> {
    fn count(&self, topic: &Topic) -> usize {
        let kept = self.kept.borrow();
        kept.index(topic).map_or(0, |index| kept.0[index].1.len())
    }

    /// Adds an event and returns the events that are discarded for it.
    fn keep(&self, topic: &Topic, event: Kept<P>) -> Option<VecDeque<Kept<P>>> {
        let mut kept = self.kept.borrow_mut();
        let index = match kept.index(topic) {
            Ok(index) => {
                let events = &mut kept.0[index].1;
                let discarded = if events.len() >= self.last { events.pop_front() } else { None };
                events.push_back(event);
                return discarded.map(|event| VecDeque::from([event]));
            }
            Err(index) => index,
        };
        kept.0.insert(index, (topic.clone(), VecDeque::from([event])));
        if kept.0.len() <= self.topics {
            return None;
        }
        let newest = |(_, (_, events)): &(usize, &(Topic, VecDeque<Kept<P>>))| {
            events.back().map(|event| event.number)
        };
        let stalest = kept.0.iter().enumerate().min_by_key(newest).map(|(index, _)| index);
        stalest.map(|index| kept.0.remove(index).1)
    }
}

impl<P> Default for Stores<P> {
    fn default() -> Self {
        Self { stores: RefCell::default(), next: Cell::new(0) }
    }
}

impl<P> Stores<P> {
    fn add(&self, store: &Rc<Store<P>>) {
        let mut stores = self.stores.borrow_mut();
        stores.retain(|store| store.strong_count() > 0);
        stores.push(Rc::downgrade(store));
    }

    /// The retained events of the topics that `pattern` matches, oldest first. If several stores keep a
    /// topic, the store with the most events counts.
    fn matching(&self, pattern: &Pattern) -> Vec<(Topic, Kept<P>)> {
        let stores: Vec<_> = self.stores.borrow().iter().filter_map(Weak::upgrade).collect();
        let mut events = Vec::new();
        for store in &stores {
            for (topic, kept) in &store.kept.borrow().0 {
                // The first store with the most events.
                let most = stores.iter().rev().max_by_key(|store| store.count(topic));
                if pattern.matches(topic) && most.is_some_and(|most| Rc::ptr_eq(most, store)) {
                    events.extend(kept.iter().map(|event| (topic.clone(), event.clone())));
                }
            }
        }
        in_order(events, |(_, event)| event.number)
    }
}

impl<P: Payload> fmt::Debug for Retention<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Retention").field("topics", &self.topics()).finish()
    }
}
