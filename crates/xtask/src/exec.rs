//! `exec`: a command of the user's, where the wasm target and the tools are found.

use crate::process;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::process::ExitCode;

/// Sets up what the command needs, and becomes the command.
pub fn exec(workspace: &Workspace, words: &[OsString]) -> Result<ExitCode> {
    let (program, arguments) = words.split_first().context("there is no command")?;
    let toolchain = setup::ensure(workspace, &needs(arguments))?;
    let mut command = toolchain.command(program);
    command.args(arguments);
    become_it(command)
}

/// The tools of the page, and the browsers that wasm-pack is asked to test in.
fn needs(arguments: &[OsString]) -> Vec<Need> {
    let mut needs = Need::PAGE.to_vec();
    for argument in arguments {
        needs.extend(match argument.to_str() {
            Some("--chrome") => Some(Need::Chromium),
            Some("--firefox") => Some(Need::Firefox),
            Some("--safari") => Some(Need::WebKit),
            _ => None,
        });
    }
    needs
}

#[cfg(unix)]
fn become_it(mut command: std::process::Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    // Signals then reach the command itself.
    let error = command.exec();
    Err(error).with_context(|| process::unstartable(&command))
}

#[cfg(not(unix))]
fn become_it(mut command: std::process::Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| process::unstartable(&command))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_in_a_browser_needs_that_browser() {
        let words = ["test", "--headless", "--firefox"].map(OsString::from);
        let needs = needs(&words);
        assert!(needs.contains(&Need::Firefox));
        assert!(!needs.contains(&Need::Chromium));
        assert!(needs.contains(&Need::WasmBindgen));
    }
}
