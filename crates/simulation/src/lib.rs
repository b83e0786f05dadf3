//! The proof of the project's main promise: clients, tabs, a relay and its store, in virtual time, over
//! links that break in every way known, with a checker that holds what was seen against what was
//! promised.

pub mod check;
pub mod coverage;
pub mod fault;
pub mod history;
pub mod mutation;
mod random;
pub mod run;
pub mod store;
mod wire;
pub mod world;

/// How many seeds a run of CI has.
pub const CI_SEEDS: u64 = 10_000;
/// How often each fault must meet each state in them.
pub const MUST_MEET: u64 = 100;
