//! The relay against its peers.

use super::program;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use anyhow::{Context, Result};

const NEEDS: &[Need] = &[Need::Nats, Need::Node, Need::SocketIo, Need::Wse];

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    setup::ensure(workspace, NEEDS)?;
    let mut load = program::build(workspace, "relay-load")?;
    load.arg("--nats").arg(setup::nats_server().context("nats-server is not on PATH")?);
    load.arg("--socket-io").arg(workspace.npm_tools());
    load.arg("--wse").arg(setup::wse_python(workspace));
    program::measure(workspace, load, arguments, ("relay", "crates/relay/BENCHMARKS.md"))
}
