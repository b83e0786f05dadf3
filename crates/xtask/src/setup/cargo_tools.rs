//! Installs tools from crates.io into the cache unless they are on PATH. cargo-binstall downloads them if it is on
//! PATH; otherwise cargo builds them.

use super::{Need, lock, step};
use crate::progress::say;
use crate::workspace::Workspace;
use crate::{process, toolchain, versions};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A tool that `cargo install` builds.
#[derive(Debug)]
struct Tool {
    package: &'static str,
    /// What to look for on PATH.
    program: &'static str,
    /// The version to install.
    version: String,
    /// Which other versions on PATH are accepted.
    others: Others,
    arguments: &'static [&'static str],
    /// The optimisation level of the tool: a low one builds faster.
    optimised: &'static str,
    /// How long the build takes on two cores with nothing beside it.
    minutes: u32,
}

#[derive(Clone, Copy, Debug)]
enum Others {
    /// Only the version of the library that the tool works with.
    None,
    /// This version and later ones.
    From(u64, u64),
}

/// The tools among the needs.
fn tools(workspace: &Workspace, needs: &[Need]) -> Result<Vec<Tool>> {
    let mut tools = Vec::new();
    for need in needs {
        match need {
            Need::WasmBindgen => tools.push(wasm_bindgen(workspace)?),
            Need::WasmPack => tools.push(wasm_pack()),
            Need::Firefox => tools.push(geckodriver()),
            Need::CargoFuzz => tools.push(cargo_fuzz()),
            Need::Trunk => tools.push(trunk()),
            _ => {}
        }
    }
    Ok(tools)
}

/// Installs the missing tools.
pub fn ensure_all(workspace: &Workspace, needs: &[Need]) -> Result<()> {
    let mut missing = tools(workspace, needs)?;
    missing.retain(|tool| !is_there(workspace, tool));
    if missing.is_empty() {
        return Ok(());
    }
    let _alone = lock(workspace, "lock-cargo")?;
    for tool in &missing {
        // Another set-up may have installed it meanwhile.
        if !is_there(workspace, tool) {
            install(workspace, tool)?;
        }
    }
    discard_build(workspace)
}

fn wasm_bindgen(workspace: &Workspace) -> Result<Tool> {
    Ok(Tool {
        package: "wasm-bindgen-cli",
        program: "wasm-bindgen",
        version: versions::wasm_bindgen(&workspace.root)?,
        others: Others::None,
        // No `--locked`: its lock file names a version that is no longer in the registry.
        arguments: &[],
        // It runs in every build of the page.
        optimised: "2",
        minutes: 3,
    })
}

fn wasm_pack() -> Tool {
    Tool {
        package: "wasm-pack",
        program: "wasm-pack",
        version: versions::WASM_PACK.to_owned(),
        others: Others::From(0, 13),
        arguments: &["--locked"],
        optimised: "1",
        minutes: 2,
    }
}

fn trunk() -> Tool {
    Tool {
        package: "trunk",
        program: "trunk",
        version: versions::TRUNK.to_owned(),
        // The first version with `create_nonce`.
        others: Others::From(0, 21),
        // Its default features are TLS and an update check; the page needs neither.
        arguments: &["--locked", "--no-default-features"],
        // It only copies; cargo, wasm-bindgen and wasm-opt do the work.
        optimised: "0",
        minutes: 7,
    }
}

fn geckodriver() -> Tool {
    Tool {
        package: "geckodriver",
        program: "geckodriver",
        version: versions::GECKODRIVER.to_owned(),
        others: Others::From(0, 33),
        arguments: &["--locked"],
        optimised: "1",
        minutes: 2,
    }
}

fn cargo_fuzz() -> Tool {
    Tool {
        package: "cargo-fuzz",
        program: "cargo-fuzz",
        version: versions::CARGO_FUZZ.to_owned(),
        others: Others::From(0, 12),
        arguments: &["--locked"],
        optimised: "1",
        minutes: 1,
    }
}

fn install(workspace: &Workspace, tool: &Tool) -> Result<()> {
    let named = format!("{} {}", tool.package, tool.version);
    if let Some(mut binstall) = binstall_command(workspace, tool) {
        let what = format!("{named} with cargo-binstall");
        let downloaded = step(&what, || process::install(&mut binstall, &named, "GitHub"));
        match downloaded {
            Ok(()) if is_there(workspace, tool) => return Ok(()),
            Ok(()) => {
                say(&format!("set-up: cargo-binstall installed no {} that works", tool.program))
            }
            Err(_) => say("set-up: cargo-binstall failed; cargo builds the tool instead"),
        }
    }
    let what = format!("{named} from crates.io (about {} minutes on two idle cores)", tool.minutes);
    let mut cargo = install_command(workspace, tool);
    step(&what, || process::install(&mut cargo, &named, "crates.io"))
}

fn is_there(workspace: &Workspace, tool: &Tool) -> bool {
    present_version(workspace, tool.program).is_some_and(|present| tool.accepts(&present))
}

impl Tool {
    /// Whether this version on PATH is accepted.
    fn accepts(&self, present: &str) -> bool {
        if present == self.version {
            return true;
        }
        match self.others {
            Others::None => false,
            Others::From(major, minor) => {
                let mut numbers = present.split('.').map(|number| number.parse::<u64>().ok());
                let numbers = (numbers.next().flatten(), numbers.next().flatten());
                matches!(numbers, (Some(a), Some(b)) if (a, b) >= (major, minor))
            }
        }
    }
}

/// The version of the program that a wasm command would start.
pub fn present_version(workspace: &Workspace, program: &str) -> Option<String> {
    let path = toolchain::find(workspace, program)?;
    let output = process::capture(process::command(path).arg("--version")).ok()?;
    versions::in_output(&output).map(str::to_owned)
}

/// Returns `None` if cargo-binstall is not on PATH.
fn binstall_command(workspace: &Workspace, tool: &Tool) -> Option<Command> {
    let mut binstall = process::command(toolchain::find(workspace, "cargo-binstall")?);
    binstall
        .args([tool.package, "--version", &tool.version])
        .args(["--no-confirm", "--force", "--disable-telemetry"])
        // `install_command` builds what can't be downloaded, with its own settings.
        .args(["--disable-strategies", "compile", "--root"])
        .arg(workspace.tools())
        .current_dir(&workspace.cache);
    Some(binstall)
}

fn install_command(workspace: &Workspace, tool: &Tool) -> Command {
    let mut cargo = process::native_cargo();
    cargo
        .args(["install", tool.package, "--version", &tool.version])
        .args(tool.arguments)
        .arg("--force")
        .arg("--root")
        .arg(workspace.tools())
        // Outside the repository, whose cargo settings are not meant for the tools.
        .current_dir(&workspace.cache)
        .env("CARGO_TARGET_DIR", build_dir(workspace))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", tool.optimised);
    cargo
}

/// Shared by all tools, so that common dependencies are built once.
fn build_dir(workspace: &Workspace) -> PathBuf {
    workspace.cache.join("build-tools")
}

/// Removes what building the tools left behind. It stays after a failure, so that a second try is quick.
fn discard_build(workspace: &Workspace) -> Result<()> {
    let dir = build_dir(workspace);
    if dir.exists() {
        fs::remove_dir_all(&dir)
            .with_context(|| format!("{} could not be removed", dir.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wasm_bindgen_needs_an_exact_version() {
        let workspace = Workspace::locate().unwrap();
        let exact = wasm_bindgen(&workspace).unwrap();
        assert!(exact.accepts(&exact.version.clone()));
        assert!(!exact.accepts("0.2.1000"));
        for (present, accepted) in [
            (versions::TRUNK, true),
            ("0.21.14", true),
            ("0.22.1", true),
            ("1.0.0", true),
            ("0.20.3", false),
            ("unknown", false),
        ] {
            assert_eq!(trunk().accepts(present), accepted, "{present}");
        }
    }

    /// The stand-in for cargo-binstall "downloads" a tool that prints its version.
    #[cfg(unix)]
    #[test]
    fn cargo_binstall_installs_a_tool_if_it_is_on_path() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let bin = workspace.tools().join("bin");
        fs::create_dir_all(&bin).unwrap();
        let script = |name: &str, text: &str| {
            let path = bin.join(name);
            fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        let arguments = root.path().join("arguments");
        let (from, to) = (bin.join("fresh"), bin.join("stand-in"));
        let (passed, from, to) = (arguments.display(), from.display(), to.display());
        script("cargo-binstall", &format!("echo \"$@\" > '{passed}'; cp '{from}' '{to}'"));
        script("fresh", "echo stand-in 1.2.3");
        let tool = Tool {
            package: "stand-in-cli",
            program: "stand-in",
            version: "1.2.3".to_owned(),
            others: Others::None,
            arguments: &[],
            optimised: "1",
            minutes: 1,
        };
        assert!(!is_there(&workspace, &tool));
        install(&workspace, &tool).unwrap();
        assert!(is_there(&workspace, &tool));
        let passed = fs::read_to_string(arguments).unwrap();
        assert!(passed.starts_with("stand-in-cli --version 1.2.3 --no-confirm"), "{passed}");
        let tools = workspace.tools();
        assert!(passed.trim_end().ends_with(&format!("--root {}", tools.display())), "{passed}");
    }
}
