//! The npm package against its peers, in Node and in Chromium. Runs `benches/js`, which starts a process for each
//! library, workload and round.

use super::{finish, table::Table};
use crate::setup;
use crate::workspace::Workspace;
use crate::{npm, process};
use anyhow::{Context, Result};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

pub fn run(workspace: &Workspace) -> Result<()> {
    let toolchain = setup::ensure(workspace, npm::NEEDS)?;
    npm::build_with(workspace, &toolchain)?;
    let project = workspace.own_target().join("bench/js");
    let _ = fs::remove_dir_all(&project);
    npm::copy_over(&workspace.root.join("benches/js"), &project)?;
    npm::install(&workspace.npm_package(), &project)?;

    let mut esbuild = toolchain.command("esbuild");
    esbuild
        .args(["in-page.js", "--bundle", "--format=iife", "--charset=utf8", "--outfile=page.js"])
        .args(["--log-level=warning"])
        .current_dir(&project);
    process::run(&mut esbuild)?;
    let page = project.join("page.html");
    let html = "<!doctype html><meta charset=utf-8><body><script src=\"page.js\"></script>\n";
    fs::write(&page, html)?;

    let mut table = Table::begin();
    measure(&project, &page, workspace, &mut table)?;
    finish(&table, workspace, "js", "benches/js/BENCHMARKS.md")
}

fn measure(project: &Path, page: &Path, workspace: &Workspace, table: &mut Table) -> Result<()> {
    let mut node = process::command("node");
    node.arg("run.js").current_dir(project);
    node.arg("--page").arg(page).arg("--package").arg(workspace.npm_package());
    node.arg("--chromium").arg(setup::chromium().context("Chromium is not on PATH")?);
    process::announce(&node);
    let mut child = node
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| process::unstartable(&node))?;
    let output = child.stdout.take().context("run.js has no output")?;
    // This takes minutes, so each row is printed as it comes.
    for line in BufReader::new(output).lines() {
        table.add_lines("", &line?)?;
    }
    process::check(&node, child.wait()?)
}
