//! The Debian packages of missing programs.

use super::{Need, browsers, debian, wasm_target};
use crate::toolchain::Rust;
use anyhow::Result;

/// Installs the packages of all missing programs in one call.
///
/// Does nothing without apt-get or root. The check of each need then reports what is missing.
pub fn install(needs: &[Need], rust: Rust) -> Result<()> {
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
    if packages.is_empty() || debian::unusable().is_some() {
        return Ok(());
    }
    debian::install(&packages, "or install them by hand")
}
