//! Benchmarks. Each one compares with its peers in the same run, and fails if a bar is missed.

mod attacks;
mod chart;
mod chat;
mod instructions;
mod js;
mod native;
mod program;
mod relay;
mod table;
mod trust;
mod wasm;

use crate::setup::{self, Need};
use crate::versions::NODES;
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use clap::ValueEnum;
use table::Table;

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bench {
    /// The pure bus: natively, and in wasm under Node and in Chromium
    Bus,
    /// The npm package against other emitters, in Node and in Chromium
    Js,
    /// The relay against nats-server, Socket.IO and WSE
    Relay,
    /// The relay while one address attacks it: what other clients notice, and how much memory it takes
    Attacks,
    /// What trust costs: the relay with accounts beside the relay without, and signatures in each browser
    Trust,
    /// The chat in Chromium, beside what it was before it was rebuilt
    Chat,
    /// Nothing: only redraw the chart of the README from the existing tables
    Chart,
}

const NEEDS: &[Need] = &[
    Need::StdSources,
    Need::WasmBindgen,
    Need::WasmOpt,
    Need::MeasuredNodes,
    Need::Chromium,
    Need::Valgrind,
];

/// Measures, prints the table and writes it as JSON into `target/bench`. `arguments` are passed to the program that
/// measures.
pub fn run(workspace: &Workspace, bench: Bench, arguments: &[String]) -> Result<()> {
    match bench {
        Bench::Bus | Bench::Js | Bench::Chart if !arguments.is_empty() => {
            bail!("only `relay`, `attacks`, `trust` and `chat` take arguments after `--`")
        }
        Bench::Bus => bus(workspace),
        Bench::Js => js::run(workspace),
        Bench::Relay => relay::run(workspace, arguments),
        Bench::Attacks => attacks::run(workspace, arguments),
        Bench::Trust => trust::run(workspace, arguments),
        Bench::Chat => chat::run(workspace, arguments),
        Bench::Chart => chart::draw(workspace),
    }
}

fn bus(workspace: &Workspace) -> Result<()> {
    let toolchain = setup::ensure(workspace, NEEDS)?;
    // Build everything before measuring anything.
    let programs = native::build(workspace)?;
    let script = wasm::build(workspace, &toolchain)?;

    let mut table = Table::begin();
    programs.run(&mut table)?;
    instructions::rows(&programs, &mut table)?;
    for version in NODES {
        wasm::run_in_node(&script, workspace, version, &mut table)?;
    }
    wasm::run_in_chromium(&script, &mut table)?;
    finish(&table, workspace, "bus", "crates/bus/BENCHMARKS.md")
}

/// Writes the table as JSON and into its document, and fails if a bar is missed.
fn finish(table: &Table, workspace: &Workspace, name: &str, document: &str) -> Result<()> {
    let file = workspace.own_target().join(format!("bench/{name}.json"));
    table.write(&file)?;
    table.write_into(&workspace.root.join(document))?;
    chart::draw(workspace)?;
    println!("\nWritten to {document}, and as JSON to {}", file.display());
    table.check_bars()
}
