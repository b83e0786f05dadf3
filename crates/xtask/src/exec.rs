//! `exec`: a command of the user's, where the wasm target and the tools are found.

use crate::knocking::Knocking;
use crate::process;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitCode};

/// Sets up what the command needs, and becomes the command, or its parent where it tests in a browser.
pub fn exec(workspace: &Workspace, words: &[OsString]) -> Result<ExitCode> {
    let (program, arguments) = words.split_first().context("there is no command")?;
    let browsers = browsers(arguments);
    let toolchain = setup::ensure(workspace, &[tools(program), &browsers].concat())?;
    let mut command = toolchain.command(program);
    command.args(arguments);
    if !browsers.is_empty() {
        let _knocking = Knocking::start(&mut command)?;
        return wait_for(command);
    }
    become_it(command)
}

/// What the program itself is, and what it starts.
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
fn become_it(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    // Signals then reach the command itself.
    let error = command.exec();
    Err(error).with_context(|| process::unstartable(&command))
}

#[cfg(not(unix))]
use wait_for as become_it;

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
    fn trunk_and_wasm_pack_are_only_got_for_those_that_call_them() {
        let gets = |program: &str, need| tools(OsStr::new(program)).contains(&need);
        assert!(gets("trunk", Need::Trunk) && gets("/usr/bin/wasm-pack", Need::WasmPack));
        assert!(!gets("cargo", Need::Trunk) && !gets("cargo", Need::WasmPack));
        assert!(gets("cargo", Need::WasmBindgen));
    }
}
