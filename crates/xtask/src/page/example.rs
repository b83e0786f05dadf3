//! The page of `examples/yew`, which is built like the chat's and served by its own relay.

use super::part::CHAT;
use super::{NEEDS, Page, staging};
use crate::progress::task;
use crate::setup;
use crate::stamp;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;

const FOLDER: &str = "examples/yew";

/// Builds the page if one of its inputs has changed. Returns its folder.
pub fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    let built = workspace.own_target().join("page/example");
    let stamp_file = workspace.own_target().join("page/example.stamp");
    let inputs = [CHAT, &[FOLDER]].concat();
    let current = || -> Result<String> {
        let files = stamp::of_files(&workspace.root, &stamp::files(&built)?)?;
        Ok(format!("{} {files}", stamp::of(&workspace.root, &inputs)?))
    };
    if fs::read_to_string(&stamp_file).is_ok_and(|kept| current().is_ok_and(|now| now == kept)) {
        return Ok(built);
    }
    let toolchain = setup::ensure(workspace, NEEDS)?;
    task("example", "building the Yew example", || {
        let page = Page::read_in(&workspace.root.join(FOLDER))?;
        let wasm = page.compile(workspace, &toolchain)?;
        let staging = staging(workspace, "example")?;
        page.build_into(&staging, workspace, &toolchain, &wasm)?;
        fs::write(&stamp_file, current()?)
            .with_context(|| format!("{} could not be written", stamp_file.display()))
    })?;
    Ok(built)
}
