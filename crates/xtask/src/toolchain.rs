//! The environment in which wasm is built: which Rust, and the tools' folders on PATH.
//!
//! `setup` creates it. All commands that build, test or serve wasm run in it.

use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const WASM: &str = "wasm32-unknown-unknown";
/// Overrides the choice of the Rust that builds wasm: `rustup` or `distribution`.
pub const CHOICE: &str = "EDK_WASM_TOOLCHAIN";
/// Where a distribution puts its Rust.
const DISTRIBUTION_BIN: &str = "/usr/bin";
const RUST_PROGRAMS: [&str; 7] =
    ["cargo", "rustc", "rustdoc", "cargo-clippy", "clippy-driver", "cargo-fmt", "rustfmt"];

/// Which Rust has the wasm target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rust {
    /// The one on PATH: rustup's, or any other that has the target.
    OnPath,
    /// The distribution's packages, with a std that `setup` has built for them.
    Distribution,
}

impl Rust {
    /// The Rust that the user chose, if any.
    pub fn chosen() -> Result<Option<Self>> {
        match env::var(CHOICE) {
            Err(_) => Ok(None),
            Ok(choice) => match choice.as_str() {
                "rustup" => Ok(Some(Self::OnPath)),
                "distribution" => Ok(Some(Self::Distribution)),
                _ => bail!(
                    "{CHOICE} is '{choice}': set it to 'rustup' or 'distribution', or unset it"
                ),
            },
        }
    }

    /// Whether this Rust has the wasm target.
    pub fn has_wasm(self) -> bool {
        self.wasm_libraries().is_ok_and(|dir| dir.is_dir() && has_core(&dir))
    }

    /// Where this Rust looks for the libraries of the wasm target.
    pub fn wasm_libraries(self) -> Result<PathBuf> {
        let mut rustc = self.program("rustc");
        rustc.args(["--print", "target-libdir", "--target", WASM]);
        Ok(process::capture(&mut rustc)?.trim().into())
    }

    /// Whether the sources of std are installed, so that it can be built for size.
    pub fn has_sources(self) -> bool {
        let mut rustc = self.program("rustc");
        rustc.args(["--print", "sysroot"]);
        process::capture(&mut rustc).is_ok_and(|sysroot| {
            let sysroot = Path::new(sysroot.trim());
            sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").exists()
        })
    }

    /// One of Rust's own programs, without the tools on its PATH.
    pub fn program(self, name: &str) -> Command {
        match self {
            Self::OnPath => process::command(name),
            Self::Distribution => {
                let mut command = process::command(Path::new(DISTRIBUTION_BIN).join(name));
                command.env("PATH", with_first([DISTRIBUTION_BIN.into()]));
                forget_rustup(&mut command);
                command
            }
        }
    }
}

fn has_core(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("libcore-") && name.ends_with(".rlib")
        })
    })
}

/// Cargo passes its own toolchain on to the programs that it starts. A build with another Rust must not inherit it.
fn forget_rustup(command: &mut Command) {
    for name in [
        "CARGO",
        "CARGO_HOME_BIN",
        "RUSTC",
        "RUSTDOC",
        "RUSTC_WRAPPER",
        "RUSTUP_TOOLCHAIN",
        "RUSTUP_TOOLCHAIN_SOURCE",
        "RUST_RECURSION_COUNT",
    ] {
        command.env_remove(name);
    }
}

fn with_first(dirs: impl IntoIterator<Item = PathBuf>) -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let all: Vec<PathBuf> = dirs.into_iter().chain(env::split_paths(&path)).collect();
    // A folder whose name contains the separator can't be on PATH.
    env::join_paths(all).unwrap_or(path)
}

/// The environment of wasm commands.
#[derive(Clone, Debug)]
pub struct Toolchain {
    rust: Rust,
    path: OsString,
}

impl Toolchain {
    pub fn new(workspace: &Workspace, rust: Rust) -> Result<Self> {
        let mut dirs = tool_dirs(workspace);
        if rust == Rust::Distribution {
            // Only Rust's programs, so that the rest of the user's PATH stays as it is.
            let dir = workspace.cache.join("distribution-rust");
            link_rust(&dir)?;
            dirs.insert(0, dir);
        }
        Ok(Self { rust, path: with_first(dirs) })
    }

    /// A command in this environment.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let found = which::which_in(program.as_ref(), Some(&self.path), ".");
        let mut command = process::command(found.unwrap_or_else(|_| program.as_ref().into()));
        command.env("PATH", &self.path);
        if self.rust == Rust::Distribution {
            forget_rustup(&mut command);
        }
        process::colour(&mut command);
        command
    }

    /// A command that builds wasm for users: std is built for size, and a panic traps without a message. Without the
    /// sources of std, the result is larger.
    pub fn small(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.command(program);
        if self.rust.has_sources() {
            command
                .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
                .env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size")
                .env(
                    "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
                    // LLVM's threshold for small code is 5. With 8 it inlines more, and the wasm gets 1 % smaller after
                    // brotli. It gets another 1 % smaller without `{:?}`, which no text for users has, and without the
                    // places of panics. The compact SHA-256 is a loop, where the default is unrolled.
                    "-Zunstable-options -Cpanic=immediate-abort -Cllvm-args=--inline-threshold=8 \
                     -Zfmt-debug=none -Zlocation-detail=none --cfg=sha2_backend_soft=\"compact\"",
                )
                // The sources are those of this compiler, so its unstable features are safe to use.
                .env("RUSTC_BOOTSTRAP", "1");
        }
        command
    }

    /// Cargo, for the wasm target.
    pub fn cargo(&self) -> Command {
        self.command("cargo")
    }
}

/// The folders that `setup` fills with tools.
fn tool_dirs(workspace: &Workspace) -> Vec<PathBuf> {
    vec![workspace.tools().join("bin"), workspace.npm_tools().join("node_modules/.bin")]
}

/// Finds a program on the PATH of wasm commands.
pub fn find(workspace: &Workspace, program: &str) -> Option<PathBuf> {
    which::which_in(program, Some(with_first(tool_dirs(workspace))), ".").ok()
}

#[cfg(unix)]
fn link_rust(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    for program in RUST_PROGRAMS {
        let (from, to) = (dir.join(program), Path::new(DISTRIBUTION_BIN).join(program));
        if !to.exists() || fs::read_link(&from).is_ok_and(|there| there == to) {
            continue;
        }
        let _ = fs::remove_file(&from);
        std::os::unix::fs::symlink(&to, &from)
            .with_context(|| format!("{} could not be linked", from.display()))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn link_rust(_: &Path) -> Result<()> {
    bail!("a distribution's Rust is only supported on Linux: run `rustup target add {WASM}`")
}
