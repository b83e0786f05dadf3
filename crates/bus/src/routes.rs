//! The compiled routes of hot topics. A route is valid until a matching subscription begins or ends.
//!
//! A topic is hot while a handle of it exists, or once it was looked up twice. One-off topics (a
//! request's inbox) leave nothing behind here.

mod marks;
mod tree;

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use crate::edges::Edges;
use crate::{Pattern, Topic};
use marks::Marks;
use tree::Tree;

/// How many topics may be hot without a handle. Beyond it all of them are evicted; those in use become
/// hot again.
const MAX_WITHOUT_HANDLE: usize = 131_072;

/// Route entries by topic.
#[derive(Debug)]
pub(crate) struct Routes<R> {
    /// From the hash of a whole topic to its node in the tree.
    hot: Edges,
    tree: Tree<R>,
    marks: Marks,
    /// How many more topics may become hot before those without a handle are evicted.
    room: usize,
    invalidated: u64,
}

/// A hot topic, and its route while that is valid.
#[derive(Debug)]
pub(crate) struct RouteEntry<R> {
    pub(crate) topic: Topic,
    pub(crate) route: RefCell<Option<R>>,
    /// What the host executor keeps of the route.
    pub(crate) host: RefCell<Option<Box<dyn Any>>>,
    hash: u32,
}

impl<R> Default for Routes<R> {
    fn default() -> Self {
        Self {
            hot: Edges::default(),
            tree: Tree::default(),
            marks: Marks::default(),
            room: MAX_WITHOUT_HANDLE,
            invalidated: 0,
        }
    }
}

impl<R> Routes<R> {
    /// The entry of `topic` if it is hot. Otherwise the topic is marked and becomes hot at the next lookup.
    pub(crate) fn lookup(&mut self, topic: &Topic) -> Option<Rc<RouteEntry<R>>> {
        let hash = self.hot.hash(topic.as_str());
        if let Some(entry) = self.entry_at(hash, topic) {
            return Some(entry.clone());
        }
        if !self.marks.seen_before(hash) {
            return None;
        }
        if self.room == 0 {
            self.evict_without_handle();
        }
        self.room -= 1;
        Some(self.promote(hash, topic))
    }

    /// The entry of `topic` if it is hot. Does not count as a lookup.
    pub(crate) fn peek(&self, topic: &Topic) -> Option<Rc<RouteEntry<R>>> {
        self.entry_at(self.hot.hash(topic.as_str()), topic).cloned()
    }

    /// The entry of `topic`, which becomes hot for a handle.
    pub(crate) fn acquire(&mut self, topic: &Topic) -> Rc<RouteEntry<R>> {
        let hash = self.hot.hash(topic.as_str());
        match self.entry_at(hash, topic) {
            Some(entry) => entry.clone(),
            None => self.promote(hash, topic),
        }
    }

    /// Gives a handle's entry back. Without a handle left the topic is evicted.
    pub(crate) fn release(&mut self, entry: &Rc<RouteEntry<R>>) {
        const TREE_AND_LAST_HANDLE: usize = 2;
        if Rc::strong_count(entry) == TREE_AND_LAST_HANDLE {
            self.evict(entry);
        }
    }

    /// Discards the routes of the topics that `pattern` matches, and no others.
    ///
    /// Discarding a route never drops a handler: the router, or the caller that has just taken the
    /// subscription out of it, holds the handler too.
    pub(crate) fn invalidate(&mut self, pattern: &Pattern) {
        if self.hot.len() == 0 {
            return;
        }
        let mut invalidated = 0;
        let mut touch = |entry: &Rc<RouteEntry<R>>| {
            invalidated += u64::from(entry.route.take().is_some());
            drop(entry.host.take());
        };
        match pattern.as_topic() {
            Some(topic) => self.peek(&topic).iter().for_each(touch),
            None => self.tree.within(pattern, &mut touch),
        }
        self.invalidated += invalidated;
    }

    /// How many routes were invalidated so far.
    pub(crate) fn invalidated(&self) -> u64 {
        self.invalidated
    }

    fn entry_at(&self, hash: u32, topic: &Topic) -> Option<&Rc<RouteEntry<R>>> {
        let at = self.hot.find(hash, &|at| self.tree.is_at(at, topic))?;
        self.tree.get(at)
    }

    fn promote(&mut self, hash: u32, topic: &Topic) -> Rc<RouteEntry<R>> {
        let entry = Rc::new(RouteEntry {
            topic: topic.clone(),
            route: RefCell::new(None),
            host: RefCell::new(None),
            hash,
        });
        let at = self.tree.insert(entry.clone());
        let hash_of = |at: u32| self.tree.get(at).map_or(0, |entry| entry.hash);
        self.hot.insert(hash, at, &hash_of);
        entry
    }

    fn evict(&mut self, entry: &RouteEntry<R>) {
        let is_it = |at: u32| self.tree.is_at(at, &entry.topic);
        if let Some(at) = self.hot.find(entry.hash, &is_it) {
            self.hot.remove(entry.hash, at);
            self.tree.remove(at);
        }
        if self.hot.len() == 0 {
            // Frees the memory.
            self.hot = Edges::default();
            self.tree = Tree::default();
        }
    }

    fn evict_without_handle(&mut self) {
        let entries = self.hot.children().filter_map(|at| self.tree.get(at));
        let without: Vec<_> =
            entries.filter(|entry| Rc::strong_count(entry) == 1).cloned().collect();
        for entry in without {
            self.evict(&entry);
        }
        self.room = MAX_WITHOUT_HANDLE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(text: &str) -> Topic {
        Topic::parse(text).unwrap()
    }

    fn hot(routes: &mut Routes<i32>, text: &str) -> Rc<RouteEntry<i32>> {
        let entry = routes.acquire(&topic(text));
        entry.route.replace(Some(0));
        entry
    }

    #[test]
    fn a_pattern_invalidates_the_routes_it_matches_and_no_others() {
        let mut routes = Routes::default();
        let entries =
            ["a.b", "a.c", "a", "a.b.c", "b.c", "$a.b"].map(|text| hot(&mut routes, text));
        for (pattern, touched) in [
            ("a.*", &["a.b", "a.c"][..]),
            ("a.>", &["a.b", "a.c", "a.b.c"]),
            ("*.c", &["a.c", "b.c"]),
            (">", &["a.b", "a.c", "a", "a.b.c", "b.c"]),
            ("a.b", &["a.b"]),
            ("$a.*", &["$a.b"]),
            ("a.*.*.*", &[]),
            ("c", &[]),
        ] {
            let before = routes.invalidated();
            routes.invalidate(&Pattern::parse(pattern).unwrap());
            assert_eq!(routes.invalidated() - before, touched.len() as u64, "{pattern}");
            for entry in &entries {
                let invalid = entry.route.replace(Some(0)).is_none();
                assert_eq!(
                    invalid,
                    touched.contains(&entry.topic.as_str()),
                    "{pattern} {}",
                    entry.topic
                );
            }
        }
    }

    #[test]
    fn a_topic_is_hot_from_its_second_lookup_and_a_one_off_topic_leaves_nothing() {
        let mut routes = Routes::<i32>::default();
        for number in 0..10_000 {
            routes.lookup(&topic(&format!("once.{number}")));
        }
        // Hashes are seeded at random, and one topic in 2^21 meets a mark with its own hash: of 10,000
        // topics one becomes hot by mistake in 1 run of 200, four in 1 run of 10^10.
        assert!(routes.hot.len() <= 3, "{}", routes.hot.len());
        let times = (0..100).take_while(|_| routes.lookup(&topic("hot")).is_none()).count();
        assert!(times <= marks::PATIENCE as usize + 1, "{times}");
    }

    #[test]
    fn many_topics_that_alternate_all_become_hot() {
        let mut routes = Routes::<i32>::default();
        let topics: Vec<_> = (0..100_000).map(|number| topic(&format!("turn.{number}"))).collect();
        for _ in 0..marks::PATIENCE {
            topics.iter().for_each(|topic| drop(routes.lookup(topic)));
        }
        assert!(routes.hot.len() > 95_000, "{}", routes.hot.len());
    }

    #[test]
    fn the_number_of_hot_topics_without_a_handle_is_bounded() {
        let mut routes = Routes::<i32>::default();
        let held = routes.acquire(&topic("held"));
        for number in 0..MAX_WITHOUT_HANDLE + 10_000 {
            let topic = topic(&format!("twice.{number}"));
            while routes.lookup(&topic).is_none() {}
        }
        assert!(routes.hot.len() <= MAX_WITHOUT_HANDLE + 1);
        assert!(Rc::ptr_eq(&held, &routes.acquire(&topic("held"))));
    }

    #[test]
    fn dropping_the_last_handle_evicts_its_topic() {
        let mut routes = Routes::<i32>::default();
        let (one, two) = (hot(&mut routes, "a.b"), hot(&mut routes, "a.b"));
        routes.release(&one);
        drop(one);
        assert_eq!(routes.hot.len(), 1);
        routes.release(&two);
        assert_eq!((routes.hot.len(), routes.tree.len()), (0, 0));
    }

    #[test]
    fn topics_with_equal_hashes_are_kept_apart() {
        let mut routes = Routes::<i32>::default();
        routes.hot.without = u32::MAX;
        routes.tree.edges.without = u32::MAX;
        let texts = ["a.b", "a.c", "b.b", "b.c", "a.b.c", "a.b.b", "c"];
        let entries = texts.map(|text| hot(&mut routes, text));
        for (pattern, touched) in [("a.*", 2), ("*.c", 2), ("a.b.*", 2), ("b.>", 2), ("c", 1)] {
            for entry in &entries {
                entry.route.replace(Some(0));
            }
            let before = routes.invalidated();
            routes.invalidate(&Pattern::parse(pattern).unwrap());
            assert_eq!(routes.invalidated() - before, touched, "{pattern}");
        }
        for entry in entries {
            assert!(routes.peek(&entry.topic).is_some_and(|found| Rc::ptr_eq(&found, &entry)));
            routes.release(&entry);
            assert!(routes.peek(&entry.topic).is_none());
        }
    }
}
