//! The benchmarks: each beside its peer in the same run, failing where a bar is missed.

use crate::process;
use crate::workspace::Workspace;
use anyhow::Result;
use clap::ValueEnum;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bench {
    /// The pure bus, natively
    Bus,
}

/// Measures, prints the table and writes it as JSON into `target/bench`.
pub fn run(workspace: &Workspace, bench: Bench) -> Result<()> {
    let package = match bench {
        Bench::Bus => "event-driven-kit-bus",
    };
    let mut cargo = process::native_cargo();
    cargo.args(["bench", "--package", package, "--bench", "bus"]).current_dir(&workspace.root);
    process::run(&mut cargo)
}
