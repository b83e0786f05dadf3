//! Turns a crate into what a browser loads in three steps: cargo, wasm-bindgen and wasm-opt. The page and the npm
//! package are built this way, with the flags that Trunk and wasm-pack would read.

mod order;
mod short_names;

use crate::process;
use crate::stamp;
use crate::toolchain::{Toolchain, WASM};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

pub use short_names::shorten;

/// Compiles a release build. `target` chooses one of the package's targets, as in `["--bin", "chat"]`. Returns the
/// file.
pub fn compile(
    workspace: &Workspace,
    toolchain: &Toolchain,
    package: &str,
    target: &[&str],
    name: &str,
) -> Result<PathBuf> {
    let mut cargo = toolchain.small("cargo");
    cargo
        .args(["build", "--release", "--target", WASM, "--package", package])
        .args(target)
        .current_dir(&workspace.root);
    process::run(&mut cargo)?;
    Ok(workspace.target.join(WASM).join("release").join(format!("{name}.wasm")))
}

/// Writes `NAME.js`, `NAME_bg.wasm` and their snippets into an empty folder.
pub fn bind(toolchain: &Toolchain, wasm: &Path, folder: &Path, name: &str) -> Result<()> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)
        .with_context(|| format!("{} could not be created", folder.display()))?;
    let mut bindgen = toolchain.command("wasm-bindgen");
    bindgen
        .args(["--target", "web", "--no-typescript", "--out-name", name, "--out-dir"])
        .arg(folder)
        .arg(wasm);
    process::run(&mut bindgen)
}

/// Makes a module smaller, and then [reorders](reorder) its functions.
pub fn optimise(toolchain: &Toolchain, wasm: &Path, flags: &[String]) -> Result<()> {
    let smaller = wasm.with_extension("smaller");
    let mut wasm_opt = toolchain.command("wasm-opt");
    wasm_opt.args(flags).arg(wasm).arg("-o").arg(&smaller);
    process::run(&mut wasm_opt)?;
    fs::rename(&smaller, wasm)
        .with_context(|| format!("{} could not be written", wasm.display()))?;
    reorder(toolchain, wasm)
}

/// Puts the functions of a module into the order that compresses best.
pub fn reorder(toolchain: &Toolchain, wasm: &Path) -> Result<()> {
    let named = wasm.with_extension("named");
    let module = fs::read(wasm).with_context(|| format!("{} could not be read", wasm.display()))?;
    let renamed = order::named(&module).with_context(|| format!("{}", wasm.display()))?;
    fs::write(&named, renamed)
        .with_context(|| format!("{} could not be written", named.display()))?;
    let mut wasm_opt = toolchain.command("wasm-opt");
    wasm_opt.arg("--reorder-functions-by-name").arg(&named).arg("-o").arg(wasm);
    process::run(&mut wasm_opt)?;
    fs::remove_file(&named).with_context(|| format!("{} could not be removed", named.display()))
}

/// Joins the JS of wasm-bindgen and its snippets into one minified module. One file compresses better than several, and
/// its name changes with its content. The snippet with the name `apart`, which others load by `import()`, stays a file
/// of its own.
pub fn bundle(toolchain: &Toolchain, js: &Path, apart: Option<&str>) -> Result<()> {
    let folder = js.parent().context("a script without a folder")?;
    let name = js.file_name().unwrap_or_default().to_string_lossy();
    let external = apart.map(|apart| format!("--external:./{apart}"));
    let join = |entry: &Path, out: &str| {
        let mut esbuild = toolchain.command("esbuild");
        esbuild
            .arg(entry)
            .args(["--bundle", "--minify", "--format=esm", "--target=es2022"])
            .args(["--log-level=warning", "--allow-overwrite"])
            .arg(format!("--outfile={out}"))
            .args(&external)
            .current_dir(folder);
        process::run(&mut esbuild)
    };
    join(Path::new(&*name), &name)?;
    let snippets = folder.join("snippets");
    if let Some(apart) = apart {
        let files = stamp::files(&snippets)?;
        let entry = files.iter().find(|file| file.file_name().is_some_and(|name| name == apart));
        join(entry.with_context(|| format!("no snippet is called {apart}"))?, apart)?;
    }
    if snippets.exists() {
        fs::remove_dir_all(&snippets)
            .with_context(|| format!("{} could not be removed", snippets.display()))?;
    }
    Ok(())
}

/// The arguments of wasm-opt in the `Cargo.toml` of the npm package.
pub fn flags_of_the_package(workspace: &Workspace) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Manifest {
        package: Package,
    }
    #[derive(Deserialize)]
    struct Package {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Metadata {
        wasm_pack: WasmPack,
    }
    #[derive(Deserialize)]
    struct WasmPack {
        profile: Profiles,
    }
    #[derive(Deserialize)]
    struct Profiles {
        release: Release,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Release {
        wasm_opt: Vec<String>,
    }
    let path = workspace.root.join("crates/npm/Cargo.toml");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("{} could not be read", path.display()))?;
    let manifest: Manifest = toml::from_str(&text)
        .with_context(|| format!("{} has no arguments for wasm-opt", path.display()))?;
    Ok(manifest.package.metadata.wasm_pack.profile.release.wasm_opt)
}
