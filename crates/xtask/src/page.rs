//! The page as the relay serves it: Trunk's output of index.html, the embedding page of `www/`,
//! and the npm package that it loads. Built only when an input has changed.

use crate::setup::{self, Need};
use crate::workspace::Workspace;
use crate::{npm, process, stamp};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;

/// Whatever the page is made from, and how.
const INPUTS: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "Trunk.toml",
    "index.html",
    "src",
    "crates/bus",
    "crates/topic",
    "crates/session",
    "crates/chat",
    "crates/npm",
    "crates/xtask/src/npm",
    "crates/xtask/src/npm.rs",
    "crates/xtask/src/page.rs",
    "crates/xtask/src/toolchain.rs",
    "crates/xtask/src/versions.rs",
    "npm",
    "www",
];

/// Makes `dist/` what the sources say. Sets nothing up when it is that already.
pub fn ensure(workspace: &Workspace) -> Result<()> {
    let inputs = stamp::of(&workspace.root, INPUTS)?;
    let kept = fs::read_to_string(stamp_file(workspace)).unwrap_or_default();
    if kept == format!("{inputs} {}", output(workspace)?) {
        eprintln!("page: nothing has changed since it was built");
        return Ok(());
    }
    build(workspace)?;
    let path = stamp_file(workspace);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, format!("{inputs} {}", output(workspace)?))
        .with_context(|| format!("{} could not be written", path.display()))
}

/// The built files count too: somebody may have changed or removed them.
fn output(workspace: &Workspace) -> Result<String> {
    stamp::of(&workspace.root, &["dist", "target/npm/event-driven-kit"])
}

fn stamp_file(workspace: &Workspace) -> PathBuf {
    workspace.own_target().join("page.stamp")
}

fn build(workspace: &Workspace) -> Result<()> {
    let toolchain = setup::ensure(workspace, Need::PAGE)?;
    npm::build_with(workspace, &toolchain)?;
    let dist = workspace.dist();
    let mut trunk = toolchain.small("trunk");
    trunk
        .args(["build", "--release", "--dist"])
        .arg(&dist)
        .current_dir(&workspace.root)
        // Trunk wants a truth value here and stops at the usual `1`.
        .env_remove("NO_COLOR");
    process::run(&mut trunk)?;
    npm::copy_over(&workspace.npm_package(), &dist.join("npm"))?;
    for file in stamp::files(&workspace.root.join("www"))? {
        let Some(name) = file.file_name() else {
            continue;
        };
        if name.to_string_lossy().starts_with("embed.") {
            fs::copy(&file, dist.join(name))
                .with_context(|| format!("{} could not be copied", file.display()))?;
        }
    }
    Ok(())
}
