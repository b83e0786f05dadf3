//! Queue groups: subscriptions under one name that share the work, across patterns. Each event reaches
//! exactly one of those that its topic matches, chosen at the event's turn.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::rc::{Rc, Weak};

use crate::core::Core;
use crate::slot::{Delivered, Gather, Head, More, Slot};
use crate::{Event, HandlerResult, Payload, Subscriber, Subscription, Topic};

/// How a queue group shares its work.
pub struct Balance<P: Payload>(Box<Choose<P>>);

/// Answers the place of the member that gets the event; there is at least one.
type Choose<P> = dyn Fn(&Event<'_, P>, &[Rc<dyn Slot<P>>]) -> usize;

/// Says that a handler's work on an event is not finished; dropped, it is.
#[derive(Debug)]
#[must_use = "the work counts as finished when this is dropped"]
pub struct Pending(Rc<Cell<usize>>);

/// The groups of a bus, by name; one is gone with its last member.
pub(crate) struct Groups<P: Payload>(RefCell<Vec<Named<P>>>);

type Named<P> = (Box<str>, Weak<Group<P>>);

struct Group<P: Payload> {
    balance: Balance<P>,
    /// How many have joined so far.
    joined: Cell<u64>,
    /// How many stand. Without one the group is over: who comes then begins another.
    standing: Cell<usize>,
}

/// The members that one topic matches, as one slot of its route.
struct Gathered<P: Payload> {
    head: Head<P>,
    group: Rc<Group<P>>,
    members: Vec<Rc<dyn Slot<P>>>,
}

/// Counts as a standing member until it leaves or is dropped.
struct Member<P: Payload> {
    group: Rc<Group<P>>,
    left: Cell<bool>,
}

impl<P: Payload> Balance<P> {
    /// One after the other.
    pub fn round_robin() -> Self {
        let turn = Cell::new(0_usize);
        Self(Box::new(move |_, members| turn.replace(turn.get().wrapping_add(1)) % members.len()))
    }

    /// Who has the least to finish: events that wait in a queue, or [`Pending`] values of a handler;
    /// among equals one after the other.
    pub fn least_pending() -> Self {
        let turn = Cell::new(0_usize);
        Self(Box::new(move |_, members| {
            let first = turn.replace(turn.get().wrapping_add(1)) % members.len();
            let places = (first..members.len()).chain(0..first);
            places
                .min_by_key(|&at| members.get(at).map(|member| member.head().pending()))
                .unwrap_or(0)
        }))
    }

    /// Always the same member for the same key: the CloudEvents extension `partitionkey`, say. When a
    /// member comes or goes, only its share moves (rendezvous hashing).
    pub fn by_key<K: Hash>(key: impl Fn(&Topic, &P) -> K + 'static) -> Self {
        let hasher = RandomState::default();
        Self(Box::new(move |event, members| {
            let key = hasher.hash_one(key(event.topic, event.payload));
            let score = |member: &Rc<dyn Slot<P>>| hasher.hash_one((key, member.head().number()));
            let best = members.iter().enumerate().max_by_key(|(_, member)| score(member));
            best.map_or(0, |(at, _)| at)
        }))
    }
}

impl<P: Payload> Subscriber<'_, P> {
    /// Shares the work with the other subscriptions of this bus in the group `name`. The balance is that
    /// of the first member for as long as the group has members.
    ///
    /// The group stands among an event's subscribers where its first matching member would.
    ///
    /// ```
    /// # use bus::{Balance, Bus, Failure, Payload, Published, Topic};
    /// # struct Text(&'static str);
    /// # impl Payload for Text {
    /// #     type Cause = String;
    /// #     fn failure(_: Failure<String>) -> Self { Text("") }
    /// # }
    /// let bus = Bus::<Text>::new(|_| {});
    /// let worker = |name: &'static str| {
    ///     let job = bus.subscriber("job.*".try_into()?).group("workers", Balance::round_robin());
    ///     Ok::<_, bus::TopicError>(job.handle(move |event| {
    ///         println!("{name} does {}", event.payload.0);
    ///         Ok(())
    ///     }))
    /// };
    /// let _workers = [worker("one")?, worker("two")?];
    /// let published = bus.publish(Topic::parse("job.resize")?, Text("resize"));
    /// assert_eq!(published.ok(), Some(Published::Delivered(1)));
    /// # Ok::<(), bus::TopicError>(())
    /// ```
    pub fn group(mut self, name: &str, balance: Balance<P>) -> Self {
        let group = self.bus.core.extension::<Groups<P>>().named(name, balance);
        group.standing.set(group.standing.get() + 1);
        let more = self.more();
        more.number = group.joined.replace(group.joined.get() + 1);
        more.group = Some(Rc::new(Member { group, left: Cell::new(false) }));
        self
    }

    /// Like [`Subscriber::handle`], for a handler that finishes an event later: the event is pending for
    /// [`Balance::least_pending`] as long as the handler keeps what it is given.
    pub fn handle_pending(
        mut self,
        handler: impl Fn(&Event<'_, P>, Pending) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        let pending = self.more().pending.get_or_insert_default().clone();
        self.handle(move |event| handler(event, Pending::one_more(&pending)))
    }
}

impl Pending {
    fn one_more(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(count.clone())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl<P: Payload> Default for Groups<P> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<P: Payload> Groups<P> {
    fn named(&self, name: &str, balance: Balance<P>) -> Rc<Group<P>> {
        let standing = self.0.borrow().iter().find(|(other, _)| **other == *name).cloned();
        let standing = standing.and_then(|(_, group)| group.upgrade());
        if let Some(group) = standing.filter(|group| group.standing.get() > 0) {
            return group;
        }
        let group = Rc::new(Group { balance, joined: Cell::new(0), standing: Cell::new(0) });
        let mut groups = self.0.borrow_mut();
        groups.retain(|(other, group)| **other != *name && group.strong_count() > 0);
        groups.push((name.into(), Rc::downgrade(&group)));
        group
    }
}

impl<P: Payload> Gather<P> for Member<P> {
    fn group(&self) -> usize {
        Rc::as_ptr(&self.group).addr()
    }

    fn gather(&self, slots: Vec<Rc<dyn Slot<P>>>) -> Vec<Rc<dyn Slot<P>>> {
        let is_member = |slot: &Rc<dyn Slot<P>>| {
            slot.head().group().is_some_and(|other| other.group() == self.group())
        };
        let at = slots.iter().position(is_member).unwrap_or(slots.len());
        let (members, mut others): (Vec<_>, Vec<_>) = slots.into_iter().partition(is_member);
        if let Some(first) = members.first() {
            let serves = members.iter().any(|member| member.head().serves());
            let (pattern, priority) = (first.head().pattern.clone(), first.head().priority);
            let more = Some(Box::new(More { serves, ..More::default() }));
            let head = Head { pattern, priority, ended: Cell::new(false), more };
            others.insert(at, Rc::new(Gathered { head, group: self.group.clone(), members }));
        }
        others
    }

    fn leave(&self) {
        if !self.left.replace(true) {
            self.group.standing.set(self.group.standing.get() - 1);
        }
    }
}

impl<P: Payload> Drop for Member<P> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<P: Payload> Slot<P> for Gathered<P> {
    fn head(&self) -> &Head<P> {
        &self.head
    }

    fn deliver(&self, core: &Core<P>, event: &Event<'_, P>) -> Delivered {
        self.group.share(core, &self.members, event)
    }
}

impl<P: Payload> Group<P> {
    fn share(
        &self,
        core: &Core<P>,
        members: &[Rc<dyn Slot<P>>],
        event: &Event<'_, P>,
    ) -> Delivered {
        if members.iter().any(|member| member.head().ended.get()) {
            let standing = members.iter().filter(|member| !member.head().ended.get());
            let standing: Vec<_> = standing.cloned().collect();
            return match &standing[..] {
                [] => Delivered::Ended,
                standing => self.share(core, standing, event),
            };
        }
        let chosen = members.get((self.balance.0)(event, members));
        chosen.map_or(Delivered::Ended, |member| member.deliver(core, event))
    }
}

impl<P: Payload> fmt::Debug for Balance<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Balance")
    }
}
