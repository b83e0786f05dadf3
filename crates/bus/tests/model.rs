//! Patterns and compiled routes against a matcher that is too simple to be wrong.

use std::cell::RefCell;
use std::rc::Rc;

use bus::{Bus, Failure, Pattern, Payload, Subscription, Topic};
use proptest::prelude::*;

/// Compares token by token.
fn naive(pattern: &str, topic: &str) -> bool {
    fn walk(pattern: &[&str], topic: &[&str]) -> bool {
        match (pattern, topic) {
            ([], []) => true,
            ([">"], [_, ..]) => true,
            (["*", pattern @ ..], [_, topic @ ..]) => walk(pattern, topic),
            ([a, pattern @ ..], [b, topic @ ..]) => a == b && walk(pattern, topic),
            _ => false,
        }
    }
    let pattern: Vec<_> = pattern.split('.').collect();
    let topic: Vec<_> = topic.split('.').collect();
    let is_hidden = topic[0].starts_with('$') && ["*", ">"].contains(&pattern[0]);
    !is_hidden && walk(&pattern, &topic)
}

fn topics() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof!["[ab]", "[ab]", "[$]a", "é"], 1..5)
        .prop_map(|tokens| tokens.join("."))
}

fn patterns() -> impl Strategy<Value = String> {
    let token = prop_oneof![3 => "[ab]", 1 => "[$]a", 1 => "é", 2 => Just("*".to_owned())];
    (prop::collection::vec(token, 0..4), prop::option::of(Just(">".to_owned())))
        .prop_map(|(mut tokens, tail)| {
            tokens.extend(tail);
            tokens.join(".")
        })
        .prop_filter("not empty", |text| !text.is_empty())
}

#[derive(Debug, Clone)]
enum Step {
    Add(String, i32),
    /// Ends one of the live subscriptions.
    End(prop::sample::Index),
    Publish(String),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (patterns(), -1..2).prop_map(|(pattern, priority)| Step::Add(pattern, priority)),
        1 => any::<prop::sample::Index>().prop_map(Step::End),
        4 => topics().prop_map(Step::Publish),
    ];
    prop::collection::vec(step, 1..60)
}

struct Nothing;

impl Payload for Nothing {
    type Cause = String;
    fn failure(_: Failure<String>) -> Self {
        Self
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_pattern_matches_what_the_naive_matcher_matches(pattern in patterns(), topic in topics()) {
        let matches = Pattern::parse(&pattern)?.matches(&Topic::parse(&topic)?);
        prop_assert_eq!(matches, naive(&pattern, &topic));
    }

    #[test]
    fn compiled_routes_deliver_to_the_subscriptions_of_the_naive_matcher_in_order(steps in steps()) {
        let bus = Bus::<Nothing>::new(|_| {});
        let log = Rc::new(RefCell::new(Vec::new()));
        let mut model: Vec<(String, i32, usize, Subscription)> = Vec::new();
        for (name, step) in steps.into_iter().enumerate() {
            match step {
                Step::Add(pattern, priority) => {
                    let seen = log.clone();
                    let subscription = bus.subscriber(Pattern::parse(&pattern)?).priority(priority).handle(move |_| {
                        seen.borrow_mut().push(name);
                        Ok(())
                    });
                    model.push((pattern, priority, name, subscription));
                }
                Step::End(_) if model.is_empty() => {}
                Step::End(index) => drop(model.remove(index.index(model.len()))),
                Step::Publish(topic) => {
                    bus.publish(Topic::parse(&topic)?, Nothing).ok();
                    let mut expected: Vec<_> =
                        model.iter().filter(|(pattern, ..)| naive(pattern, &topic)).collect();
                    expected.sort_by_key(|(_, priority, name, _)| (-priority, *name));
                    let expected: Vec<usize> = expected.into_iter().map(|(_, _, name, _)| *name).collect();
                    let system = topic.starts_with('$');
                    prop_assert_eq!(log.take(), if system { Vec::new() } else { expected });
                }
            }
        }
    }
}
