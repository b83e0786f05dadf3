//! Which stages run beside which. Cargo builds one thing at a time in a folder of `target`, so the stages of native
//! code are one lane, and those that build for and run in browsers are the other.

use super::{Job, JobOutcome, Stage, needs_set_up};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// In the order in which a lane does them.
const NATIVE: &[Stage] = &[
    Stage::Fmt,
    Stage::Clippy,
    Stage::Simulation,
    Stage::Native,
    Stage::Autobahn,
    Stage::Fuzz,
    Stage::Trunk,
];
const WEB: &[Stage] = &[
    Stage::Page,
    Stage::Size,
    Stage::ClippyWasm,
    Stage::Chromium,
    Stage::Firefox,
    Stage::Webkit,
    Stage::Npm,
    Stage::EndToEnd,
];

struct Progress {
    waiting_for: Vec<Job>,
    outcomes: Vec<JobOutcome>,
    /// No other stage begins.
    has_failed: bool,
}

struct Lanes {
    progress: Mutex<Progress>,
    changed: Condvar,
}

/// Performs all of the selected stages, and the set-up before those that need it.
pub fn run(selected: &[Stage], perform: impl Fn(Job) -> JobOutcome + Sync) -> Vec<JobOutcome> {
    let of = |lane: &[Stage]| -> Vec<Job> {
        lane.iter().copied().filter(|stage| selected.contains(stage)).map(Job::Stage).collect()
    };
    let (native, mut web) = (of(NATIVE), of(WEB));
    if needs_set_up(selected) {
        web.insert(0, Job::SetUp);
    }
    let waiting_for = native.iter().chain(&web).copied().collect();
    let progress = Progress { waiting_for, outcomes: Vec::new(), has_failed: false };
    let lanes = Lanes { progress: Mutex::new(progress), changed: Condvar::new() };
    thread::scope(|scope| {
        scope.spawn(|| lanes.go(&native, &perform));
        lanes.go(&web, &perform);
    });
    lanes.progress.into_inner().unwrap_or_else(PoisonError::into_inner).outcomes
}

impl Lanes {
    fn go(&self, jobs: &[Job], perform: &impl Fn(Job) -> JobOutcome) {
        for &job in jobs {
            if !self.may_begin(job) {
                return;
            }
            let outcome = perform(job);
            let mut progress = self.lock();
            progress.waiting_for.retain(|waiting| *waiting != job);
            progress.has_failed |= outcome.error.is_some();
            progress.outcomes.push(outcome);
            self.changed.notify_all();
        }
    }

    /// Waits for what must be done before; false if something has failed meanwhile.
    fn may_begin(&self, job: Job) -> bool {
        let progress = self.lock();
        let must_wait = |progress: &mut Progress| {
            !progress.has_failed && before(job).iter().any(|job| progress.waiting_for.contains(job))
        };
        let progress =
            self.changed.wait_while(progress, must_wait).unwrap_or_else(PoisonError::into_inner);
        !progress.has_failed
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What must be done before a job begins, where it is done at all.
fn before(job: Job) -> Vec<Job> {
    let mut before = Vec::new();
    if let Job::Stage(stage) = job {
        if stage.needs().is_some() {
            before.push(Job::SetUp);
        }
        if matches!(stage, Stage::Size | Stage::Npm | Stage::EndToEnd | Stage::Trunk) {
            before.push(Job::Stage(Stage::Page));
        }
        // It waits for what browsers and a relay show, by the clock on the wall: nothing runs beside it.
        if stage == Stage::EndToEnd {
            before.extend(NATIVE.iter().copied().map(Job::Stage));
        }
    }
    before
}

#[cfg(test)]
mod tests {
    use super::super::count::Counts;
    use super::*;
    use std::time::Duration;

    fn outcome(job: Job, failed: bool) -> JobOutcome {
        JobOutcome {
            name: job.name(),
            began: Duration::ZERO,
            took: Duration::ZERO,
            counts: Counts::default(),
            error: failed.then(|| anyhow::anyhow!("failed")),
        }
    }

    #[test]
    fn every_stage_is_in_one_lane() {
        for stage in Stage::ALL {
            let lanes = [NATIVE, WEB].iter().filter(|lane| lane.contains(stage)).count();
            assert_eq!(lanes, 1, "{}", stage.name());
        }
    }

    #[test]
    fn all_are_performed_and_none_before_what_it_needs() {
        let begun = Mutex::new(Vec::new());
        let outcomes = run(Stage::ALL, |job| {
            let mut begun = begun.lock().unwrap();
            for needed in before(job) {
                assert!(begun.contains(&needed), "{} before {}", job.name(), needed.name());
            }
            begun.push(job);
            outcome(job, false)
        });
        assert_eq!(outcomes.len(), Stage::ALL.len() + 1);
    }

    #[test]
    fn after_a_failure_no_stage_begins_in_either_lane() {
        let outcomes = run(&[Stage::Page, Stage::Size, Stage::Trunk], |job| {
            outcome(job, job == Job::Stage(Stage::Page))
        });
        let names: Vec<&str> = outcomes.iter().map(|outcome| outcome.name).collect();
        assert_eq!(names, ["set-up", "page"]);
    }

    #[test]
    fn what_is_not_selected_is_not_waited_for() {
        let outcomes = run(&[Stage::Size, Stage::Fmt], |job| outcome(job, false));
        assert_eq!(outcomes.len(), 2);
    }
}
