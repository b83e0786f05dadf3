//! Benchmarks in wasm: the release build, optimised like the npm package, in one script that Node and browsers run.

use super::table::Table;
use crate::process;
use crate::setup;
use crate::toolchain::{Toolchain, WASM};
use crate::wasm;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::fs;
use std::path::{Path, PathBuf};

/// Builds the script.
pub fn build(workspace: &Workspace, toolchain: &Toolchain) -> Result<PathBuf> {
    let folder = workspace.own_target().join("bench/wasm");
    let mut cargo = toolchain.small("cargo");
    // The only crate type: a crate that is also an `rlib` is not optimised at link time.
    cargo
        .args(["rustc", "--release", "--package", "bus-benches", "--target", WASM])
        .args(["--lib", "--crate-type", "cdylib"])
        .current_dir(&workspace.root);
    process::run(&mut cargo)?;
    let mut bindgen = toolchain.command("wasm-bindgen");
    bindgen
        .args(["--target", "no-modules", "--no-typescript", "--out-dir"])
        .arg(&folder)
        .arg(workspace.target.join(WASM).join("release/bus_benches.wasm"));
    process::run(&mut bindgen)?;
    let module = folder.join("bus_benches_bg.wasm");
    let mut wasm_opt = toolchain.command("wasm-opt");
    wasm_opt.args(wasm::flags_of_the_package(workspace)?).arg(&module).arg("-o").arg(&module);
    process::run(&mut wasm_opt)?;

    let glue = fs::read_to_string(folder.join("bus_benches.js"))?;
    let script = folder.join("bench.js");
    fs::write(&script, script_of(&glue, &fs::read(&module)?))
        .with_context(|| format!("{} could not be written", script.display()))?;
    Ok(script)
}

pub fn run_in_node(
    script: &Path,
    workspace: &Workspace,
    version: &str,
    table: &mut Table,
) -> Result<()> {
    let node = workspace.node(version);
    let lines = process::capture_shown(process::command(node).arg(script))?;
    let major = version.split('.').next().unwrap_or(version);
    table.add_lines(&format!("Node {major}"), &lines)
}

/// The page writes its rows while it loads; Chromium prints the page once it has loaded.
pub fn run_in_chromium(script: &Path, table: &mut Table) -> Result<()> {
    let page = script.with_extension("html");
    fs::write(&page, "<!doctype html><title>Bench</title><script src=\"bench.js\"></script>\n")?;
    let profile = script.with_file_name("profile");
    let mut chromium = process::command(setup::chromium().context("Chromium is not on PATH")?);
    chromium
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--dump-dom"])
        .arg(format!("file://{}", page.display()));
    let page = process::capture(&mut chromium)?;
    table.add_lines("Chromium", &page)
}

fn script_of(glue: &str, wasm: &[u8]) -> String {
    let wasm = BASE64.encode(wasm);
    format!(
        "{glue}
wasm_bindgen.initSync({{ module: Uint8Array.from(atob('{wasm}'), (one) => one.charCodeAt(0)) }});
const rows = wasm_bindgen.rows();
globalThis.document ? document.write(`<pre>\\n\\n${{rows}}\\n</pre>`) : console.log(rows);
"
    )
}
