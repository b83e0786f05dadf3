//! `simulate`: the worlds of `crates/simulation`, in an optimised build with all its checks.

use crate::process;
use crate::workspace::Workspace;
use anyhow::Result;

/// The profile for an optimised build with all checks, as the `Cargo.toml` of the workspace names it.
pub const PROFILE: &str = "simulation";
/// The package of the simulation.
pub const PACKAGE: &str = "event-driven-kit-simulation";

/// Runs one seed, new seeds for some hours, or the seeds of CI.
pub fn run(workspace: &Workspace, seed: Option<u64>, hours: Option<f64>) -> Result<()> {
    let mut cargo = process::native_cargo();
    cargo
        .args(["run", "--quiet", "--profile", PROFILE, "--package", PACKAGE, "--"])
        .current_dir(&workspace.root);
    if let Some(seed) = seed {
        cargo.args(["--seed", &seed.to_string()]);
    }
    if let Some(hours) = hours {
        cargo.args(["--hours", &hours.to_string()]);
    }
    process::run(&mut cargo)
}
