//! The Autobahn WebSocket test suite, which runs only in CPython 2.7.

use super::{python, step};
use crate::process;
use crate::versions::AUTOBAHN;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PYTHON: &str = "the WebSocket conformance suite needs CPython 2.7: install it with pyenv \
                      (`pyenv install 2.7.18`), or put a `python2.7` with pip on PATH";

/// A command that runs the suite, without its arguments.
pub fn wstest(workspace: &Workspace) -> Result<Command> {
    let mut wstest = process::command(cpython_27().context(PYTHON)?);
    // Its dependencies share a namespace package, which only works in a site directory.
    let program = "import os, site; site.addsitedir(os.environ['EDK_AUTOBAHN']); \
                   from autobahntestsuite.wstest import run; run()";
    wstest.args(["-c", program]).env("EDK_AUTOBAHN", workspace.autobahn());
    Ok(wstest)
}

pub fn ensure(workspace: &Workspace) -> Result<()> {
    let python = cpython_27().context(PYTHON)?;
    let dir = workspace.autobahn();
    let stamp = dir.join("version");
    if fs::read_to_string(&stamp).is_ok_and(|version| version == AUTOBAHN) {
        return Ok(());
    }
    step(&format!("autobahntestsuite {AUTOBAHN} from PyPI"), || {
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        let package = format!("autobahntestsuite=={AUTOBAHN}");
        let mut pip = process::command(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg("--target")
            .arg(&dir)
            .arg(&package);
        process::install(&mut pip, &package, "PyPI")?;
        fs::write(&stamp, AUTOBAHN).context("the suite's folder cannot be written")
    })
}

fn cpython_27() -> Option<PathBuf> {
    python::interpreters("python2.7").into_iter().find(|python| is_cpython_27(python))
}

fn is_cpython_27(python: &Path) -> bool {
    let program =
        "import pip, platform; print(platform.python_implementation(), platform.python_version())";
    let output = process::capture(process::command(python).args(["-c", program]));
    output.is_ok_and(|output| output.contains("CPython") && output.contains("2.7."))
}
