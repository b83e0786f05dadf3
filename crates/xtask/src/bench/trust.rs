//! What accounts cost.

use super::program;
use crate::workspace::Workspace;
use anyhow::Result;

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut load = program::build(workspace, "relay-load")?;
    load.arg("--trust");
    program::measure(workspace, load, arguments, ("trust", "crates/relay/TRUST_BENCHMARKS.md"))
}
