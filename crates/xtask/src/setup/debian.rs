//! Debian's package manager, which installs packages if it may: as root.

use super::step;
use crate::process;
use anyhow::{Context, Result, bail};
use std::process::Command;

/// `otherwise` tells the user what to do without apt-get.
pub fn install(packages: &[&str], otherwise: &str) -> Result<()> {
    let list = packages.join(" ");
    if let Some(reason) = unusable() {
        bail!("{reason}: run `apt-get install {list}` as root on Debian, or {otherwise}");
    }
    let failed = || {
        format!(
            "apt-get could not install {list}: are Debian's mirrors reachable? Otherwise {otherwise}"
        )
    };
    step(&format!("Debian's {list}"), || {
        process::run(apt_get().args(["update", "-q"]))?;
        process::run(
            apt_get().args(["install", "-y", "-q", "--no-install-recommends"]).args(packages),
        )
    })
    .with_context(failed)
}

fn apt_get() -> Command {
    let mut apt = process::command("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

/// Why packages can't be installed here, if they can't.
pub fn unusable() -> Option<&'static str> {
    if which::which("apt-get").is_err() {
        Some("there is no apt-get")
    } else if !is_root() {
        Some("apt-get needs root")
    } else {
        None
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}
