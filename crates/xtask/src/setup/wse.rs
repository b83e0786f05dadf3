//! WSE's server, a peer of the relay's benchmark. Its wheels are for CPython 3.12 and up.

use super::python::{install, installed, interpreters, make_environment};
use super::step;
use crate::process;
use crate::versions::WSE;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

const PYTHON: &str = "wse-server, a peer of the benchmark, needs CPython 3.12: install it with pyenv \
                      (`pyenv install 3.12`), or put a `python3.12` with venv on PATH";

/// The Python that WSE is installed for.
pub fn wse_python(workspace: &Workspace) -> PathBuf {
    workspace.wse().join("bin/python")
}

pub fn ensure(workspace: &Workspace) -> Result<()> {
    let python = wse_python(workspace);
    if installed(&python, "wse-server").as_deref() == Some(WSE) {
        return Ok(());
    }
    let base = interpreters("python3.12").into_iter().find(|python| works(python));
    let base = base.context(PYTHON)?;
    step(&format!("wse-server {WSE} from PyPI"), || {
        make_environment(&base, &workspace.wse())?;
        install(&python, &format!("wse-server=={WSE}"))
    })
}

fn works(python: &Path) -> bool {
    let program = "import sys, venv; print(sys.version_info[:2])";
    let output = process::capture(process::command(python).args(["-c", program]));
    output.is_ok_and(|output| output.trim() == "(3, 12)")
}
