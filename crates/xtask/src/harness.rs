//! What the harness of the end-to-end tests, which the chat's benchmark uses too, reads from its environment.

use crate::setup;
use crate::toolchain;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::path::PathBuf;

type Variable = (&'static str, PathBuf);

/// The relay, the page, and Chromium with its driver.
pub fn chromium(workspace: &Workspace) -> Result<[Variable; 4]> {
    Ok([
        ("EDK_RELAY", workspace.relay()),
        ("EDK_PAGE", workspace.dist()),
        ("EDK_CHROMEDRIVER", found(setup::chromedriver(), "chromedriver")?),
        ("EDK_CHROMIUM", found(setup::chromium(), "Chromium")?),
    ])
}

/// Firefox with its driver.
pub fn firefox(workspace: &Workspace) -> Result<[Variable; 2]> {
    Ok([
        ("EDK_GECKODRIVER", found(toolchain::find(workspace, "geckodriver"), "geckodriver")?),
        ("EDK_FIREFOX", found(setup::firefox(), "Firefox")?),
    ])
}

fn found(program: Option<PathBuf>, name: &str) -> Result<PathBuf> {
    program.with_context(|| format!("{name} is not on PATH"))
}
