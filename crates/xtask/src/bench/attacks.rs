//! The relay under attack: `benches/relay` starts and attacks it, and prints the rows.

use super::{finish, table::Table};
use crate::workspace::Workspace;
use crate::{process, run};
use anyhow::{Context, Result};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

pub fn run(workspace: &Workspace) -> Result<()> {
    run::build_relay(workspace)?;
    let mut cargo = process::native_cargo();
    cargo
        .args(["build", "--profile", "native", "--package", "relay-benches"])
        .current_dir(&workspace.root);
    process::run(&mut cargo)?;
    let data = workspace.own_target().join("bench/data");
    fs::create_dir_all(&data)?;
    let mut attacks = process::command(workspace.built("native", "relay-attacks"));
    attacks.arg("--relay").arg(workspace.relay()).arg("--data").arg(&data);
    process::announce(&attacks);
    let mut child = attacks
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| process::unstartable(&attacks))?;
    let output = child.stdout.take().context("the attacks have no output")?;
    let mut table = Table::begin();
    for line in BufReader::new(output).lines() {
        table.add_lines("Linux", &line?)?;
    }
    process::check(&attacks, child.wait()?)?;
    finish(&table, workspace, "attacks", "crates/relay/ATTACKS.md")
}
