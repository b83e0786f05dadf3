//! `fuzz`: bytes from anywhere into codecs and machines, by cargo-fuzz, which wants a nightly Rust. Each
//! target begins with the seeds that `fuzz/examples/seeds` writes, and with what earlier runs have found.

use crate::progress::print;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use crate::{process, toolchain};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// What is fuzzed: a file in `fuzz/fuzz_targets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// The CBOR codec
    Frames,
    /// The JSON codec
    Json,
    /// A bridge's end of a link
    Client,
    /// A relay's end of a link
    Server,
    /// A tab among others
    Tabs,
    /// The rows of the relay's store
    Rows,
}

impl Target {
    pub const ALL: &[Self] =
        &[Self::Frames, Self::Json, Self::Client, Self::Server, Self::Tabs, Self::Rows];

    pub fn name(self) -> &'static str {
        match self {
            Self::Frames => "frames",
            Self::Json => "json",
            Self::Client => "client",
            Self::Server => "server",
            Self::Tabs => "tabs",
            Self::Rows => "rows",
        }
    }
}

/// What a target is given.
pub const NEEDS: &[Need] = &[Need::CargoFuzz];
/// No input may take longer, in seconds.
const SLOWEST: u32 = 10;

/// Whether rustup has a nightly Rust.
pub fn has_nightly() -> bool {
    process::capture(nightly().args(["rustc", "--version"])).is_ok()
}

/// Runs one target for this many minutes, and prints what it does.
pub fn run(workspace: &Workspace, target: Target, minutes: f64) -> Result<()> {
    if !has_nightly() {
        bail!("cargo-fuzz needs a nightly Rust: `rustup toolchain install nightly`");
    }
    let time = Duration::try_from_secs_f64(minutes * 60.0).context("minutes are from 0 on")?;
    setup::ensure(workspace, NEEDS)?;
    prepare(workspace)?;
    process::run(&mut fuzzing(workspace, target, time)?)
}

/// Runs all of them for so long each, as many at a time as there are cores; answers those that have found
/// something.
pub fn run_all(workspace: &Workspace, time: Duration) -> Result<Vec<Target>> {
    prepare(workspace)?;
    let logs = workspace.own_target().join("fuzz/logs");
    fs::create_dir_all(&logs)?;
    let mut failed = Vec::new();
    for several in Target::ALL.chunks(thread::available_parallelism().map_or(1, usize::from)) {
        let mut running = Vec::new();
        for &target in several {
            let log = logs.join(target.name());
            let mut command = fuzzing(workspace, target, time)?;
            process::announce(&command);
            // It says a lot, which matters only where something is found.
            let file = fs::File::create(&log)?;
            command.stdout(file.try_clone()?).stderr(file);
            let child = command.spawn().with_context(|| process::unstartable(&command))?;
            running.push((target, log, child));
        }
        for (target, log, mut child) in running {
            let found_nothing = child.wait()?.success();
            let text = fs::read_to_string(&log).unwrap_or_default();
            print(&format!("{}: {}", target.name(), in_short(&text, found_nothing)));
            if !found_nothing {
                print(&text);
                failed.push(target);
            }
        }
    }
    Ok(failed)
}

/// The line in which libFuzzer says how far it has come.
fn in_short(log: &str, found_nothing: bool) -> &str {
    let last = log.lines().rev().find(|line| line.starts_with("Done "));
    match (found_nothing, last) {
        (true, Some(done)) => done,
        (true, None) => "found nothing",
        (false, _) => "has found something:",
    }
}

/// Builds the targets, and writes the seeds.
fn prepare(workspace: &Workspace) -> Result<()> {
    let mut seeds = nightly();
    seeds
        .args(["cargo", "run", "--quiet", "--example", "seeds", "--"])
        .arg(seeds_of(workspace))
        .current_dir(workspace.root.join("fuzz"));
    process::run(&mut seeds)?;
    process::run(cargo_fuzz(workspace)?.args(["build", "--sanitizer", "none"]))
}

fn fuzzing(workspace: &Workspace, target: Target, time: Duration) -> Result<Command> {
    let corpus = workspace.root.join("fuzz/corpus").join(target.name());
    fs::create_dir_all(&corpus)
        .with_context(|| format!("{} could not be made", corpus.display()))?;
    let mut command = cargo_fuzz(workspace)?;
    // Our code has no unsafe line, so that an address sanitizer would only be slow.
    command.args(["run", "--sanitizer", "none", target.name()]);
    command.arg(corpus).arg(seeds_of(workspace).join(target.name())).arg("--");
    command.arg(format!("-max_total_time={}", time.as_secs().max(1)));
    command.arg(format!("-timeout={SLOWEST}"));
    Ok(command)
}

fn seeds_of(workspace: &Workspace) -> PathBuf {
    workspace.own_target().join("fuzz/seeds")
}

fn cargo_fuzz(workspace: &Workspace) -> Result<Command> {
    let program = toolchain::find(workspace, "cargo-fuzz").context("cargo-fuzz is not there")?;
    let mut command = nightly();
    command.arg(program).current_dir(&workspace.root);
    Ok(command)
}

/// A command of the nightly Rust: the arguments follow.
fn nightly() -> Command {
    let mut command = process::command("rustup");
    // The Rust that has started us is another one.
    for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(name);
    }
    process::colour(&mut command);
    command.args(["run", "nightly"]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_a_target_is_known() {
        let root = Workspace::locate().unwrap().root;
        let files = fs::read_dir(root.join("fuzz/fuzz_targets")).unwrap();
        let mut names: Vec<String> = files
            .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let mut known: Vec<&str> = Target::ALL.iter().map(|target| target.name()).collect();
        known.sort_unstable();
        assert_eq!(names, known);
        assert_eq!(Target::ALL, Target::value_variants());
    }

    #[test]
    fn a_run_is_judged_by_its_last_word() {
        let log = "INFO: Seed: 1\n#2 pulse\nDone 1234 runs in 61 second(s)\n";
        assert_eq!(in_short(log, true), "Done 1234 runs in 61 second(s)");
        assert_eq!(in_short(log, false), "has found something:");
    }
}
