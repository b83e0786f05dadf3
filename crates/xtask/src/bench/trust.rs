//! What accounts cost at the relay, and what signatures cost in browsers.

use super::table::{Row, Table};
use super::{finish, program};
use crate::engine::Engine;
use crate::knocking::Knocking;
use crate::process;
use crate::setup::{self, Need};
use crate::toolchain::{Toolchain, WASM};
use crate::workspace::Workspace;
use anyhow::{Context, Result};

/// The arguments that measure only the browsers.
const BROWSERS: [&str; 2] = ["--only", "browsers"];
const NEEDS: &[Need] = &[Need::WasmBindgen, Need::Chromium, Need::Firefox, Need::WebKit];
/// The tests that print figures, and how each line with a figure begins.
const TESTS: [&str; 4] = ["--test", "trust", "--", "speed"];
const MEASURED: &str = "measured: ";

pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut table = Table::begin();
    if arguments != BROWSERS {
        let mut load = program::build(workspace, "relay-load")?;
        program::add_rows(load.arg("--trust"), arguments, &mut table)?;
    }
    if arguments.is_empty() || arguments == BROWSERS {
        let toolchain = setup::ensure(workspace, NEEDS)?;
        for engine in Engine::ALL {
            in_browser(workspace, &toolchain, engine, &mut table)?;
        }
    }
    if arguments.is_empty() {
        return finish(&table, workspace, "trust", "crates/relay/TRUST_BENCHMARKS.md");
    }
    table.check_bars()
}

fn in_browser(
    workspace: &Workspace,
    toolchain: &Toolchain,
    engine: Engine,
    table: &mut Table,
) -> Result<()> {
    let mut cargo = engine.cargo(toolchain)?;
    cargo.args(["test", "--release", "--target", WASM, "--all-features"]).args(TESTS);
    cargo.arg("--nocapture").current_dir(&workspace.root);
    cargo.env("WASM_BINDGEN_TEST_TIMEOUT", "180");
    let _knocking = Knocking::start(&mut cargo)?;
    let output = process::capture(&mut cargo)?;
    for row in rows(engine, &output)? {
        table.add(row);
    }
    Ok(())
}

/// The rows of what the tests have printed.
fn rows(engine: Engine, output: &str) -> Result<[Row; 2]> {
    let measured = |name: &str| {
        let mut lines = output.lines().filter_map(|line| line.split_once(MEASURED));
        let line = lines.find_map(|(_, line)| line.strip_prefix(name));
        let line = line.with_context(|| format!("{} has not measured{name}", engine.name()))?;
        let figures = line.split_whitespace().map(str::parse::<f64>);
        Ok::<_, anyhow::Error>(figures.collect::<Result<Vec<_>, _>>()?)
    };
    let (signing, history) = (measured("signing ")?, measured("history ")?);
    let (sign_bar, history_bar) = match engine {
        Engine::Chromium => (1.0, 150.0),
        Engine::Firefox => (2.0, 300.0),
        Engine::WebKit => (3.0, 600.0),
    };
    let row = |work: &str, ours: f64, peer, bar, met| Row {
        on: engine.name().to_owned(),
        work: work.to_owned(),
        unit: "ms".to_owned(),
        ours,
        peer,
        ratio: None,
        bar,
        met: Some(met),
    };
    let sign = *signing.first().context("signing has no figure")?;
    let [with, without] = history[..] else { anyhow::bail!("history has not two figures") };
    Ok([
        row("sign an event: p50", sign, None, format!("at most {sign_bar} ms"), sign <= sign_bar),
        row(
            "show 200 signed events of history, beside unsigned ones",
            with,
            Some(without),
            format!("at most {history_bar} ms over"),
            with - without <= history_bar,
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_a_browser_become_rows_with_its_bars() {
        let output = "running 2 tests\nmeasured: signing 1.5\nnoise measured: history 460 30.5\n";
        let met = |engine| rows(engine, output).unwrap().map(|row| row.met);
        assert_eq!(met(Engine::Chromium), [Some(false), Some(false)]);
        assert_eq!(met(Engine::Firefox), [Some(true), Some(false)]);
        assert_eq!(met(Engine::WebKit), [Some(true), Some(true)]);
        assert!(rows(Engine::WebKit, "measured: signing 1").is_err());
    }
}
