//! The router when hashes collide, which no test from outside can bring about.

use super::*;

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

#[test]
fn tokens_whose_hashes_are_equal_are_told_apart() {
    for without in [u32::MAX, u32::MAX - 1, u32::MAX - 5] {
        let mut router = Router::default();
        router.edges.without = without;
        let patterns: Vec<Pattern> = texts(&["a", "b", "cc", "*", ">"])
            .iter()
            .filter_map(|text| Pattern::parse(text).ok())
            .collect();
        let topics: Vec<Topic> = texts(&["a", "b", "cc", "d"])
            .iter()
            .filter_map(|text| Topic::parse(text).ok())
            .collect();
        let mut standing: Vec<(Key, &Pattern)> =
            patterns.iter().map(|pattern| (router.insert(pattern, pattern), pattern)).collect();
        while !standing.is_empty() {
            for topic in &topics {
                let found: Vec<Key> =
                    router.matches(topic).into_iter().map(|(key, _)| key).collect();
                let matching = standing.iter().filter(|(_, pattern)| pattern.matches(topic));
                let expected: Vec<Key> = matching.map(|(key, _)| *key).collect();
                assert_eq!(found, expected, "{topic}");
            }
            // Ends a third of them, from all over.
            let mut place = 0;
            standing.retain(|(key, pattern)| {
                place += 1;
                let ends = place % 3 == 1;
                if ends {
                    assert_eq!(router.remove(pattern, *key), Some(*pattern));
                }
                !ends
            });
            assert_eq!(router.len(), standing.len());
        }
    }
}
