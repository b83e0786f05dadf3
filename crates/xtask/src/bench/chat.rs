//! The chat in Chromium, against its bars.

use super::program;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use crate::{harness, npm, page, process, run, size};
use anyhow::Result;

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    setup::ensure(workspace, &[Need::Chromium])?;
    page::ensure(workspace)?;
    run::build_relay(workspace)?;
    // It only drives: what is measured runs in the browser.
    let mut cargo = process::native_cargo();
    cargo.args(["build", "--package", "chat-benches"]).current_dir(&workspace.root);
    process::run(&mut cargo)?;
    let mut bench = process::command(workspace.built("debug", "chat-bench"));
    bench.envs(harness::chromium(workspace)?);
    bench.arg("--weighed").arg(size::weighed(workspace)?.to_string());
    let lighthouse = npm::installed(workspace, "benches/chat", "Lighthouse")?;
    bench.arg("--lighthouse").arg(lighthouse.join("node_modules/lighthouse/cli/index.js"));
    program::measure(workspace, bench, arguments, ("chat", "crates/chat/BENCHMARKS.md"))
}
