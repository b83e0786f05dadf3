//! Installs what a task needs: the wasm target, pinned tools, browsers.
//!
//! Skips what is already installed, and says what it installs. If it can't, the error says in one line what to do.

mod autobahn;
mod browsers;
mod cargo_tools;
mod debian;
mod missing;
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
pub use browsers::{WebKit, chromedriver, chromium, firefox, webkit};
pub use python::python;
pub use wse::wse_python;

/// What a task may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The sources of std, which is built for size into what users download.
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
    /// Clippy of the Rust that builds wasm.
    WasmClippy,
    /// The releases of Node that the benchmarks measure.
    MeasuredNodes,
    /// The WebSocket conformance suite, with a Python 2.7.
    Autobahn,
    /// For the fuzz targets, if there is a nightly Rust.
    CargoFuzz,
    /// Counts instructions; only the benchmarks need it.
    Valgrind,
    /// nats-server, a peer in the relay's benchmark.
    Nats,
    /// Socket.IO's server, another peer.
    SocketIo,
    /// WSE's server with a Python 3.12, another peer.
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

/// Installs the wasm target, which all callers need, and `needs`.
pub fn ensure(workspace: &Workspace, needs: &[Need]) -> Result<Toolchain> {
    // Building the tools takes minutes, so downloads run in parallel.
    let ((), toolchain) = side_by_side(
        || cargo_tools::ensure_all(workspace, needs),
        || ensure_others(workspace, needs),
    )?;
    Ok(toolchain)
}

/// Installs only the wasm-bindgen tool, which takes longest.
pub fn ensure_wasm_bindgen(workspace: &Workspace) -> Result<()> {
    cargo_tools::ensure_all(workspace, &[Need::WasmBindgen])
}

/// Installs everything that does not come from crates.io.
fn ensure_others(workspace: &Workspace, needs: &[Need]) -> Result<Toolchain> {
    let _alone = lock(workspace, "lock")?;
    let rust = wasm_target::ensure(workspace)?;
    let toolchain = Toolchain::new(workspace, rust)?;
    // One call of the package manager installs everything that is missing.
    missing::install(needs, rust)?;
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

/// Fails before minutes of building if the relay's C code could not be built.
pub fn check_c_compiler() -> Result<()> {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let is_there = |program: &std::ffi::OsStr| which::which(program).is_ok();
    if cfg!(target_env = "msvc") || (is_there(&compiler) && is_there("make".as_ref())) {
        return Ok(());
    }
    anyhow::bail!(
        "a C compiler and make are needed for the relay's allocator and cryptography: put `cc` and `make` on PATH \
         (Debian: `apt-get install build-essential`)"
    )
}

/// Debian installs it where only root has it on PATH.
pub fn nats_server() -> Option<PathBuf> {
    which::which("nats-server").or_else(|_| which::which("/usr/sbin/nats-server")).ok()
}

/// All clones of the repository share the cache, so only one set-up may write it at a time.
fn lock(workspace: &Workspace, name: &str) -> Result<File> {
    let path = workspace.cache.join(name);
    fs::create_dir_all(&workspace.cache)
        .with_context(|| format!("{} could not be created", workspace.cache.display()))?;
    let file =
        File::create(&path).with_context(|| format!("{} could not be created", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            task("set-up", "waiting for another set-up to finish", || Ok(file.lock()?))?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).context(format!("{} could not be locked", path.display()));
        }
    }
    Ok(file)
}

/// Prints what is being installed, and then how long that took.
fn step(what: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    task("set-up", what, work)
}
