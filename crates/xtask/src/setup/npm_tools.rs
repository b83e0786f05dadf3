//! Installs tools from npm: `wasm-opt`, which is part of binaryen, `esbuild`, and the releases of Node and the
//! Socket.IO that the benchmarks compare with. Node and npm must already be installed.

use super::{cargo_tools, step};
use crate::versions::{BINARYEN, ESBUILD, NODES, SOCKET_IO};
use crate::workspace::Workspace;
use crate::{process, toolchain};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

const NODE: &str =
    "install Node 20 or newer with npm (https://nodejs.org, or `apt-get install nodejs npm`)";
const OLDEST_NODE: u32 = 20;

pub fn ensure_wasm_opt(workspace: &Workspace) -> Result<()> {
    ensure(workspace, "wasm-opt", "binaryen", BINARYEN)
}

pub fn ensure_esbuild(workspace: &Workspace) -> Result<()> {
    ensure(workspace, "esbuild", "esbuild", ESBUILD)
}

/// Installs `tool` from the npm package `package`.
fn ensure(workspace: &Workspace, tool: &str, package: &str, version: &str) -> Result<()> {
    if cargo_tools::present_version(workspace, tool).as_deref() == Some(version) {
        return Ok(());
    }
    which::which("npm").with_context(|| format!("{tool} comes from npm: {NODE}"))?;
    install(&workspace.npm_tools(), package, version)?;
    if toolchain::find(workspace, tool).is_none() {
        bail!("npm installed {package}@{version}, but it contains no {tool}");
    }
    Ok(())
}

fn install(dir: &Path, package: &str, version: &str) -> Result<()> {
    fs::create_dir_all(dir)?;
    let mut npm = process::command("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--save-exact"])
        .arg("--prefix")
        .arg(dir)
        .arg(format!("{package}@{version}"))
        .current_dir(dir);
    let named = format!("{package} {version}");
    step(&format!("{named} from npm"), || process::install(&mut npm, &named, "npm's registry"))
}

/// Each release has its own folder.
pub fn ensure_measured_nodes(workspace: &Workspace) -> Result<()> {
    for version in NODES {
        let node = workspace.node(version);
        if !node.exists() {
            which::which("npm")
                .with_context(|| format!("Node {version} comes from npm: {NODE}"))?;
            install(&workspace.node_folder(version), "node", version)?;
        }
        process::capture(process::command(&node).arg("--version"))
            .with_context(|| format!("npm has installed node@{version}, but it does not run"))?;
    }
    Ok(())
}

/// Installs the library that the benchmarks' script imports.
pub fn ensure_socket_io(workspace: &Workspace) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Manifest {
        version: String,
    }
    let manifest = workspace.npm_tools().join("node_modules/socket.io/package.json");
    let installed = fs::read(manifest).ok();
    let installed = installed.and_then(|text| serde_json::from_slice::<Manifest>(&text).ok());
    if installed.is_some_and(|installed| installed.version == SOCKET_IO) {
        return Ok(());
    }
    which::which("npm").with_context(|| format!("socket.io comes from npm: {NODE}"))?;
    install(&workspace.npm_tools(), "socket.io", SOCKET_IO)
}

pub fn ensure_node() -> Result<()> {
    let output = process::capture(process::command("node").arg("--version"))
        .with_context(|| format!("the npm package is tested in Node: {NODE}"))?;
    which::which("npm").with_context(|| format!("the npm package is packed by npm: {NODE}"))?;
    match major(&output) {
        Some(version) if version >= OLDEST_NODE => Ok(()),
        _ => bail!("Node is {}: {NODE}", output.trim()),
    }
}

fn major(output: &str) -> Option<u32> {
    output.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_parsed_from_nodes_output() {
        assert_eq!(major("v20.20.0\n"), Some(20));
        assert_eq!(major("20"), None);
    }
}
