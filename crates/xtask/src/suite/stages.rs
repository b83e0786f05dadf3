//! What each stage of `test` does and needs.

use super::autobahn;
use super::count::{Counts, run_counted};
use crate::engine::{Engine, without_drivers};
use crate::knocking::Knocking;
use crate::progress::print;
use crate::setup::{self, Need};
use crate::toolchain::{Toolchain, WASM};
use crate::workspace::Workspace;
use crate::{fuzz, harness, npm, page, process, run, simulate, size};
use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// A part of `test`, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// All code is formatted
    Fmt,
    /// Clippy has nothing to say about the native code
    Clippy,
    /// Clippy has nothing to say about the code as wasm
    ClippyWasm,
    /// Unit, property, integration and documentation tests of the native crates
    Native,
    /// The relay's WebSocket layer conforms: the Autobahn suite
    Autobahn,
    /// Simulated worlds: no promise breaks, and bugs on purpose are found
    Simulation,
    /// Arbitrary bytes do no harm to codecs and machines, where there is a nightly Rust
    Fuzz,
    /// The library's tests in Chromium
    Chromium,
    /// The same in Firefox
    Firefox,
    /// The same in WebKit
    Webkit,
    /// The page can be built
    Page,
    /// The npm package works in Node and in pages
    Npm,
    /// The sizes are within their budgets
    Size,
    /// Browsers, relay and a Python client together
    EndToEnd,
    /// Trunk builds the same page from the same index.html
    Trunk,
}

/// What the stages share.
pub struct Context<'a> {
    pub workspace: &'a Workspace,
    /// Only there when a selected stage needs it.
    pub toolchain: OnceLock<Toolchain>,
}

impl Context<'_> {
    fn toolchain(&self) -> Result<&Toolchain> {
        self.toolchain.get().context("the stage has no set-up")
    }

    fn cargo(&self) -> Command {
        let mut cargo = process::native_cargo();
        cargo.current_dir(&self.workspace.root);
        cargo
    }
}

/// The packages whose tests run natively; the chat's are of its model.
const NATIVE: &[&str] = &[
    "event-driven-kit-topic",
    "event-driven-kit-bus",
    "event-driven-kit-session",
    "event-driven-kit-trust",
    "event-driven-kit-model",
    "event-driven-kit-store",
    "event-driven-kit-relay",
    "event-driven-kit-chat",
    "relay-benches",
    "xtask",
];
/// The packages that are built for wasm.
const WEB: &[&str] =
    &["counter", "event-driven-kit", "event-driven-kit-chat", "event-driven-kit-npm"];

/// What the native tests and clippy turn on: every feature of the native packages but `jemalloc`, which takes minutes
/// to build and changes no behaviour. The release build of the relay, which the end-to-end tests start, has it.
const FEATURES: &[&str] = &[
    "event-driven-kit-relay/echo",
    "event-driven-kit-session/json",
    "event-driven-kit-store/fuzzing",
];

impl Stage {
    pub const ALL: &[Self] = &[
        Self::Fmt,
        Self::Clippy,
        Self::ClippyWasm,
        Self::Native,
        Self::Autobahn,
        Self::Simulation,
        Self::Fuzz,
        Self::Chromium,
        Self::Firefox,
        Self::Webkit,
        Self::Page,
        Self::Npm,
        Self::Size,
        Self::EndToEnd,
        Self::Trunk,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::ClippyWasm => "clippy-wasm",
            Self::Native => "native",
            Self::Autobahn => "autobahn",
            Self::Simulation => "simulation",
            Self::Fuzz => "fuzz",
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::Webkit => "webkit",
            Self::Page => "page",
            Self::Npm => "npm",
            Self::Size => "size",
            Self::EndToEnd => "end-to-end",
            Self::Trunk => "trunk",
        }
    }

    /// `None`: it needs nothing but the native Rust.
    pub fn needs(self) -> Option<&'static [Need]> {
        match self {
            Self::Fmt | Self::Clippy | Self::Simulation | Self::Size => None,
            // The relay is joined by a client in Python too.
            Self::Native => Some(&[Need::Python]),
            Self::ClippyWasm => Some(&[Need::WasmClippy]),
            Self::Fuzz => fuzz::has_nightly().then_some(fuzz::NEEDS),
            Self::Autobahn => Some(&[Need::Autobahn]),
            Self::Chromium => Some(&[Need::WasmBindgen, Need::WasmPack, Need::Chromium]),
            Self::Firefox => Some(&[Need::WasmBindgen, Need::Firefox]),
            Self::Webkit => Some(&[Need::WasmBindgen, Need::WebKit]),
            // Trunk itself takes longest to get: that comes when all else has passed.
            Self::Page | Self::Trunk => Some(page::NEEDS),
            Self::Npm => Some(npm::NEEDS),
            Self::EndToEnd => Some(&[Need::Chromium, Need::Firefox, Need::Python]),
        }
    }

    /// A stage of tests that has run none has not passed.
    pub fn has_tests(self) -> bool {
        matches!(
            self,
            Self::Native
                | Self::Autobahn
                | Self::Simulation
                | Self::Chromium
                | Self::Firefox
                | Self::Webkit
                | Self::Npm
                | Self::EndToEnd
                | Self::Trunk
        )
    }

    /// Runs the stage; its tests are added to the counts, whether it fails or not.
    pub fn run(self, context: &Context<'_>, counts: &mut Counts) -> Result<()> {
        match self {
            Self::Fmt => process::run(context.cargo().args(["fmt", "--all", "--check"])),
            Self::Clippy => clippy(context),
            Self::ClippyWasm => clippy_wasm(context),
            Self::Native => native(context, counts),
            Self::Autobahn => {
                autobahn::run(context.workspace, native_tests(context.workspace), counts)
            }
            Self::Simulation => simulation(context, counts),
            Self::Fuzz => fuzz_targets(context, counts),
            Self::Chromium => chromium(context, counts),
            Self::Firefox => in_engine(Engine::Firefox, context, counts),
            Self::Webkit => in_engine(Engine::WebKit, context, counts),
            Self::Page => page::ensure(context.workspace),
            Self::Npm => npm_package(context, counts),
            Self::Size => size::print_and_hold(context.workspace),
            Self::EndToEnd => end_to_end(context, counts),
            Self::Trunk => trunk(context, counts),
        }
    }
}

fn clippy(context: &Context<'_>) -> Result<()> {
    let mut cargo = context.cargo();
    cargo.args(["clippy", "--workspace", "--all-targets"]).args(features());
    // As what they are, wasm, they are read by `clippy-wasm`.
    cargo.args(WEB.iter().flat_map(|&name| ["--exclude", name]));
    cargo.args(["--", "--deny", "warnings"]);
    process::run(&mut cargo)
}

fn clippy_wasm(context: &Context<'_>) -> Result<()> {
    let mut cargo = context.toolchain()?.cargo();
    cargo
        .args(["clippy", "--target", WASM, "--all-targets"])
        .args(["--all-features"])
        .args(packages(WEB))
        .args(["--", "--deny", "warnings"])
        .current_dir(&context.workspace.root);
    process::run(&mut cargo)?;
    // The library without bridges, and so without the protocol and the database.
    let mut cargo = context.toolchain()?.cargo();
    cargo
        .args(["clippy", "--target", WASM, "--lib", "--tests", "--package", "event-driven-kit"])
        .args(["--no-default-features", "--features", "workers,yew"])
        .args(["--", "--deny", "warnings"])
        .current_dir(&context.workspace.root);
    process::run(&mut cargo)?;
    // Its other targets are native.
    let mut cargo = context.toolchain()?.cargo();
    cargo
        .args(["clippy", "--target", WASM, "--lib", "--package", "bus-benches"])
        .args(["--", "--deny", "warnings"])
        .current_dir(&context.workspace.root);
    process::run(&mut cargo)
}

/// The build of all native tests. Tasks that need a part of it build just this, so that nothing of it is compiled again
/// with other features.
pub fn native_tests(workspace: &Workspace) -> Command {
    let mut cargo = process::native_cargo();
    cargo.current_dir(&workspace.root).arg("test").args(features()).args(packages(NATIVE));
    cargo
}

fn features() -> [String; 3] {
    ["--no-default-features".to_owned(), "--features".to_owned(), FEATURES.join(",")]
}

fn native(context: &Context<'_>, counts: &mut Counts) -> Result<()> {
    let mut cargo = native_tests(context.workspace);
    cargo.arg("--no-fail-fast");
    cargo.env("EDK_PYTHON", setup::python(context.workspace));
    run_counted(&mut cargo, counts)
}

fn simulation(context: &Context<'_>, counts: &mut Counts) -> Result<()> {
    let mut cargo = context.cargo();
    cargo.args(["test", "--profile", simulate::PROFILE, "--package", simulate::PACKAGE]);
    run_counted(&mut cargo, counts)
}

/// For each target. `cargo xtask fuzz` searches for longer.
const FUZZ_TIME: Duration = Duration::from_secs(30);

/// Each target counts as a test.
fn fuzz_targets(context: &Context<'_>, counts: &mut Counts) -> Result<()> {
    if !fuzz::has_nightly() {
        print("nothing was fuzzed: rustup has no nightly Rust, which cargo-fuzz needs");
        return Ok(());
    }
    let failed = fuzz::run_all(context.workspace, FUZZ_TIME)?.len() as u64;
    counts.add(Counts { passed: fuzz::Target::ALL.len() as u64 - failed, failed });
    if failed > 0 {
        bail!("what was found is in fuzz/artifacts");
    }
    Ok(())
}

fn packages(names: &[&'static str]) -> impl Iterator<Item = &'static str> {
    names.iter().flat_map(|&name| ["--package", name])
}

/// The library as users of wasm-pack test it, the library without bridges, and the pure bus's promises about memory.
fn chromium(context: &Context<'_>, counts: &mut Counts) -> Result<()> {
    let mut wasm_pack = context.toolchain()?.command("wasm-pack");
    wasm_pack
        .args(["test", "--headless", "--chrome", "--mode", "no-install"])
        .arg("--all-features");
    run_in_browser(context, without_drivers(&mut wasm_pack), counts)?;
    let without_bridges = ["--no-default-features", "--test", "bus"];
    let memory = ["--package", "event-driven-kit-bus", "--test", "memory"];
    for tests in [&without_bridges[..], &memory] {
        let mut cargo = Engine::Chromium.cargo(context.toolchain()?)?;
        cargo.args(["test", "--target", WASM]).args(tests);
        run_in_browser(context, &mut cargo, counts)?;
    }
    Ok(())
}

/// The library in another engine.
fn in_engine(engine: Engine, context: &Context<'_>, counts: &mut Counts) -> Result<()> {
    let mut cargo = engine.cargo(context.toolchain()?)?;
    cargo.args(WASM_TESTS);
    run_in_browser(context, &mut cargo, counts)
}

/// The same build as wasm-pack's.
const WASM_TESTS: [&str; 4] = ["test", "--target", WASM, "--all-features"];

fn run_in_browser(context: &Context<'_>, command: &mut Command, counts: &mut Counts) -> Result<()> {
    let _knocking = Knocking::start(command)?;
    command
        .current_dir(&context.workspace.root)
        // Seconds, for one file of tests: a busy machine starts browsers slowly.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "180");
    run_counted(command, counts)
}

fn npm_package(context: &Context<'_>, counts: &mut Counts) -> Result<()> {
    // The page has the package in it.
    page::ensure(context.workspace)?;
    run_counted(&mut npm::check(context.workspace)?, counts)
}

fn end_to_end(context: &Context<'_>, counts: &mut Counts) -> Result<()> {
    let workspace = context.workspace;
    page::ensure(workspace)?;
    let counter = page::example::ensure(workspace)?;
    run::build_relay(workspace)?;
    let tools = npm::installed(workspace, "tests/e2e/tools", "axe")?;
    let mut cargo = context.cargo();
    cargo
        // One at a time: each opens browsers of its own.
        .args(["test", "--package", "end-to-end", "--no-fail-fast", "--", "--test-threads=1"])
        .env("EDK_COUNTER", counter)
        .env("EDK_AXE", tools.join("node_modules/axe-core/axe.min.js"))
        .env("EDK_PYTHON", setup::python(workspace))
        .envs(harness::chromium(workspace)?)
        .envs(harness::firefox(workspace)?);
    run_counted(&mut cargo, counts)
}

fn trunk(context: &Context<'_>, counts: &mut Counts) -> Result<()> {
    let toolchain = setup::ensure(context.workspace, &[Need::Trunk])?;
    page::trunk::compare(context.workspace, &toolchain)?;
    counts.add(Counts { passed: 1, failed: 0 });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn every_feature_of_the_native_packages_is_tested() {
        let mut cargo = process::native_cargo();
        cargo.args(["metadata", "--format-version=1", "--no-deps", "--offline"]);
        let metadata: Value = serde_json::from_str(&process::capture(&mut cargo).unwrap()).unwrap();
        let mut features = Vec::new();
        for package in metadata["packages"].as_array().unwrap() {
            let name = package["name"].as_str().unwrap();
            if NATIVE.contains(&name) && !WEB.contains(&name) {
                let of_package = package["features"].as_object().unwrap().keys();
                features.extend(of_package.map(|feature| format!("{name}/{feature}")));
            }
        }
        features.retain(|name| !name.ends_with("/default") && !name.ends_with("/jemalloc"));
        features.sort();
        assert_eq!(features, FEATURES);
    }
}
