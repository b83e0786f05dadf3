//! Retained topics: the last events of a topic are kept for subscribers that come late.

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

/// Keeps the last events of the topics that a pattern matches; dropped, they are forgotten.
///
/// Made by [`Bus::retain`].
#[must_use = "what is retained is forgotten when this is dropped: keep it"]
pub struct Retention<P: Payload> {
    store: Rc<Store<P>>,
    _subscription: Subscription,
}

struct Store<P> {
    last: usize,
    topics: usize,
    kept: RefCell<ByTopic<P>>,
}

/// Events by their topics, in the order of the topics: a map whose code a browser need not download.
struct ByTopic<P>(Vec<(Topic, VecDeque<Kept<P>>)>);

impl<P> ByTopic<P> {
    /// Where a topic is, or would be.
    fn place(&self, topic: &Topic) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(topic))
    }
}

struct Kept<P> {
    /// Its place in the order of the bus.
    number: u64,
    payload: Rc<P>,
}

impl<P> Clone for Kept<P> {
    fn clone(&self) -> Self {
        Self { number: self.number, payload: self.payload.clone() }
    }
}

/// The stores of a bus, and the number of the next event that one of them keeps.
pub(crate) struct Stores<P> {
    stores: RefCell<Vec<Weak<Store<P>>>>,
    next: Cell<u64>,
}

impl<P: Payload + Clone> Bus<P> {
    /// Keeps the last `events` of each topic that `pattern` matches, for [`Subscriber::replay`]; of at
    /// most `topics` topics, beyond which the one that was silent for longest is forgotten.
    ///
    /// What is kept changes at an event's turn, before its subscribers see it.
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
                let gone = keeper.keep(event.topic, kept);
                drop(gone);
                Ok(())
            });
        Retention { store, _subscription: subscription }
    }
}

impl<P: Payload> Retention<P> {
    /// How many topics have events here.
    pub fn topics(&self) -> usize {
        self.store.kept.borrow().0.len()
    }
}

impl<P: Payload> Subscriber<'_, P> {
    /// Like [`Subscriber::handle`], but `handler` first gets the events that are retained now, oldest
    /// first, and then those that come, with no gap and no duplicate.
    ///
    /// They are replayed at a turn of their own, soon or just before the first event that comes; never
    /// inside this call.
    pub fn replay(
        self,
        schedule: &dyn Schedule,
        handler: impl Fn(&Event<'_, P>) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        self.replay_boxed(schedule, Box::new(handler))
    }

    /// Not generic, so that a browser downloads it once.
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

/// What a late subscriber has still to see.
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
            let event = Event { topic: &topic, payload: &*kept.payload, asked: None };
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
        kept.place(topic).map_or(0, |place| kept.0[place].1.len())
    }

    /// Answers what is forgotten for it.
    fn keep(&self, topic: &Topic, event: Kept<P>) -> Option<VecDeque<Kept<P>>> {
        let mut kept = self.kept.borrow_mut();
        let place = match kept.place(topic) {
            Ok(place) => {
                let events = &mut kept.0[place].1;
                let gone = if events.len() >= self.last { events.pop_front() } else { None };
                events.push_back(event);
                return gone.map(|event| VecDeque::from([event]));
            }
            Err(place) => place,
        };
        kept.0.insert(place, (topic.clone(), VecDeque::from([event])));
        if kept.0.len() <= self.topics {
            return None;
        }
        let newest = |(_, (_, events)): &(usize, &(Topic, VecDeque<Kept<P>>))| {
            events.back().map(|event| event.number)
        };
        let silent = kept.0.iter().enumerate().min_by_key(newest).map(|(place, _)| place);
        silent.map(|place| kept.0.remove(place).1)
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

    /// What is retained of the topics that `pattern` matches, oldest first. Of a topic that several
    /// stores keep, the events of the one that keeps most.
    fn matching(&self, pattern: &Pattern) -> Vec<(Topic, Kept<P>)> {
        let stores: Vec<_> = self.stores.borrow().iter().filter_map(Weak::upgrade).collect();
        let mut events = Vec::new();
        for store in &stores {
            for (topic, kept) in &store.kept.borrow().0 {
                // The first of those that keep most.
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
