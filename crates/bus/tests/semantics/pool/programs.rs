//! Random programs on a pool, checked against its promises.
//!
//! A failure prints its seed: `PROGRAM_SEED=<seed> cargo test -p event-driven-kit-bus --test
//! semantics programs`.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::rc::Rc;

use bus::{Overflow, Pool};

use super::hall::{Job, Scene, members};
use crate::stage::{n, topic};

const PROGRAMS: u64 = 20_000;
const ATTEMPTS: u32 = 2;

#[test]
fn in_random_programs_every_event_is_handled_or_reported_as_failed_and_no_two_workers_have_it() {
    let chosen = std::env::var("PROGRAM_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = chosen.map_or(0..PROGRAMS, |seed: u64| seed..seed + 1);
    let mut total = Total::default();
    for seed in seeds {
        let _told = ToldOnPanic(seed);
        run(seed, &mut total);
    }
    let enough = total.handled > 50_000 && total.again > 10_000 && total.given_up > 1_000;
    assert!(chosen.is_some() || enough, "programs do too little: {total:?}");
}

struct ToldOnPanic(u64);

impl Drop for ToldOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("PROGRAM_SEED={}", self.0);
        }
    }
}

#[derive(Debug, Default)]
struct Total {
    handled: usize,
    again: usize,
    given_up: usize,
}

/// A running program and the outcomes of its events. The text of an event is its index in `published`.
struct Program {
    scene: Scene,
    random: Random,
    published: Vec<Rc<str>>,
    given: BTreeMap<usize, u32>,
    /// The worker that handles each event.
    held: BTreeMap<usize, usize>,
    youngest: Option<usize>,
    handled: BTreeSet<usize>,
    failed: usize,
}

fn run(seed: u64, total: &mut Total) {
    let mut random = Random(seed);
    let scene = Scene::new();
    scene.hall.eager.set(random.below(2) == 0);
    let options = members(1 + random.below(4))
        .attempts(NonZeroU32::new(ATTEMPTS).unwrap())
        .capacity(n(1 + random.below(6)), Overflow::wait());
    let pool = scene.pool(options);
    let mut program = Program {
        scene,
        random,
        published: Vec::new(),
        given: BTreeMap::new(),
        held: BTreeMap::new(),
        youngest: None,
        handled: BTreeSet::new(),
        failed: 0,
    };
    for _ in 0..10 + program.random.below(60) {
        program.step();
        program.check();
    }
    if program.random.below(4) > 0 {
        program.finish(&pool, total);
    }
    drop(pool);
    program.check();
    assert!(program.held.is_empty() && program.scene.hall.standing.borrow().is_empty());
    assert!(program.published.iter().all(|one| Rc::strong_count(one) == 1), "memory is kept");
}

impl Program {
    fn step(&mut self) {
        let standing = self.standing();
        let worker = standing.get(self.random.below(standing.len().max(1))).copied();
        match (self.random.below(12), worker) {
            (0..5, _) => self.publish(),
            (5, Some(worker)) => self.scene.hall.ready(worker),
            (6..8, Some(worker)) => {
                let fails = self.random.below(4) == 0;
                self.end_work(worker, fails);
            }
            (8, Some(worker)) => self.scene.hall.die(worker),
            (9, _) => self.scene.pass(self.random.below(1_500) as u64),
            (10, _) => self.scene.hall.broken.set(self.random.below(3) == 0),
            _ => {}
        }
    }

    fn publish(&mut self) {
        let job: Rc<str> = self.published.len().to_string().into();
        self.published.push(job.clone());
        if self.scene.bus.publish(topic("job"), Job(job)).is_err() {
            self.published.pop();
        }
    }

    fn end_work(&mut self, worker: usize, fails: bool) {
        let Some((&job, _)) = self.held.iter().find(|&(_, &holder)| holder == worker) else {
            return;
        };
        self.held.remove(&job);
        self.handled.insert(job);
        if fails {
            self.failed += 1;
            self.scene.hall.fail(worker, "a failure");
        } else {
            self.scene.hall.finish(worker);
        }
    }

    /// From here on nothing fails.
    fn finish(&mut self, pool: &Pool<Job>, total: &mut Total) {
        self.scene.hall.broken.set(false);
        for _ in 0..1_000 {
            if pool.pending() == 0 {
                break;
            }
            for worker in self.standing() {
                self.scene.hall.ready(worker);
                self.check();
                self.end_work(worker, false);
                self.check();
            }
            self.scene.pass(100);
            self.check();
        }
        assert_eq!((pool.pending(), pool.dropped()), (0, 0));
        let reported = self.scene.failures.borrow();
        let given_up = reported.iter().filter(|text| text.contains("given up")).count();
        assert_eq!(reported.len(), given_up + self.failed);
        assert_eq!(self.handled.len() + given_up, self.published.len(), "an event is lost");
        total.handled += self.handled.len();
        total.given_up += given_up;
        total.again += self.given.values().filter(|&&times| times > 1).count();
    }

    /// Checks the events handed to workers against those that they had before.
    fn check(&mut self) {
        for line in self.scene.hall.logged() {
            if let Some(worker) = line.strip_suffix(" ends") {
                let worker = worker.parse().unwrap();
                self.held.retain(|_, holder| *holder != worker);
                continue;
            }
            let (worker, job) = line.split_once(':').unwrap();
            let again = job.ends_with(" again");
            let job: usize = job.trim_end_matches(" again").parse().unwrap();
            let times = self.given.entry(job).or_default();
            assert_eq!(again, *times > 0, "the mark of {job} is wrong");
            *times += 1;
            assert!(*times <= ATTEMPTS && !self.handled.contains(&job), "{job} came too often");
            if !again {
                assert!(self.youngest < Some(job), "{job} came out of order");
                self.youngest = Some(job);
            }
            let before = self.held.insert(job, worker.parse().unwrap());
            assert_eq!(before, None, "two workers have {job}");
        }
    }

    fn standing(&self) -> Vec<usize> {
        self.scene.hall.standing.borrow().iter().map(|one| one.number).collect()
    }
}

/// SplitMix64: small, and the same on every platform.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}
