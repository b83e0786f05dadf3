//! Tools from crates.io, each of one pinned version, installed into the cache unless that very
//! version is on PATH already.

use super::step;
use crate::workspace::Workspace;
use crate::{process, toolchain, versions};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A tool that `cargo install` builds.
#[derive(Debug)]
pub struct Tool {
    package: &'static str,
    /// What to look for on PATH.
    program: &'static str,
    version: String,
    arguments: &'static [&'static str],
    /// How much the tool itself is optimised: 1 builds fastest.
    optimised: &'static str,
    minutes: u32,
}

pub fn wasm_bindgen(workspace: &Workspace) -> Result<Tool> {
    Ok(Tool {
        package: "wasm-bindgen-cli",
        program: "wasm-bindgen",
        version: versions::wasm_bindgen(&workspace.root)?,
        // No `--locked`: its lock file names a version that has left the registry.
        arguments: &[],
        // It works on every build of the page.
        optimised: "2",
        minutes: 3,
    })
}

pub fn wasm_pack() -> Tool {
    Tool {
        package: "wasm-pack",
        program: "wasm-pack",
        version: versions::WASM_PACK.to_owned(),
        arguments: &["--locked"],
        optimised: "1",
        minutes: 2,
    }
}

pub fn trunk() -> Tool {
    Tool {
        package: "trunk",
        program: "trunk",
        version: versions::TRUNK.to_owned(),
        // Its default features are TLS and a look for updates; the page needs neither.
        arguments: &["--locked", "--no-default-features"],
        optimised: "1",
        minutes: 7,
    }
}

pub fn geckodriver() -> Tool {
    Tool {
        package: "geckodriver",
        program: "geckodriver",
        version: versions::GECKODRIVER.to_owned(),
        arguments: &["--locked"],
        optimised: "1",
        minutes: 2,
    }
}

pub fn cargo_fuzz() -> Tool {
    Tool {
        package: "cargo-fuzz",
        program: "cargo-fuzz",
        version: versions::CARGO_FUZZ.to_owned(),
        arguments: &["--locked"],
        optimised: "1",
        minutes: 1,
    }
}

/// Installs the tool unless it is there.
pub fn ensure(workspace: &Workspace, tool: &Tool) -> Result<()> {
    if present_version(workspace, tool.program).as_deref() == Some(tool.version.as_str()) {
        return Ok(());
    }
    let named = format!("{} {}", tool.package, tool.version);
    let what = format!("{named} from crates.io (about {} minutes)", tool.minutes);
    let mut cargo = install_command(workspace, tool);
    step(&what, || process::install(&mut cargo, &named, "crates.io"))
}

/// The version of what a wasm command would start.
pub fn present_version(workspace: &Workspace, program: &str) -> Option<String> {
    let path = toolchain::find(workspace, program)?;
    let answer = process::capture(process::command(path).arg("--version")).ok()?;
    versions::in_answer(&answer).map(str::to_owned)
}

fn install_command(workspace: &Workspace, tool: &Tool) -> Command {
    let mut cargo = process::native_cargo();
    cargo
        .args(["install", tool.package, "--version", &tool.version])
        .args(tool.arguments)
        .arg("--force")
        .arg("--root")
        .arg(workspace.tools())
        // Not in the repository, whose settings are not meant for the tools.
        .current_dir(&workspace.cache)
        .env("CARGO_TARGET_DIR", build_dir(workspace))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", tool.optimised);
    cargo
}

/// The tools share many dependencies, which are so built once.
fn build_dir(workspace: &Workspace) -> PathBuf {
    workspace.cache.join("build-tools")
}

/// What building the tools has left; kept when one failed, so that a second try is quick.
pub fn discard_build(workspace: &Workspace) -> Result<()> {
    let dir = build_dir(workspace);
    if dir.exists() {
        fs::remove_dir_all(&dir)
            .with_context(|| format!("{} could not be removed", dir.display()))?;
    }
    Ok(())
}
