//! The simulation finds each deliberate bug within a thousand seeds.

use simulation::mutation::Mutation;
use simulation::run::seeds;

#[test]
fn every_bug_on_purpose_is_found_within_a_thousand_seeds() {
    let mut missed = Vec::new();
    for mutation in Mutation::ALL {
        let summary = seeds(0, 1_000, None, Some(mutation));
        match summary.broken.first() {
            Some((seed, violation)) => println!("{mutation:?}: seed {seed}: {violation}"),
            None => missed.push(mutation),
        }
    }
    assert_eq!(missed, [], "these were not found");
}

#[test]
fn the_same_seeds_without_a_bug_break_no_promise() {
    let summary = seeds(0, 1_000, None, None);
    assert_eq!(summary.broken, []);
}
