//! Gets what a task needs and is not there: the wasm target, pinned tools, browsers.
//!
//! Every part is skipped when it is there already, says what it does when it is not, and answers
//! with one line that says what to do when it can't.

mod autobahn;
mod browsers;
mod cargo_tools;
mod debian;
mod npm_tools;
mod python;
mod wasm_target;

use crate::toolchain::Toolchain;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::time::Instant;

pub use autobahn::wstest;
pub use browsers::{WebKit, chromedriver, chromium, webkit};
pub use python::python;

/// What a task may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Of std, which is built for size with what users download.
    StdSources,
    WasmBindgen,
    WasmPack,
    Trunk,
    WasmOpt,
    Esbuild,
    /// Node with its npm.
    Node,
    /// With chromedriver.
    Chromium,
    /// With geckodriver.
    Firefox,
    /// WebKitGTK's driver and a display for it, or Safari's driver.
    WebKit,
    /// With the WebSocket client from PyPI.
    Python,
    /// Clippy beside the Rust that builds wasm.
    WasmClippy,
    /// The releases of Node that are measured; only the benchmarks need them.
    MeasuredNodes,
    /// The WebSocket conformance suite, with a Python 2.7.
    Autobahn,
    /// For the fuzz targets, where there is a nightly Rust.
    CargoFuzz,
    /// Counts instructions; only the benchmarks need it.
    Valgrind,
    /// nats-server, beside which the benchmarks put the relay.
    Nats,
    /// The same of Socket.IO's server.
    SocketIo,
}

impl Need {
    pub const ALL: &[Self] = &[
        Self::StdSources,
        Self::WasmBindgen,
        Self::WasmPack,
        Self::Trunk,
        Self::WasmOpt,
        Self::Esbuild,
        Self::Node,
        Self::Chromium,
        Self::Firefox,
        Self::WebKit,
        Self::Python,
        Self::WasmClippy,
        Self::Autobahn,
        Self::CargoFuzz,
    ];

    /// What building the page takes.
    pub const PAGE: &[Self] = &[
        Self::StdSources,
        Self::WasmBindgen,
        Self::WasmPack,
        Self::Trunk,
        Self::WasmOpt,
        Self::Esbuild,
    ];
}

/// Gets the wasm target, which all who call this need, and the rest as asked.
pub fn ensure(workspace: &Workspace, needs: &[Need]) -> Result<Toolchain> {
    let _alone = lock(workspace)?;
    let rust = wasm_target::ensure(workspace)?;
    let toolchain = Toolchain::new(workspace, rust)?;
    // One call of the package manager for all that is missing.
    debian::install_missing(needs, rust)?;
    for need in needs {
        match need {
            Need::StdSources => wasm_target::ensure_sources(rust),
            Need::WasmBindgen => {
                cargo_tools::ensure(workspace, &cargo_tools::wasm_bindgen(workspace)?)?
            }
            Need::WasmPack => cargo_tools::ensure(workspace, &cargo_tools::wasm_pack())?,
            Need::Trunk => cargo_tools::ensure(workspace, &cargo_tools::trunk())?,
            Need::WasmOpt => npm_tools::ensure_wasm_opt(workspace)?,
            Need::Esbuild => npm_tools::ensure_esbuild(workspace)?,
            Need::Node => npm_tools::ensure_node()?,
            Need::MeasuredNodes => npm_tools::ensure_measured_nodes(workspace)?,
            Need::Chromium => browsers::check_chromium()?,
            Need::Firefox => {
                browsers::check_firefox()?;
                cargo_tools::ensure(workspace, &cargo_tools::geckodriver())?;
            }
            Need::WebKit => browsers::check_webkit()?,
            Need::Python => python::ensure(workspace)?,
            Need::WasmClippy => wasm_target::check_clippy(rust)?,
            Need::Autobahn => autobahn::ensure(workspace)?,
            Need::CargoFuzz => cargo_tools::ensure(workspace, &cargo_tools::cargo_fuzz())?,
            Need::Nats => {
                nats_server().context(
                    "nats-server is needed: put it on PATH (Debian: `apt-get install nats-server`)",
                )?;
            }
            Need::SocketIo => npm_tools::ensure_socket_io(workspace)?,
            Need::Valgrind => {
                which::which("valgrind").context(
                    "valgrind is needed: put it on PATH (Debian: `apt-get install valgrind`)",
                )?;
            }
        }
    }
    cargo_tools::discard_build(workspace)?;
    Ok(toolchain)
}

/// Debian puts it where only root looks.
pub fn nats_server() -> Option<PathBuf> {
    which::which("nats-server").or_else(|_| which::which("/usr/sbin/nats-server")).ok()
}

/// The cache belongs to all clones of the repository: two set-ups must not write it at once.
fn lock(workspace: &Workspace) -> Result<File> {
    let path = workspace.cache.join("lock");
    fs::create_dir_all(&workspace.cache)
        .with_context(|| format!("{} could not be made", workspace.cache.display()))?;
    let file =
        File::create(&path).with_context(|| format!("{} could not be made", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("set-up: waiting for another set-up to finish");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).context(format!("{} could not be locked", path.display()));
        }
    }
    Ok(file)
}

/// Says what is being got, and afterwards how long that took.
fn step(what: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("set-up: {what} ...");
    let started = Instant::now();
    work()?;
    eprintln!("set-up: {what}: done in {} s", started.elapsed().as_secs());
    Ok(())
}
