//! `test`: the stages in their order. The first that fails ends the run; the last line counts.

mod autobahn;
mod count;
mod stages;

use crate::setup;
use crate::workspace::Workspace;
use anyhow::Result;
use count::Counts;
use stages::Context;
use std::process::ExitCode;
use std::time::{Duration, Instant};

pub use stages::Stage;

struct Outcome {
    stage: &'static str,
    took: Duration,
    counts: Counts,
    error: Option<anyhow::Error>,
}

/// Runs these stages, or all. An error is one of the set-up; failing tests are an exit code.
pub fn run(workspace: &Workspace, only: &[Stage]) -> Result<ExitCode> {
    let mut selected = Stage::ALL.to_vec();
    if !only.is_empty() {
        selected.retain(|stage| only.contains(stage));
    }
    let context = prepare(workspace, &selected)?;

    let mut outcomes = Vec::new();
    for stage in selected {
        println!("\n== {}", stage.name());
        let outcome = perform(stage, &context);
        println!("== {}", line(&outcome));
        let failed = outcome.error.is_some();
        outcomes.push(outcome);
        if failed {
            break;
        }
    }
    Ok(summarise(&outcomes))
}

/// One set-up for all stages, so that a missing tool is told before minutes of testing.
fn prepare<'a>(workspace: &'a Workspace, selected: &[Stage]) -> Result<Context<'a>> {
    let mut needs = Vec::new();
    let mut wasm = false;
    for stage in selected {
        if let Some(stage_needs) = stage.needs() {
            wasm = true;
            for need in stage_needs {
                if !needs.contains(need) {
                    needs.push(*need);
                }
            }
        }
    }
    let toolchain = if wasm {
        println!("== set-up");
        Some(setup::ensure(workspace, &needs)?)
    } else {
        None
    };
    Ok(Context { workspace, toolchain })
}

fn perform(stage: Stage, context: &Context<'_>) -> Outcome {
    let started = Instant::now();
    let mut counts = Counts::default();
    let mut result = stage.run(context, &mut counts);
    if result.is_ok() && stage.has_tests() && counts.passed == 0 {
        result = Err(anyhow::anyhow!("no test has run"));
    }
    if result.is_err() && counts.failed == 0 {
        // What fails without a test of its own, such as a lint, must not be lost in the sum.
        counts.failed = 1;
    }
    Outcome { stage: stage.name(), took: started.elapsed(), counts, error: result.err() }
}

fn line(outcome: &Outcome) -> String {
    let verdict = match &outcome.error {
        None => "ok".to_owned(),
        Some(error) => format!("FAILED: {error:#}"),
    };
    let tests = match outcome.counts {
        Counts { passed: 0, failed: 0 } => String::new(),
        counts => format!(", {counts}"),
    };
    format!("{}: {:.1} s{tests}, {verdict}", outcome.stage, outcome.took.as_secs_f64())
}

fn summarise(outcomes: &[Outcome]) -> ExitCode {
    let mut total = Counts::default();
    println!("\n== summary");
    for outcome in outcomes {
        println!("{}", line(outcome));
        total.add(outcome.counts);
    }
    println!("{total}");
    if outcomes.iter().any(|outcome| outcome.error.is_some()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
