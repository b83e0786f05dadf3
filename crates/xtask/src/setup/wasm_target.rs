//! The wasm target. It comes from rustup if that can download it, and otherwise from the distribution's Rust. Its
//! packages contain only the sources of std, so std is built once.

use super::{debian, step};
use crate::process;
use crate::progress::say;
use crate::toolchain::{CHOICE, Rust, WASM};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Long enough for 30 MB on a slow line. A network that drops packets silently ends here.
const RUSTUP_LIMIT: Duration = Duration::from_secs(90);
const PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"];
pub const CLIPPY_PACKAGE: &str = "rust-web-clippy";

/// Returns a Rust that builds wasm.
pub fn ensure(workspace: &Workspace) -> Result<Rust> {
    match Rust::chosen()? {
        Some(Rust::OnPath) if Rust::OnPath.has_wasm() => Ok(Rust::OnPath),
        Some(Rust::OnPath) => add_by_rustup()
            .map(|()| Rust::OnPath)
            .with_context(|| format!("{CHOICE} is 'rustup', which can't install {WASM}")),
        Some(Rust::Distribution) => ensure_distribution(workspace),
        None => {
            // Prefers an installed target to a download.
            for rust in [Rust::OnPath, Rust::Distribution] {
                if rust.has_wasm() {
                    return Ok(rust);
                }
            }
            match add_by_rustup() {
                Ok(()) => Ok(Rust::OnPath),
                Err(error) => {
                    say(&format!("set-up: rustup can't install {WASM} ({error:#})"));
                    ensure_distribution(workspace)
                }
            }
        }
    }
}

fn add_by_rustup() -> Result<()> {
    which::which("rustup").context("there is no rustup")?;
    let mut rustup = process::command("rustup");
    rustup
        .args(["target", "add", WASM])
        // A backtrace would bury the error.
        .env_remove("RUST_BACKTRACE");
    step(&format!("rustup's {WASM}"), || process::run_within(&mut rustup, RUSTUP_LIMIT))?;
    if !Rust::OnPath.has_wasm() {
        bail!("rustup has added it to another toolchain than the one on PATH");
    }
    Ok(())
}

/// Installs the sources of std if possible. Without them, what users download is larger.
pub fn ensure_sources(rust: Rust) {
    if rust.has_sources() {
        return;
    }
    let added = match rust {
        Rust::OnPath => step("rustup's rust-src", || {
            let mut rustup = process::command("rustup");
            rustup.args(["component", "add", "rust-src"]).env_remove("RUST_BACKTRACE");
            process::run_within(&mut rustup, RUSTUP_LIMIT)
        }),
        Rust::Distribution => debian::install(&PACKAGES, "install the sources of std"),
    };
    if added.is_err() || !rust.has_sources() {
        say("set-up: the sources of std are missing, so the wasm files are larger than necessary");
    }
}

fn ensure_distribution(workspace: &Workspace) -> Result<Rust> {
    let rust = Rust::Distribution;
    if rust.has_wasm() {
        return Ok(rust);
    }
    debian::install(&PACKAGES, &format!("run `rustup target add {WASM}` where that can download"))?;
    step("std for wasm, built once (about 90 s)", || build_std(workspace))?;
    if !rust.has_wasm() {
        bail!("std was built for {WASM}, but the distribution's rustc does not find it");
    }
    Ok(rust)
}

/// Builds std in an empty crate and puts it where rustup would have.
fn build_std(workspace: &Workspace) -> Result<()> {
    let rust = Rust::Distribution;
    let libraries = rust.wasm_libraries()?;
    let scratch = workspace.cache.join("build-std");
    let _ = fs::remove_dir_all(&scratch);
    fs::create_dir_all(scratch.join("src"))?;
    fs::write(scratch.join("src/lib.rs"), "")?;
    fs::write(
        scratch.join("Cargo.toml"),
        "[package]\nname = \"scratch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n",
    )?;
    let mut cargo = rust.program("cargo");
    cargo
        .args(["build", "--release", "--target", WASM])
        .arg("-Zbuild-std=std,panic_abort,test")
        .current_dir(&scratch)
        .env("CARGO_TARGET_DIR", scratch.join("target"))
        // The sources are those of this compiler, so its unstable features are safe to use.
        .env("RUSTC_BOOTSTRAP", "1")
        // Without bitcode in the libraries a build with `lto = true` fails.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes");
    process::run(&mut cargo)?;

    let built = scratch.join("target").join(WASM).join("release/deps");
    install(&built, &libraries).with_context(|| {
        format!("std can't be installed into {}: run this once as root", libraries.display())
    })?;
    fs::remove_dir_all(&scratch)?;
    Ok(())
}

fn install(built: &Path, libraries: &Path) -> Result<()> {
    fs::create_dir_all(libraries)?;
    let mut core = None;
    for entry in fs::read_dir(built)? {
        let path = entry?.path();
        let library =
            path.extension().is_some_and(|extension| extension == "rlib" || extension == "rmeta");
        let Some(name) = path.file_name().filter(|_| library) else {
            continue;
        };
        let text = name.to_string_lossy();
        if text.starts_with("libscratch") {
            continue;
        }
        // Copied last, because its presence marks the target as complete.
        if text.starts_with("libcore-") && text.ends_with(".rlib") {
            core = Some(path.clone());
            continue;
        }
        if text.starts_with("libcore-") {
            continue;
        }
        fs::copy(&path, libraries.join(name))?;
    }
    let core = core.context("the build produced no libcore")?;
    let meta = core.with_extension("rmeta");
    for path in [meta, core] {
        if let Some(name) = path.file_name() {
            fs::copy(&path, libraries.join(name))?;
        }
    }
    Ok(())
}

/// Checks that the Rust that builds wasm has clippy.
pub fn check_clippy(rust: Rust) -> Result<()> {
    process::capture(rust.program("cargo-clippy").arg("--version")).map(drop).context(match rust {
        Rust::OnPath => "there is no clippy: run `rustup component add clippy`".to_owned(),
        Rust::Distribution => {
            format!("there is no clippy: run `apt-get install {CLIPPY_PACKAGE}`")
        }
    })
}
