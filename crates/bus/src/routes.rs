//! The compiled routes: what each hot topic resolved to, until a matching subscription comes or goes.
//!
//! A topic is hot while somebody holds a handle of it, or when it was asked for twice. One-off topics
//! (a request's inbox) leave nothing behind here.

mod marks;
mod tree;

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use crate::edges::Edges;
use crate::{Pattern, Topic};
use marks::Marks;
use tree::Tree;

/// How many topics may be hot without a handle. Beyond it all of them are forgotten; those in use come
/// back by being used.
const MAX_WITHOUT_HANDLE: usize = 131_072;

/// Routes by topic.
#[derive(Debug)]
pub(crate) struct Routes<R> {
    /// The nodes of the tree where hot topics are, found by a hash of the whole topic.
    hot: Edges,
    tree: Tree<R>,
    marks: Marks,
    /// How many more topics may become hot before those without a handle are forgotten.
    room: usize,
    invalidated: u64,
}

/// A hot topic, and its route as long as that holds.
#[derive(Debug)]
pub(crate) struct Spot<R> {
    pub(crate) topic: Topic,
    pub(crate) route: RefCell<Option<R>>,
    /// What an executor outside keeps of it.
    pub(crate) outside: RefCell<Option<Box<dyn Any>>>,
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
    /// Where `topic` is hot. One that is not is marked, and becomes hot when it comes again.
    pub(crate) fn seen(&mut self, topic: &Topic) -> Option<Rc<Spot<R>>> {
        let hash = self.hot.hash(topic.as_str());
        if let Some(spot) = self.at(hash, topic) {
            return Some(spot.clone());
        }
        if !self.marks.seen_before(hash) {
            return None;
        }
        if self.room == 0 {
            self.forget_those_without_handle();
        }
        self.room -= 1;
        Some(self.heat(hash, topic))
    }

    /// Where `topic` is hot.
    pub(crate) fn find(&self, topic: &Topic) -> Option<Rc<Spot<R>>> {
        self.at(self.hot.hash(topic.as_str()), topic).cloned()
    }

    /// Makes `topic` hot for a handle.
    pub(crate) fn hold(&mut self, topic: &Topic) -> Rc<Spot<R>> {
        let hash = self.hot.hash(topic.as_str());
        match self.at(hash, topic) {
            Some(spot) => spot.clone(),
            None => self.heat(hash, topic),
        }
    }

    /// Takes a handle's topic back; with its last handle it is forgotten.
    pub(crate) fn release(&mut self, spot: &Rc<Spot<R>>) {
        const THE_TREE_AND_THE_LAST_HANDLE: usize = 2;
        if Rc::strong_count(spot) == THE_TREE_AND_THE_LAST_HANDLE {
            self.cool(spot);
        }
    }

    /// Takes the routes of the topics that `pattern` matches, and no others.
    ///
    /// Dropped here, they never are the last to hold a handler: the router, or whoever just took the
    /// subscription out of it, holds it too.
    pub(crate) fn invalidate(&mut self, pattern: &Pattern) {
        if self.hot.len() == 0 {
            return;
        }
        let mut invalidated = 0;
        let mut touch = |spot: &Rc<Spot<R>>| {
            invalidated += u64::from(spot.route.take().is_some());
            drop(spot.outside.take());
        };
        match pattern.as_topic() {
            Some(topic) => self.find(&topic).iter().for_each(touch),
            None => self.tree.within(pattern, &mut touch),
        }
        self.invalidated += invalidated;
    }

    /// How many routes were invalidated so far.
    pub(crate) fn invalidated(&self) -> u64 {
        self.invalidated
    }

    fn at(&self, hash: u32, topic: &Topic) -> Option<&Rc<Spot<R>>> {
        let at = self.hot.find(hash, &|at| self.tree.is_at(at, topic))?;
        self.tree.get(at)
    }

    fn heat(&mut self, hash: u32, topic: &Topic) -> Rc<Spot<R>> {
        let spot = Rc::new(Spot {
            topic: topic.clone(),
            route: RefCell::new(None),
            outside: RefCell::new(None),
            hash,
        });
        let at = self.tree.insert(spot.clone());
        let hash_of = |at: u32| self.tree.get(at).map_or(0, |spot| spot.hash);
        self.hot.insert(hash, at, &hash_of);
        spot
    }

    fn cool(&mut self, spot: &Spot<R>) {
        let is_it = |at: u32| self.tree.is_at(at, &spot.topic);
        if let Some(at) = self.hot.find(spot.hash, &is_it) {
            self.hot.remove(spot.hash, at);
            self.tree.remove(at);
        }
        if self.hot.len() == 0 {
            // Gives the memory back.
            self.hot = Edges::default();
            self.tree = Tree::default();
        }
    }

    fn forget_those_without_handle(&mut self) {
        let spots = self.hot.children().filter_map(|at| self.tree.get(at));
        let without: Vec<_> = spots.filter(|spot| Rc::strong_count(spot) == 1).cloned().collect();
        for spot in without {
            self.cool(&spot);
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

    fn hot(routes: &mut Routes<i32>, text: &str) -> Rc<Spot<i32>> {
        let spot = routes.hold(&topic(text));
        spot.route.replace(Some(0));
        spot
    }

    #[test]
    fn a_pattern_invalidates_the_routes_that_it_matches_and_no_others() {
        let mut routes = Routes::default();
        let spots = ["a.b", "a.c", "a", "a.b.c", "b.c", "$a.b"].map(|text| hot(&mut routes, text));
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
            for spot in &spots {
                let invalid = spot.route.replace(Some(0)).is_none();
                assert_eq!(
                    invalid,
                    touched.contains(&spot.topic.as_str()),
                    "{pattern} {}",
                    spot.topic
                );
            }
        }
    }

    #[test]
    fn a_topic_is_hot_from_its_second_time_and_a_one_off_topic_leaves_nothing() {
        let mut routes = Routes::<i32>::default();
        for number in 0..10_000 {
            routes.seen(&topic(&format!("once.{number}")));
        }
        // Hashes are seeded at random, and one topic in 2^21 meets a mark that has its hash: of 10,000
        // topics one is hot by mistake in 1 run of 200, four in 1 run of 10^10.
        assert!(routes.hot.len() <= 3, "{}", routes.hot.len());
        let times = (0..100).take_while(|_| routes.seen(&topic("hot")).is_none()).count();
        assert!(times <= marks::PATIENCE as usize + 1, "{times}");
    }

    #[test]
    fn many_topics_that_take_turns_all_become_hot() {
        let mut routes = Routes::<i32>::default();
        let topics: Vec<_> = (0..100_000).map(|number| topic(&format!("turn.{number}"))).collect();
        for _ in 0..marks::PATIENCE {
            topics.iter().for_each(|topic| drop(routes.seen(topic)));
        }
        assert!(routes.hot.len() > 95_000, "{}", routes.hot.len());
    }

    #[test]
    fn without_handles_only_so_many_topics_are_hot() {
        let mut routes = Routes::<i32>::default();
        let held = routes.hold(&topic("held"));
        for number in 0..MAX_WITHOUT_HANDLE + 10_000 {
            let topic = topic(&format!("twice.{number}"));
            while routes.seen(&topic).is_none() {}
        }
        assert!(routes.hot.len() <= MAX_WITHOUT_HANDLE + 1);
        assert!(Rc::ptr_eq(&held, &routes.hold(&topic("held"))));
    }

    #[test]
    fn a_handle_that_goes_takes_its_topic_along() {
        let mut routes = Routes::<i32>::default();
        let (one, two) = (hot(&mut routes, "a.b"), hot(&mut routes, "a.b"));
        routes.release(&one);
        drop(one);
        assert_eq!(routes.hot.len(), 1);
        routes.release(&two);
        assert_eq!((routes.hot.len(), routes.tree.len()), (0, 0));
    }

    #[test]
    fn topics_whose_hashes_are_equal_are_told_apart() {
        let mut routes = Routes::<i32>::default();
        routes.hot.without = u32::MAX;
        routes.tree.edges.without = u32::MAX;
        let texts = ["a.b", "a.c", "b.b", "b.c", "a.b.c", "a.b.b", "c"];
        let spots = texts.map(|text| hot(&mut routes, text));
        for (pattern, touched) in [("a.*", 2), ("*.c", 2), ("a.b.*", 2), ("b.>", 2), ("c", 1)] {
            for spot in &spots {
                spot.route.replace(Some(0));
            }
            let before = routes.invalidated();
            routes.invalidate(&Pattern::parse(pattern).unwrap());
            assert_eq!(routes.invalidated() - before, touched, "{pattern}");
        }
        for spot in spots {
            assert!(routes.find(&spot.topic).is_some_and(|found| Rc::ptr_eq(&found, &spot)));
            routes.release(&spot);
            assert!(routes.find(&spot.topic).is_none());
        }
    }
}
