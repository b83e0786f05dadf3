//! The router against [`Pattern::matches`], and with colliding hashes.

use proptest::prelude::*;

use super::*;

/// The keys of the entries that match `topic`, in the order of insertion.
fn found<T>(router: &Router<T>, topic: &Topic) -> Vec<Key> {
    let mut keys = Vec::new();
    router.visit(topic, |key, _| keys.push(key));
    keys.sort();
    keys
}

/// The keys of the live entries whose patterns match `topic`.
fn expected(live: &[(Key, Pattern)], topic: &Topic) -> Vec<Key> {
    live.iter().filter(|(_, pattern)| pattern.matches(topic)).map(|(key, _)| *key).collect()
}

/// All texts of one to three tokens.
fn texts(tokens: &[&str]) -> Vec<String> {
    let one: Vec<String> = tokens.iter().map(|&token| token.to_owned()).collect();
    let longer = |texts: &[String]| -> Vec<String> {
        let pairs = texts.iter().flat_map(|text| tokens.iter().map(move |token| (text, token)));
        pairs.map(|(text, token)| format!("{text}.{token}")).collect()
    };
    let two = longer(&one);
    let three = longer(&two);
    [one, two, three].concat()
}

fn patterns() -> Vec<Pattern> {
    let texts = texts(&["a", "b", "cc", "$d", "*", ">"]);
    texts.iter().filter_map(|text| Pattern::parse(text).ok()).collect()
}

fn topics() -> Vec<Topic> {
    let texts = texts(&["a", "b", "cc", "$d", "e"]);
    texts.iter().filter_map(|text| Topic::parse(text).ok()).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Insert(Pattern),
    /// Removes one of the live entries.
    Remove(prop::sample::Index),
    Find(Topic),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => prop::sample::select(patterns()).prop_map(Step::Insert),
        1 => any::<prop::sample::Index>().prop_map(Step::Remove),
        4 => prop::sample::select(topics()).prop_map(Step::Find),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_router_finds_the_live_entries_that_match_after_any_insertions_and_removals(steps in steps()) {
        let mut router = Router::default();
        let mut live: Vec<(Key, Pattern)> = Vec::new();
        for step in steps {
            match step {
                Step::Insert(pattern) => live.push((router.insert(&pattern, pattern.clone()), pattern)),
                Step::Remove(_) if live.is_empty() => {}
                Step::Remove(index) => {
                    let (key, pattern) = live.remove(index.index(live.len()));
                    prop_assert_eq!(router.remove(&pattern, key), Some(pattern.clone()));
                    prop_assert_eq!(router.remove(&pattern, key), None);
                }
                Step::Find(topic) => prop_assert_eq!(found(&router, &topic), expected(&live, &topic)),
            }
            prop_assert_eq!(router.len(), live.len());
        }
    }
}

#[test]
fn tokens_with_equal_hashes_are_kept_apart() {
    let topics = topics();
    for without in [u32::MAX, u32::MAX - 1, u32::MAX - 5] {
        let mut router = Router::default();
        router.edges.without = without;
        let patterns = patterns().into_iter();
        let mut live: Vec<(Key, Pattern)> =
            patterns.map(|pattern| (router.insert(&pattern, pattern.clone()), pattern)).collect();
        while !live.is_empty() {
            for topic in &topics {
                assert_eq!(found(&router, topic), expected(&live, topic), "{topic}");
            }
            // Removes a third of the entries, spread over the whole list.
            let mut index = 0;
            live.retain(|(key, pattern)| {
                index += 1;
                let is_removed = index % 3 == 1;
                if is_removed {
                    assert_eq!(router.remove(pattern, *key).as_ref(), Some(pattern));
                }
                !is_removed
            });
            assert_eq!(router.len(), live.len());
        }
    }
}
