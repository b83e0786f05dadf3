//! `simulate --seed S` replays one seed and prints its history, `simulate --hours H` runs new seeds for that time, and
//! `simulate` alone runs the seeds of CI. Start it with `cargo xtask simulate`.

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use simulation::run::{Summary, seeds};
use simulation::world::World;
use simulation::{CI_SEEDS, MUST_MEET};

const USAGE: &str = "usage: simulate [--seed S | --hours H]";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [] => report(&seeds(0, CI_SEEDS, None, None), true),
        ["--seed", seed] => match seed.parse() {
            Ok(seed) => replay(seed),
            Err(_) => refuse("a seed is a whole number"),
        },
        ["--hours", hours] => match hours.parse().ok().map(Duration::try_from_secs_f64) {
            Some(Ok(hours)) => run_on(hours * 3_600),
            _ => refuse("hours are a number from 0 on"),
        },
        _ => refuse(USAGE),
    }
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::from(2)
}

fn replay(seed: u64) -> ExitCode {
    let outcome = World::run(seed, None, true);
    println!("seed {seed}: {} publishes, {} faults", outcome.publishes, outcome.faults);
    match outcome.verdict {
        Ok(()) => {
            println!("all promises were kept");
            ExitCode::SUCCESS
        }
        Err(violation) => {
            println!("{violation}");
            ExitCode::FAILURE
        }
    }
}

/// Seeds that no earlier run has used.
fn run_on(time: Duration) -> ExitCode {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let first = now.as_secs() << 24;
    report(&seeds(first, u64::MAX, Instant::now().checked_add(time), None), false)
}

fn report(summary: &Summary, must_meet_all: bool) -> ExitCode {
    println!("how often each fault met each state:\n{}", summary.coverage);
    println!(
        "{} seeds, each with at least {} publishes and {} faults",
        summary.seeds,
        summary.fewest_publishes.unwrap_or(0),
        summary.fewest_faults.unwrap_or(0)
    );
    let mut code = ExitCode::SUCCESS;
    for (seed, violation) in &summary.broken {
        println!("seed {seed}: {violation}\nreplay it with `cargo xtask simulate --seed {seed}`");
        code = ExitCode::FAILURE;
    }
    if must_meet_all {
        for (fault, phase, met) in summary.coverage.below(MUST_MEET) {
            println!("{fault:?} met {phase:?} {met} times, less often than {MUST_MEET}");
            code = ExitCode::FAILURE;
        }
    }
    code
}
