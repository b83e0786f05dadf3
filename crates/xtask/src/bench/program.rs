//! Runs a program that starts the relay and prints rows: those of `benches/relay`, and that of `benches/chat`.

use super::{finish, table::Table};
use crate::workspace::Workspace;
use crate::{process, run};
use anyhow::{Context, Result};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Builds the program and the relay, and returns the command that runs the program.
pub fn build(workspace: &Workspace, name: &str) -> Result<Command> {
    run::build_relay(workspace)?;
    let mut cargo = process::native_cargo();
    cargo
        .args(["build", "--profile", "native", "--package", "relay-benches"])
        .current_dir(&workspace.root);
    process::run(&mut cargo)?;
    // Not a temporary folder, which may be in memory: stores are measured on a disk.
    let data = workspace.own_target().join("bench/data");
    fs::create_dir_all(&data)?;
    let mut program = process::command(workspace.built("native", name));
    program.arg("--relay").arg(workspace.relay()).arg("--data").arg(&data);
    Ok(program)
}

/// Runs the program with the user's arguments. With any of them it may print only some rows, so the document is not
/// written.
pub fn measure(
    workspace: &Workspace,
    mut program: Command,
    arguments: &[String],
    (name, document): (&str, &str),
) -> Result<()> {
    let mut table = Table::begin();
    add_rows(&mut program, arguments, &mut table)?;
    if arguments.is_empty() {
        return finish(&table, workspace, name, document);
    }
    table.check_bars()
}

/// Runs the program with the user's arguments, and adds its rows.
pub fn add_rows(program: &mut Command, arguments: &[String], table: &mut Table) -> Result<()> {
    program.args(arguments);
    process::announce(program);
    let mut child = program
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| process::unstartable(program))?;
    let output = child.stdout.take().context("the program has no output")?;
    // This takes minutes, so each row is printed as it comes.
    for line in BufReader::new(output).lines() {
        table.add_lines("Linux", &line?)?;
    }
    process::check(program, child.wait()?)
}
