//! `test`: runs the stages, in two lanes if there are cores for both. After a failure, no further stage begins. The
//! last line sums up the tests.

mod autobahn;
mod count;
mod lanes;
mod stages;
mod table;

use crate::progress::{self, print};
use crate::setup;
use crate::workspace::Workspace;
use anyhow::{Result, anyhow};
use count::Counts;
use stages::Context;
use std::fs;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

pub use stages::Stage;

struct JobOutcome {
    name: &'static str,
    /// The time since the start of the run.
    began: Duration,
    took: Duration,
    counts: Counts,
    error: Option<anyhow::Error>,
}

/// Runs the stages in `only`, or all stages if it is empty.
pub fn run(workspace: &Workspace, only: &[Stage]) -> Result<ExitCode> {
    let mut selected = Stage::ALL.to_vec();
    if !only.is_empty() {
        selected.retain(|stage| only.contains(stage));
    }
    let context = Context { workspace, toolchain: OnceLock::new() };
    let suite = Suite { context, began: Instant::now(), selected };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let outcomes = if suite.selected.len() > 1 && cores > 1 {
        fs::create_dir_all(logs(workspace))?;
        lanes::run(&suite.selected, |job| suite.perform_in_parallel(job))
    } else {
        suite.one_by_one()
    };
    Ok(summarise(&outcomes, suite.began.elapsed(), cores))
}

/// The folder of the logs of stages that run in parallel.
fn logs(workspace: &Workspace) -> std::path::PathBuf {
    workspace.own_target().join("test")
}

/// One piece of work of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// One set-up for all stages, so that a missing tool is reported before minutes of testing.
    SetUp,
    Stage(Stage),
}

impl Job {
    fn name(self) -> &'static str {
        match self {
            Self::SetUp => "set-up",
            Self::Stage(stage) => stage.name(),
        }
    }
}

struct Suite<'a> {
    context: Context<'a>,
    began: Instant,
    selected: Vec<Stage>,
}

impl Suite<'_> {
    /// Runs the stages one after the other, and shows their output as it comes.
    fn one_by_one(&self) -> Vec<JobOutcome> {
        let mut outcomes = Vec::new();
        let set_up = needs_set_up(&self.selected).then_some(Job::SetUp);
        for job in set_up.into_iter().chain(self.selected.iter().copied().map(Job::Stage)) {
            println!("\n== {}", job.name());
            let outcome = self.perform(job);
            println!("== {}", table::line(&outcome));
            let failed = outcome.error.is_some();
            outcomes.push(outcome);
            if failed {
                break;
            }
        }
        outcomes
    }

    /// Runs a job with its output in a file. The output is shown at the end: on a terminal only if the job failed.
    fn perform_in_parallel(&self, job: Job) -> JobOutcome {
        let name = job.name();
        print(&format!("== {name} begins"));
        if job == Job::SetUp {
            let outcome = self.perform(job);
            print(&format!("== {}", table::line(&outcome)));
            return outcome;
        }
        let log = logs(self.context.workspace).join(format!("{name}.log"));
        let outcome = match progress::logged(name, &log, || self.perform(job)) {
            Ok(outcome) => outcome,
            Err(error) => self.outcome(job, Instant::now(), Counts::default(), Err(error)),
        };
        if outcome.error.is_some() || !progress::is_terminal() {
            let text = fs::read(&log).unwrap_or_default();
            print(&format!("\n== {name}\n{}", String::from_utf8_lossy(&text).trim_end()));
        }
        print(&format!("== {}", table::line(&outcome)));
        outcome
    }

    fn perform(&self, job: Job) -> JobOutcome {
        let started = Instant::now();
        let mut counts = Counts::default();
        let result = match job {
            Job::SetUp => self.set_up(),
            Job::Stage(stage) => {
                let result = stage.run(&self.context, &mut counts);
                if result.is_ok() && stage.has_tests() && counts.passed == 0 {
                    Err(anyhow!("no tests ran"))
                } else {
                    result
                }
            }
        };
        self.outcome(job, started, counts, result)
    }

    fn outcome(
        &self,
        job: Job,
        started: Instant,
        mut counts: Counts,
        result: Result<()>,
    ) -> JobOutcome {
        if result.is_err() && counts.failed == 0 {
            // A failure without a failed test, such as a lint, must show in the sum.
            counts.failed = 1;
        }
        JobOutcome {
            name: job.name(),
            began: started.duration_since(self.began),
            took: started.elapsed(),
            counts,
            error: result.err(),
        }
    }

    fn set_up(&self) -> Result<()> {
        let mut needs = Vec::new();
        for need in self.selected.iter().filter_map(|stage| stage.needs()).flatten() {
            if !needs.contains(need) {
                needs.push(*need);
            }
        }
        let toolchain = setup::ensure(self.context.workspace, &needs)?;
        self.context.toolchain.set(toolchain).map_err(|_| anyhow!("set-up ran twice"))
    }
}

fn needs_set_up(selected: &[Stage]) -> bool {
    selected.iter().any(|stage| stage.needs().is_some())
}

fn summarise(outcomes: &[JobOutcome], took: Duration, cores: usize) -> ExitCode {
    let mut total = Counts::default();
    for outcome in outcomes {
        total.add(outcome.counts);
    }
    println!("\n== summary");
    print!("{}", table::table(outcomes));
    println!("{} in all, on {cores} cores", progress::duration(took));
    println!("{total}");
    if outcomes.iter().any(|outcome| outcome.error.is_some()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
