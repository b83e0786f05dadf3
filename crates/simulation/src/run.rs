//! Runs many seeds on all cores.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crate::check::Violation;
use crate::coverage::Coverage;
use crate::mutation::Mutation;
use crate::world::World;

/// The result of many seeds.
#[derive(Debug, Default)]
pub struct Summary {
    /// The number of seeds.
    pub seeds: u64,
    /// The fewest publishes of a seed.
    pub fewest_publishes: Option<u32>,
    /// The fewest faults of a seed.
    pub fewest_faults: Option<u32>,
    /// The number of events that tabs with a shared disk have sent from memory, because the disk refused writes.
    pub spilled: u64,
    /// How often each fault has occurred in each state.
    pub coverage: Coverage,
    /// The lowest seeds that broke a promise, in ascending order.
    pub broken: Vec<(u64, Violation)>,
}

/// Runs `count` seeds from `first` on, or until the deadline. Stops early once a seed has broken a promise.
pub fn seeds(
    first: u64,
    count: u64,
    until: Option<Instant>,
    mutation: Option<Mutation>,
) -> Summary {
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let summary = Mutex::new(Summary::default());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut mine = Summary::default();
                while !stop.load(Ordering::Relaxed)
                    && until.is_none_or(|until| Instant::now() < until)
                {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    mine.run(first + index, mutation);
                    if !mine.broken.is_empty() {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                if let Ok(mut summary) = summary.lock() {
                    summary.merge(mine);
                }
            });
        }
    });
    let mut summary = summary.into_inner().unwrap_or_default();
    summary.broken.sort_by_key(|(seed, _)| *seed);
    summary
}

impl Summary {
    fn run(&mut self, seed: u64, mutation: Option<Mutation>) {
        let outcome = World::run(seed, mutation, false);
        self.merge(Self {
            seeds: 1,
            fewest_publishes: Some(outcome.publishes),
            fewest_faults: Some(outcome.faults),
            spilled: outcome.spilled,
            coverage: outcome.coverage,
            broken: outcome.verdict.err().map(|violation| (seed, violation)).into_iter().collect(),
        });
    }

    fn merge(&mut self, other: Self) {
        let fewest = |a: Option<u32>, b: Option<u32>| a.into_iter().chain(b).min();
        self.seeds += other.seeds;
        self.spilled += other.spilled;
        self.fewest_publishes = fewest(self.fewest_publishes, other.fewest_publishes);
        self.fewest_faults = fewest(self.fewest_faults, other.fewest_faults);
        self.coverage.merge(&other.coverage);
        self.broken.extend(other.broken);
    }
}
