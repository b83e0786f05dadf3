//! Installs missing packages with Debian's package manager, if it may: as root.

use super::{Need, browsers, step, wasm_target};
use crate::process;
use crate::toolchain::Rust;
use anyhow::{Context, Result, bail};
use std::process::Command;

/// Installs the packages of all missing programs in one call.
///
/// Does nothing without apt-get or root. The check of each need then reports what is missing.
pub fn install_missing(needs: &[Need], rust: Rust) -> Result<()> {
    let mut packages: Vec<&str> = Vec::new();
    for need in needs {
        match need {
            Need::Chromium => packages.extend(browsers::missing_for_chromium()),
            Need::Firefox => packages.extend(browsers::missing_for_firefox()),
            Need::WebKit => packages.extend(browsers::missing_for_webkit()),
            Need::WasmClippy
                if rust == Rust::Distribution && wasm_target::check_clippy(rust).is_err() =>
            {
                packages.push(wasm_target::CLIPPY_PACKAGE);
            }
            Need::Nats if super::nats_server().is_none() => packages.push("nats-server"),
            Need::Valgrind if which::which("valgrind").is_err() => packages.push("valgrind"),
            _ => {}
        }
    }
    if packages.is_empty() || unusable().is_some() {
        return Ok(());
    }
    install(&packages, "or install them by hand")
}

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
