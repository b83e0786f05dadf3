//! Random programs on the bus, compared with a model that is too simple to be wrong.
//!
//! A program is a list of commands. Each handler has a list of its own, which it runs when it is called. Subscriptions
//! have ids in the order of their creation. A failure prints its seed: `PROGRAM_SEED=<seed> cargo test -p
//! event-driven-kit-bus --test programs`.

mod generate;
mod model;
mod real;

use generate::program;

const PROGRAMS: u64 = 100_000;

#[test]
fn random_programs_behave_on_the_bus_as_on_the_model() {
    let chosen = std::env::var("PROGRAM_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = chosen.map_or(0..PROGRAMS, |seed: u64| seed..seed + 1);
    let mut delivered = 0;
    for seed in seeds {
        let program = program(seed);
        let (expected, found) = (model::run(&program), real::run(&program));
        assert_eq!(found, expected, "PROGRAM_SEED={seed}\n{program:#?}");
        delivered += expected.len();
    }
    assert!(chosen.is_some() || delivered > 1_000_000, "programs do too little: {delivered}");
}
