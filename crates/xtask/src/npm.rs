//! Builds the npm package, from the shrunk output of wasm-bindgen and the files of `npm/`, and tests it in Node and in
//! Chromium.

mod bundle;
mod shrink;

use crate::setup::{self, Need};
use crate::stamp;
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;
use crate::{process, versions, wasm};
use anyhow::{Context, Result, bail};
use shrink::WASM;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What building and testing the package needs.
pub const NEEDS: &[Need] = &[
    Need::StdSources,
    Need::WasmBindgen,
    Need::WasmOpt,
    Need::Esbuild,
    Need::Node,
    Need::Chromium,
];

/// Installs what the build needs, and builds the package.
pub fn build(workspace: &Workspace) -> Result<()> {
    let toolchain = setup::ensure(workspace, NEEDS)?;
    build_with(workspace, &toolchain)
}

/// Builds the package into the target directory.
pub fn build_with(workspace: &Workspace, toolchain: &Toolchain) -> Result<()> {
    let entry_files = workspace.root.join("npm");
    if !entry_files.join("package.json").exists() {
        bail!("npm/package.json is missing: the package has no description");
    }
    let package = workspace.npm_package();
    let build = workspace.own_target().join("npm/build");
    let _ = fs::remove_dir_all(&package);
    let library = "event_driven_kit_npm";
    let module = wasm::compile(workspace, toolchain, "event-driven-kit-npm", &["--lib"], library)?;
    wasm::bind(toolchain, &module, &build, "event_driven_kit")?;
    wasm::optimise(toolchain, &build.join(WASM), &wasm::flags_of_the_package(workspace)?)?;
    shrink::shrink(toolchain, &build)?;
    bundle::bundle(workspace, toolchain, &build, &package)?;
    let version = versions::of_the_library(&workspace.root)?;
    let mut npm = process::command("npm");
    npm.args(["pkg", "set", &format!("version={version}")]).current_dir(&package);
    process::run(&mut npm)
}

/// Copies all files of a folder into another, and overwrites existing ones.
pub fn copy_over(from: &Path, to: &Path) -> Result<()> {
    for file in stamp::files(from)? {
        let target = to.join(file.strip_prefix(from)?);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(&file, &target)
            .with_context(|| format!("{} could not be copied", file.display()))?;
    }
    Ok(())
}

/// Packs the package and installs it into a project as a user would, with the project's own dependencies.
pub fn install(package: &Path, project: &Path) -> Result<()> {
    let mut pack = process::command("npm");
    pack.args(["pack", "--silent", "--pack-destination"]).arg(project).current_dir(package);
    let name = process::capture(&mut pack)?;
    let mut install = process::command("npm");
    install
        .args(["install", "--prefer-offline", "--no-audit", "--no-fund", "--silent"])
        .arg(format!("./{}", name.trim()))
        .current_dir(project);
    process::run(&mut install)
}

/// Packs the package, installs it into an empty project as a user would, and returns the command that runs `tests/npm`
/// there.
pub fn check(workspace: &Workspace) -> Result<Command> {
    let package = workspace.npm_package();
    let project = workspace.own_target().join("npm/trial");
    let _ = fs::remove_dir_all(&project);
    fs::create_dir_all(&project)?;
    fs::write(project.join("package.json"), "{ \"private\": true, \"type\": \"module\" }\n")?;

    install(&package, &project)?;

    let mut node = process::command("node");
    node.args(["--test", "--test-reporter=spec"])
        .env("EDK_NPM_TOOLS", installed(workspace, "tests/npm/tools", "the test tools")?)
        .env("EDK_EXAMPLES", installed(workspace, "examples", "the examples' dependencies")?)
        .env("EDK_CHROMEDRIVER", setup::chromedriver().context("chromedriver is not on PATH")?)
        .env("EDK_CHROMIUM", setup::chromium().context("Chromium is not on PATH")?)
        .env("EDK_SEMANTICS", workspace.root.join("benches/js/SEMANTICS.md"))
        .env("EDK_ROOT", &workspace.root)
        .current_dir(&project);
    let tests = workspace.root.join("tests/npm");
    copy_over(&tests, &project)?;
    copy_over(&workspace.root.join("examples"), &project.join("examples"))?;
    let mut files = stamp::files(&tests)?;
    files.retain(|file| file.to_string_lossy().ends_with(".test.mjs"));
    if files.is_empty() {
        bail!("tests/npm has no tests");
    }
    for file in files {
        node.arg(file.strip_prefix(&tests)?);
    }
    Ok(node)
}

/// Installs the dependencies of the `package.json` in `place`, once for all clones of the repository.
pub fn installed(workspace: &Workspace, place: &str, what: &str) -> Result<PathBuf> {
    let name = format!("{place}/package.json");
    let folder = workspace.cache.join("npm-trial").join(stamp::of(&workspace.root, &[&name])?);
    let done = folder.join("installed");
    if !done.exists() {
        fs::create_dir_all(&folder)?;
        fs::copy(workspace.root.join(name), folder.join("package.json"))?;
        let mut npm = process::command("npm");
        npm.args(["install", "--no-audit", "--no-fund"]).current_dir(&folder);
        process::install(&mut npm, what, "npm's registry")?;
        fs::write(done, "")?;
    }
    Ok(folder)
}
