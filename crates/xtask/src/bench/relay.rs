//! The relay beside its peers: the load generator of `benches/relay` starts them and prints the rows.

use super::{finish, table::Table};
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use crate::{process, run};
use anyhow::{Context, Result};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const NEEDS: &[Need] = &[Need::Nats, Need::Node, Need::SocketIo, Need::Wse];

pub fn run(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, NEEDS)?;
    run::build_relay(workspace)?;
    let mut cargo = process::native_cargo();
    cargo
        .args(["build", "--profile", "native", "--package", "relay-benches"])
        .current_dir(&workspace.root);
    process::run(&mut cargo)?;

    // Stores are measured where builds are written: on a disk.
    let data = workspace.own_target().join("bench/data");
    fs::create_dir_all(&data)?;
    let mut load = process::command(workspace.built("native", "relay-load"));
    load.arg("--relay").arg(workspace.relay());
    load.arg("--nats").arg(setup::nats_server().context("there is no nats-server")?);
    load.arg("--socket-io").arg(workspace.npm_tools()).arg("--data").arg(&data);
    load.arg("--wse").arg(setup::wse_python(workspace));
    process::announce(&load);
    let mut child = load
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| process::unstartable(&load))?;
    let output = child.stdout.take().context("the load has no output")?;
    let mut table = Table::begin();
    // It takes minutes: each row is shown when it is there.
    for line in BufReader::new(output).lines() {
        table.add_lines("Linux", &line?)?;
    }
    process::check(&load, child.wait()?)?;
    finish(&table, workspace, "relay", "crates/relay/BENCHMARKS.md")
}
