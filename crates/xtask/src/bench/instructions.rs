//! Counts the instructions of a publish with callgrind: the difference between two runs with different numbers of
//! events.

use super::native::Programs;
use super::table::{Row, Table};
use crate::process;
use anyhow::{Context, Result};
use std::process::Command;

/// A small and a large number of events. The other costs of a run are the same for both.
const EVENTS: [u64; 2] = [10_000, 110_000];
/// The tolerance: the set-up of two runs differs slightly.
const EQUAL: f64 = 0.5;
const UNUSED_FEATURES: f64 = 10.0;

pub fn rows(programs: &Programs, table: &mut Table) -> Result<()> {
    let of = |case| per_publish(programs, case);
    let (plain, exact, wildcard) = (of("plain")?, of("exact")?, of("wildcard")?);
    table.add(row(
        "publish with 1,000 wildcards standing, one of which matches, beside an exact one",
        (wildcard, exact),
        "the same",
        (wildcard - exact).abs() <= EQUAL,
    ));
    table.add(row(
        "publish with unused waiting queues, groups, recorder and counters, beside a bus without",
        (exact, plain),
        &format!("at most {UNUSED_FEATURES} more"),
        exact - plain <= UNUSED_FEATURES,
    ));
    Ok(())
}

fn row(work: &str, (ours, peer): (f64, f64), bar: &str, met: bool) -> Row {
    let (work, bar) = (work.to_owned(), bar.to_owned());
    let (on, unit) = ("native".to_owned(), "instructions".to_owned());
    Row { on, work, unit, ours, peer: Some(peer), ratio: None, bar, met: Some(met) }
}

fn per_publish(programs: &Programs, case: &str) -> Result<f64> {
    let [few, many] = EVENTS;
    let difference = count(programs, case, many)?.saturating_sub(count(programs, case, few)?);
    Ok(difference as f64 / (many - few) as f64)
}

fn count(programs: &Programs, case: &str, events: u64) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(&programs.time)
        .args(["instructions", &format!("{case}={events}")]);
    let output = process::capture_errors(&mut valgrind)?;
    collected(&output).with_context(|| format!("callgrind printed no count: {output}"))
}

/// The number in `==7== Collected : 1234`.
fn collected(output: &str) -> Option<u64> {
    let (_, number) = output.lines().find_map(|line| line.split_once("Collected :"))?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_parsed_from_callgrinds_output() {
        let output = "==7== Events    : Ir\n==7== Collected : 13146209\n==7== \n";
        assert_eq!(collected(output), Some(13_146_209));
        assert_eq!(collected("==7== Events"), None);
    }
}
