//! Rights that change and credentials that end: a smaller world for promise 8.
//!
//! People connect to a peer with an authority. What the authority grants them changes, their credentials end after
//! seconds, and they connect again, resume and refresh. The [checker](check) knows what was granted and what was sent,
//! and not how the machines decide.

pub mod check;
mod inspect;
mod people;
mod world;

use crate::check::Violation;
use crate::mutation::Mutation;
use check::Record;

/// What happened in a seed.
#[derive(Debug)]
pub struct AccessOutcome {
    /// The records, with their virtual times.
    pub records: Vec<(u64, Record)>,
    /// The verdict.
    pub verdict: Result<(), Violation>,
}

/// Runs a seed, optionally with a deliberate bug.
pub fn run(seed: u64, mutation: Option<Mutation>) -> AccessOutcome {
    let records = world::World::run(seed, mutation);
    let verdict = check::check(&records);
    AccessOutcome { records, verdict }
}
