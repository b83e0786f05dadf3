//! A simulation of clients, tabs, a relay and its store in virtual time, over links that break in every known way. A
//! checker compares the resulting history with the protocol's promises.

pub mod access;
pub mod check;
pub mod coverage;
pub mod fault;
pub mod history;
pub mod mutation;
mod random;
pub mod run;
mod wire;
pub mod world;

/// The number of seeds of a CI run.
pub const CI_SEEDS: u64 = 10_000;
/// How often each fault must occur in each state during a CI run.
pub const MUST_MEET: u64 = 100;
