//! A Python with the WebSocket client from PyPI: the third-party client of the end-to-end tests.

use super::{debian, step};
use crate::process;
use crate::versions::WEBSOCKET_CLIENT;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The virtual environment's Python.
pub fn python(workspace: &Workspace) -> PathBuf {
    let dir = workspace.python();
    if cfg!(windows) { dir.join("Scripts/python.exe") } else { dir.join("bin/python") }
}

pub fn ensure(workspace: &Workspace) -> Result<()> {
    let python = python(workspace);
    if installed(&python).as_deref() == Some(WEBSOCKET_CLIENT) {
        return Ok(());
    }
    step(&format!("websocket-client {WEBSOCKET_CLIENT} from PyPI"), || {
        make_environment(&workspace.python())?;
        let package = format!("websocket-client=={WEBSOCKET_CLIENT}");
        let mut pip = process::command(&python);
        pip.args(["-m", "pip", "install", "--quiet", &package]);
        process::install(&mut pip, &package, "PyPI")
    })
}

fn installed(python: &Path) -> Option<String> {
    let program = "import importlib.metadata as m; print(m.version('websocket-client'))";
    let answer = process::capture(process::command(python).args(["-c", program])).ok()?;
    Some(answer.trim().to_owned())
}

fn make_environment(dir: &Path) -> Result<()> {
    let make = || {
        let mut venv = process::command("python3");
        venv.args(["-m", "venv", "--clear"]).arg(dir);
        process::run(&mut venv)
    };
    let Err(error) = make() else {
        return Ok(());
    };
    // Debian keeps a part of `venv` in a package of its own.
    if debian::unusable().is_none() {
        debian::install(&["python3", "python3-venv"], "install Python 3 with venv")?;
        return make();
    }
    Err(error).context("a Python 3 with venv is needed (Debian: `apt-get install python3-venv`)")
}
