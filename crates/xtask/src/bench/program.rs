//! A program of `benches/relay`: it starts the relay and prints the rows.

use super::{finish, table::Table};
use crate::workspace::Workspace;
use crate::{process, run};
use anyhow::{Context, Result};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Builds it and the relay, and answers how to run it.
pub fn build(workspace: &Workspace, name: &str) -> Result<Command> {
    run::build_relay(workspace)?;
    let mut cargo = process::native_cargo();
    cargo
        .args(["build", "--profile", "native", "--package", "relay-benches"])
        .current_dir(&workspace.root);
    process::run(&mut cargo)?;
    // Stores are measured where builds are written: on a disk.
    let data = workspace.own_target().join("bench/data");
    fs::create_dir_all(&data)?;
    let mut program = process::command(workspace.built("native", name));
    program.arg("--relay").arg(workspace.relay()).arg("--data").arg(&data);
    Ok(program)
}

/// Runs it with the arguments of the user, who may ask for some rows only: these do not go into the document.
pub fn measure(
    workspace: &Workspace,
    mut program: Command,
    arguments: &[String],
    (name, document): (&str, &str),
) -> Result<()> {
    program.args(arguments);
    process::announce(&program);
    let mut child = program
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| process::unstartable(&program))?;
    let output = child.stdout.take().context("the program has no output")?;
    let mut table = Table::begin();
    // It takes minutes: each row is shown when it is there.
    for line in BufReader::new(output).lines() {
        table.add_lines("Linux", &line?)?;
    }
    process::check(&program, child.wait()?)?;
    if arguments.is_empty() {
        return finish(&table, workspace, name, document);
    }
    table.hold()
}
