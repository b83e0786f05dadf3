//! Queue groups: subscriptions that share work under one name, across patterns. Each event reaches exactly
//! one of the matching members, chosen at the event's turn.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::rc::{Rc, Weak};

use crate::core::Core;
use crate::core::slot::{Delivered, Extras, GroupMember, Head, Slot};
use crate::{Event, HandlerResult, Payload, Subscriber, Subscription, Topic};

/// How a queue group chooses the member that receives an event.
pub struct Balance<P: Payload>(Box<Choose<P>>);

/// Returns the index of the member that receives the event; there is at least one member.
type Choose<P> = dyn Fn(&Event<'_, P>, &[Rc<dyn Slot<P>>]) -> usize;

/// Marks an event as unfinished until it is dropped.
#[derive(Debug)]
#[must_use = "the event counts as finished when this is dropped"]
pub struct Pending(Rc<Cell<usize>>);

/// The groups of a bus, by name. A group is removed with its last member.
pub(crate) struct Groups<P: Payload>(RefCell<Vec<Named<P>>>);

type Named<P> = (Box<str>, Weak<Group<P>>);

struct Group<P: Payload> {
    balance: Balance<P>,
    /// How many members have joined so far.
    joined: Cell<u64>,
    /// How many members it has now. After the last has left, the next to join creates a new group.
    members: Cell<usize>,
}

/// The members that match one topic, as a single slot of its route.
struct GroupSlot<P: Payload> {
    head: Head<P>,
    group: Rc<Group<P>>,
    members: Vec<Rc<dyn Slot<P>>>,
}

/// Counts as a member until it leaves or is dropped.
struct Membership<P: Payload> {
    group: Rc<Group<P>>,
    left: Cell<bool>,
}

impl<P: Payload> Balance<P> {
    /// Each member in turn.
    pub fn round_robin() -> Self {
        let turn = Cell::new(0_usize);
        Self(Box::new(move |_, members| turn.replace(turn.get().wrapping_add(1)) % members.len()))
    }

    /// The member with the fewest unfinished events: those that wait in its queue, or whose [`Pending`] guard
    /// its handler keeps. Members with equally few take turns.
    pub fn least_pending() -> Self {
        let turn = Cell::new(0_usize);
        Self(Box::new(move |_, members| {
            let first = turn.replace(turn.get().wrapping_add(1)) % members.len();
            let indexes = (first..members.len()).chain(0..first);
            indexes
                .min_by_key(|&at| members.get(at).map(|member| member.head().pending()))
                .unwrap_or(0)
        }))
    }

    /// The same member for the same key, for example the CloudEvents extension `partitionkey`. When a member
    /// joins or leaves, only its share of the keys moves (rendezvous hashing).
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
    /// Shares work with the other subscriptions in the group `name` of this bus. The first member's balance
    /// applies as long as the group has members.
    ///
    /// In the order of delivery the group takes the position of its first matching member.
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
        group.members.set(group.members.get() + 1);
        let extras = self.extras();
        extras.number = group.joined.replace(group.joined.get() + 1);
        extras.group = Some(Rc::new(Membership { group, left: Cell::new(false) }));
        self
    }

    /// Like [`Subscriber::handle`], for a handler that finishes events later. [`Balance::least_pending`]
    /// counts an event as unfinished as long as the handler keeps its [`Pending`] guard.
    pub fn handle_pending(
        mut self,
        handler: impl Fn(&Event<'_, P>, Pending) -> HandlerResult<P> + 'static,
    ) -> Subscription {
        let pending = self.extras().pending.get_or_insert_default().clone();
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
        let existing = self.0.borrow().iter().find(|(other, _)| **other == *name).cloned();
        let existing = existing.and_then(|(_, group)| group.upgrade());
        if let Some(group) = existing.filter(|group| group.members.get() > 0) {
            return group;
        }
        let group = Rc::new(Group { balance, joined: Cell::new(0), members: Cell::new(0) });
        let mut groups = self.0.borrow_mut();
        groups.retain(|(other, group)| **other != *name && group.strong_count() > 0);
        groups.push((name.into(), Rc::downgrade(&group)));
        group
    }
}

impl<P: Payload> GroupMember<P> for Membership<P> {
    fn group_id(&self) -> usize {
        Rc::as_ptr(&self.group).addr()
    }

    fn merge(&self, slots: Vec<Rc<dyn Slot<P>>>) -> Vec<Rc<dyn Slot<P>>> {
        let is_member = |slot: &Rc<dyn Slot<P>>| {
            slot.head().group().is_some_and(|other| other.group_id() == self.group_id())
        };
        let at = slots.iter().position(is_member).unwrap_or(slots.len());
        let (members, mut others): (Vec<_>, Vec<_>) = slots.into_iter().partition(is_member);
        if let Some(first) = members.first() {
            let serves = members.iter().any(|member| member.head().serves());
            let (pattern, priority) = (first.head().pattern.clone(), first.head().priority);
            let extras = Some(Box::new(Extras { serves, ..Extras::default() }));
            let head = Head { pattern, priority, ended: Cell::new(false), extras };
            others.insert(at, Rc::new(GroupSlot { head, group: self.group.clone(), members }));
        }
        others
    }

    fn leave(&self) {
        if !self.left.replace(true) {
            self.group.members.set(self.group.members.get() - 1);
        }
    }
}

impl<P: Payload> Drop for Membership<P> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<P: Payload> Slot<P> for GroupSlot<P> {
    fn head(&self) -> &Head<P> {
        &self.head
    }

    fn deliver(&self, core: &Core<P>, event: &Event<'_, P>) -> Delivered {
        self.group.deliver_to_one(core, &self.members, event)
    }
}

impl<P: Payload> Group<P> {
    fn deliver_to_one(
        &self,
        core: &Core<P>,
        members: &[Rc<dyn Slot<P>>],
        event: &Event<'_, P>,
    ) -> Delivered {
        if members.iter().any(|member| member.head().ended.get()) {
            let live = members.iter().filter(|member| !member.head().ended.get());
            let live: Vec<_> = live.cloned().collect();
            return match &live[..] {
                [] => Delivered::Ended,
                live => self.deliver_to_one(core, live, event),
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
