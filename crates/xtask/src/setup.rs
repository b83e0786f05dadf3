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
mod wse;

use crate::progress::task;
use crate::side_by_side::side_by_side;
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;

pub use autobahn::wstest;
pub use browsers::{WebKit, chromedriver, chromium, webkit};
pub use python::python;
pub use wse::wse_python;

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
    /// The same of WSE's server, with a Python 3.12.
    Wse,
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
}

/// Gets the wasm target, which all who call this need, and the rest as asked.
pub fn ensure(workspace: &Workspace, needs: &[Need]) -> Result<Toolchain> {
    // Building the tools keeps all cores busy for minutes; what is only downloaded comes meanwhile.
    let ((), toolchain) = side_by_side(
        || cargo_tools::ensure_all(workspace, needs),
        || ensure_others(workspace, needs),
    )?;
    Ok(toolchain)
}

/// Gets the tool that binds wasm to JS, and nothing else: it takes longest.
pub fn ensure_wasm_bindgen(workspace: &Workspace) -> Result<()> {
    cargo_tools::ensure_all(workspace, &[Need::WasmBindgen])
}

/// All that does not come from crates.io.
fn ensure_others(workspace: &Workspace, needs: &[Need]) -> Result<Toolchain> {
    let _alone = lock(workspace, "lock")?;
    let rust = wasm_target::ensure(workspace)?;
    let toolchain = Toolchain::new(workspace, rust)?;
    // One call of the package manager for all that is missing.
    debian::install_missing(needs, rust)?;
    for need in needs {
        match need {
            Need::StdSources => wasm_target::ensure_sources(rust),
            Need::WasmOpt => npm_tools::ensure_wasm_opt(workspace)?,
            Need::Esbuild => npm_tools::ensure_esbuild(workspace)?,
            Need::Node => npm_tools::ensure_node()?,
            Need::MeasuredNodes => npm_tools::ensure_measured_nodes(workspace)?,
            Need::Chromium => browsers::check_chromium()?,
            Need::Firefox => browsers::check_firefox()?,
            Need::WebKit => browsers::check_webkit()?,
            Need::Python => python::ensure(workspace)?,
            Need::WasmClippy => wasm_target::check_clippy(rust)?,
            Need::Autobahn => autobahn::ensure(workspace)?,
            Need::Nats => {
                nats_server().context(
                    "nats-server is needed: put it on PATH (Debian: `apt-get install nats-server`)",
                )?;
            }
            Need::SocketIo => npm_tools::ensure_socket_io(workspace)?,
            Need::Wse => wse::ensure(workspace)?,
            Need::Valgrind => {
                which::which("valgrind").context(
                    "valgrind is needed: put it on PATH (Debian: `apt-get install valgrind`)",
                )?;
            }
            // These are built: see `cargo_tools`.
            Need::WasmBindgen | Need::WasmPack | Need::Trunk | Need::CargoFuzz => {}
        }
    }
    Ok(toolchain)
}

/// Tells before minutes of building what building the relay's allocator would miss.
pub fn check_c_compiler() -> Result<()> {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let is_there = |program: &std::ffi::OsStr| which::which(program).is_ok();
    if cfg!(target_env = "msvc") || (is_there(&compiler) && is_there("make".as_ref())) {
        return Ok(());
    }
    anyhow::bail!(
        "a C compiler and make are needed for the relay's allocator: put `cc` and `make` on PATH \
         (Debian: `apt-get install build-essential`)"
    )
}

/// Debian puts it where only root looks.
pub fn nats_server() -> Option<PathBuf> {
    which::which("nats-server").or_else(|_| which::which("/usr/sbin/nats-server")).ok()
}

/// The cache belongs to all clones of the repository: two set-ups must not write it at once.
fn lock(workspace: &Workspace, name: &str) -> Result<File> {
    let path = workspace.cache.join(name);
    fs::create_dir_all(&workspace.cache)
        .with_context(|| format!("{} could not be made", workspace.cache.display()))?;
    let file =
        File::create(&path).with_context(|| format!("{} could not be made", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            task("set-up", "waits for another set-up to finish", || Ok(file.lock()?))?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).context(format!("{} could not be locked", path.display()));
        }
    }
    Ok(file)
}

/// Says what is being got, and afterwards how long that took.
fn step(what: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    task("set-up", what, work)
}
