//! Random programs on the bus, held against a model that is obviously right.
//!
//! A program is a list of commands for the top, and one for each handler, which it runs when it is
//! called; ids of subscriptions are given in the order in which they are made. When a program fails,
//! its seed is printed: `PROGRAM_SEED=<seed> cargo test -p event-driven-kit-bus --test programs`.

mod generate;
mod model;
mod real;

use generate::program;

const PROGRAMS: u64 = 100_000;

#[test]
fn random_programs_do_on_the_bus_what_they_do_on_the_model() {
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
