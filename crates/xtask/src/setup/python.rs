//! A Python with the WebSocket client from PyPI: the third-party client of the end-to-end tests.

use super::{debian, step};
use crate::process;
use crate::versions::WEBSOCKET_CLIENT;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The virtual environment's Python.
pub fn python(workspace: &Workspace) -> PathBuf {
    let dir = workspace.python();
    if cfg!(windows) { dir.join("Scripts/python.exe") } else { dir.join("bin/python") }
}

pub fn ensure(workspace: &Workspace) -> Result<()> {
    let python = python(workspace);
    if installed(&python, "websocket-client").as_deref() == Some(WEBSOCKET_CLIENT) {
        return Ok(());
    }
    step(&format!("websocket-client {WEBSOCKET_CLIENT} from PyPI"), || {
        make_environment("python3", &workspace.python())?;
        install(&python, &format!("websocket-client=={WEBSOCKET_CLIENT}"))
    })
}

/// Installs a package into the environment of this interpreter.
pub(super) fn install(python: &Path, package: &str) -> Result<()> {
    let mut pip = process::command(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]);
    process::install(&mut pip, package, "PyPI")
}

/// The version of a package that the interpreter finds.
pub(super) fn installed(python: &Path, package: &str) -> Option<String> {
    let program = format!("import importlib.metadata as m; print(m.version('{package}'))");
    let output = process::capture(process::command(python).args(["-c", &program])).ok()?;
    Some(output.trim().to_owned())
}

/// All interpreters of this name, on PATH and among the versions of pyenv. A shim of pyenv on PATH may be for another
/// version.
pub(super) fn interpreters(name: &str) -> Vec<PathBuf> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(env::home_dir()?.join(".pyenv")));
    let mut found: Vec<PathBuf> = which::which_all(name).into_iter().flatten().collect();
    if let Some(versions) = root.and_then(|root| fs::read_dir(root.join("versions")).ok()) {
        let of = |version: fs::DirEntry| version.path().join("bin").join(name);
        found.extend(versions.flatten().map(of));
    }
    found
}

/// Creates a virtual environment with this interpreter.
pub(super) fn make_environment(python: impl AsRef<OsStr>, dir: &Path) -> Result<()> {
    let make = || {
        let mut venv = process::command(&python);
        venv.args(["-m", "venv", "--clear"]).arg(dir);
        process::run(&mut venv)
    };
    let Err(error) = make() else {
        return Ok(());
    };
    // Debian puts a part of `venv` into a separate package.
    if debian::unusable().is_none() {
        debian::install(&["python3", "python3-venv"], "install Python 3 with venv")?;
        return make();
    }
    Err(error).context("a Python 3 with venv is needed (Debian: `apt-get install python3-venv`)")
}
