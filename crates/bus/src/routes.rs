//! The compiled routes: what each topic resolved to, until a matching subscription comes or goes.

use std::collections::HashMap;
use std::mem;

use crate::{Pattern, Topic};

/// Routes by topic, in two generations so that one-off topics cannot fill it: a route that is not
/// asked for while [`Routes::GENERATION`] others are made is forgotten, and compiled again when needed.
#[derive(Debug)]
pub(crate) struct Routes<R> {
    young: HashMap<Topic, R>,
    old: HashMap<Topic, R>,
}

impl<R> Default for Routes<R> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<R: Clone> Routes<R> {
    const GENERATION: usize = 8_192;

    pub(crate) fn get(&mut self, topic: &Topic) -> Option<R> {
        if let Some(route) = self.young.get(topic) {
            return Some(route.clone());
        }
        let (topic, route) = self.old.remove_entry(topic)?;
        self.insert(topic, route.clone());
        Some(route)
    }

    pub(crate) fn insert(&mut self, topic: Topic, route: R) {
        if self.young.len() >= Self::GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(topic, route);
    }

    /// Takes out the routes of the topics that `pattern` matches, and no others.
    ///
    /// They are answered, not dropped: a route may be the last to hold a handler, and what that
    /// handler owns may call back into the bus when it is dropped.
    #[must_use]
    pub(crate) fn invalidate(&mut self, pattern: &Pattern) -> Vec<R> {
        let generations = [&mut self.young, &mut self.old];
        match pattern.as_topic() {
            Some(topic) => {
                generations.into_iter().filter_map(|routes| routes.remove(&topic)).collect()
            }
            None => generations
                .into_iter()
                .flat_map(|routes| routes.extract_if(|topic, _| pattern.matches(topic)))
                .map(|(_, route)| route)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(text: &str) -> Topic {
        Topic::parse(text).unwrap()
    }

    #[test]
    fn a_pattern_invalidates_the_routes_that_it_matches_and_no_others() {
        let mut routes = Routes::default();
        for text in ["a.b", "a.c", "b.c"] {
            routes.insert(topic(text), text);
        }
        let mut gone = routes.invalidate(&Pattern::parse("a.*").unwrap());
        gone.sort_unstable();
        assert_eq!(gone, ["a.b", "a.c"]);
        assert_eq!(routes.invalidate(&Pattern::parse("a.b").unwrap()), [""; 0]);
        assert_eq!(routes.get(&topic("b.c")), Some("b.c"));
    }

    #[test]
    fn one_off_topics_do_not_make_it_grow_and_a_hot_one_stays() {
        let mut routes = Routes::default();
        routes.insert(topic("hot"), 0);
        for number in 0..100_000 {
            routes.insert(topic(&format!("once.{number}")), number);
            assert_eq!(routes.get(&topic("hot")), Some(0));
        }
        assert!(routes.young.len() + routes.old.len() <= 2 * Routes::<i32>::GENERATION);
    }
}
