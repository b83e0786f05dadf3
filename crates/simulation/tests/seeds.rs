//! The seeds of CI: ten thousand worlds in which every fault occurs in every state and no promise is broken.

use simulation::run::seeds;
use simulation::{CI_SEEDS, MUST_MEET};

#[test]
fn no_promise_breaks_in_ten_thousand_worlds_and_every_fault_meets_every_state() {
    let summary = seeds(0, CI_SEEDS, None, None);
    println!("{}", summary.coverage);
    if let Some((seed, violation)) = summary.broken.first() {
        panic!("seed {seed}: {violation}\nreplay it with `cargo xtask simulate --seed {seed}`");
    }
    assert_eq!(summary.seeds, CI_SEEDS);
    assert!(summary.fewest_publishes >= Some(200), "{:?}", summary.fewest_publishes);
    assert!(summary.fewest_faults >= Some(5), "{:?}", summary.fewest_faults);
    assert!(summary.spilled >= 10_000, "{} events went out from memory", summary.spilled);
    assert_eq!(summary.coverage.below(MUST_MEET), [], "these met too seldom");
}
