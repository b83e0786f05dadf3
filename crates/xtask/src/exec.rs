//! `exec`: runs a command with the wasm target and the tools on its path.

use crate::knocking::Knocking;
use crate::process;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitCode};

/// Installs what the command needs and replaces this process with it. A command that tests in a browser runs as a
/// child, because [`Knocking`] must run beside it.
pub fn exec(workspace: &Workspace, words: &[OsString]) -> Result<ExitCode> {
    let (program, arguments) = words.split_first().context("no command is given")?;
    let browsers = browsers(arguments);
    let toolchain = setup::ensure(workspace, &[tools(program), &browsers].concat())?;
    let mut command = toolchain.command(program);
    command.args(arguments);
    if !browsers.is_empty() {
        let _knocking = Knocking::start(&mut command)?;
        return wait_for(command);
    }
    replace_process(command)
}

/// The tools that the program needs, including itself.
fn tools(program: &OsStr) -> &'static [Need] {
    let name = Path::new(program).file_stem().and_then(OsStr::to_str);
    match name.unwrap_or_default() {
        "trunk" => &[Need::WasmBindgen, Need::WasmOpt, Need::Trunk],
        "wasm-pack" => &[Need::WasmBindgen, Need::WasmOpt, Need::WasmPack],
        "esbuild" => &[Need::Esbuild],
        "wasm-opt" => &[Need::WasmOpt],
        _ => &[Need::WasmBindgen],
    }
}

/// The browsers that wasm-pack is asked to test in.
fn browsers(arguments: &[OsString]) -> Vec<Need> {
    let browser = |argument: &OsString| match argument.to_str() {
        Some("--chrome") => Some(Need::Chromium),
        Some("--firefox") => Some(Need::Firefox),
        Some("--safari") => Some(Need::WebKit),
        _ => None,
    };
    arguments.iter().filter_map(browser).collect()
}

#[cfg(unix)]
fn replace_process(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    // Signals reach the command itself.
    let error = command.exec();
    Err(error).with_context(|| process::unstartable(&command))
}

#[cfg(not(unix))]
use wait_for as replace_process;

fn wait_for(mut command: Command) -> Result<ExitCode> {
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
        assert_eq!(browsers(&words), [Need::Firefox]);
    }

    #[test]
    fn trunk_and_wasm_pack_are_installed_only_for_commands_that_need_them() {
        let needs = |program: &str, need| tools(OsStr::new(program)).contains(&need);
        assert!(needs("trunk", Need::Trunk) && needs("/usr/bin/wasm-pack", Need::WasmPack));
        assert!(!needs("cargo", Need::Trunk) && !needs("cargo", Need::WasmPack));
        assert!(needs("cargo", Need::WasmBindgen));
    }
}
