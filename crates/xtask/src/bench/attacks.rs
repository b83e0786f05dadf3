//! The relay under attack.

use super::program;
use crate::workspace::Workspace;
use anyhow::Result;

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let attacks = program::build(workspace, "relay-attacks")?;
    program::measure(workspace, attacks, arguments, ("attacks", "crates/relay/ATTACKS.md"))
}
