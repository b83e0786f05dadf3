//! The relay's WebSocket layer before the Autobahn test suite: a relay that echoes, and the results held
//! against those that are kept in the repository.

use super::count::Counts;
use crate::progress::print;
use crate::workspace::Workspace;
use crate::{process, setup};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How the relay is named in the results.
const AGENT: &str = "event-relay";
/// Limits (9) are a benchmark, and compression (12, 13) is not offered.
const CASES: [&str; 8] = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"];
const LIMIT: Duration = Duration::from_secs(300);

/// What became of a case, and of its closing handshake.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CaseOutcome {
    behavior: String,
    behavior_close: String,
}

type Outcomes = BTreeMap<String, CaseOutcome>;

/// Ends the relay when the stage ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `native_tests` builds the native tests, and with them a relay that has the feature.
pub fn run(workspace: &Workspace, mut native_tests: Command, counts: &mut Counts) -> Result<()> {
    process::run(native_tests.arg("--no-run"))?;
    let folder = workspace.own_target().join("autobahn");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;

    let (_relay, address) = start(&workspace.built("debug", "event-relay"), &folder.join("data"))?;
    let spec = folder.join("spec.json");
    let reports = folder.join("reports");
    let reported = json!({
        "outdir": reports,
        "servers": [{ "agent": AGENT, "url": format!("ws://{address}/echo") }],
        "cases": CASES,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    fs::write(&spec, reported.to_string())?;
    let mut wstest = setup::wstest(workspace)?;
    wstest.args(["--mode", "fuzzingclient", "--spec"]).arg(&spec).stdout(Stdio::null());
    wstest.current_dir(&folder);
    process::run_within(&mut wstest, LIMIT)?;

    let index = reports.join("index.json");
    let mut seen: BTreeMap<String, Outcomes> = read(&index)?;
    let seen = seen.remove(AGENT).context("the suite's results are not of the relay")?;
    let expected: Outcomes = read(&workspace.root.join("crates/relay/tests/autobahn.json"))?;
    let differences = differences(&expected, &seen);
    let failed = differences.len();
    counts.add(Counts { passed: seen.len().saturating_sub(failed) as u64, failed: failed as u64 });
    for difference in &differences {
        print(difference);
    }
    if !differences.is_empty() {
        bail!(
            "{} cases differ from crates/relay/tests/autobahn.json; see {}",
            failed,
            reports.display()
        );
    }
    Ok(())
}

/// The relay, and the address that it listens on.
fn start(program: &Path, data: &Path) -> Result<(Running, String)> {
    let mut relay: Command = process::command(program);
    relay.args(["--listen", "127.0.0.1:0", "--raise-limits", "1000", "--data"]).arg(data);
    relay.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = relay.spawn().with_context(|| process::unstartable(&relay))?;
    let output = child.stdout.take().context("the relay has no output")?;
    let running = Running(child);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let address = line.trim().strip_prefix("listening on http://");
    let address = address.context("the relay does not say where it listens")?.to_owned();
    Ok((running, address))
}

fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<T> {
    let failed = || format!("{} could not be read", file.display());
    let value: Value = serde_json::from_slice(&fs::read(file).with_context(failed)?)?;
    serde_json::from_value(value).with_context(failed)
}

/// One line for each case that is not as it should be, was not run, or is new.
fn differences(expected: &Outcomes, seen: &Outcomes) -> Vec<String> {
    let mut lines = Vec::new();
    for (case, should) in expected {
        match seen.get(case) {
            Some(is) if is == should => {}
            Some(is) => lines.push(format!("case {case}: expected {should:?}, was {is:?}")),
            None => lines.push(format!("case {case}: expected {should:?}, was not run")),
        }
    }
    let new = seen.iter().filter(|(case, _)| !expected.contains_key(*case));
    lines.extend(new.map(|(case, is)| format!("case {case}: not expected, was {is:?}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(text: &str) -> Outcomes {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_case_that_differs_is_missing_or_is_new_is_reported() {
        let expected = outcomes(
            r#"{"1.1": {"behavior": "OK", "behaviorClose": "OK"},
                "1.2": {"behavior": "OK", "behaviorClose": "OK"}}"#,
        );
        let seen = outcomes(
            r#"{"1.1": {"behavior": "FAILED", "behaviorClose": "OK", "duration": 1},
                "1.3": {"behavior": "OK", "behaviorClose": "OK"}}"#,
        );
        assert_eq!(differences(&expected, &expected), Vec::<String>::new());
        assert_eq!(differences(&expected, &seen).len(), 3);
    }

    #[test]
    fn all_cases_that_are_kept_are_passed() {
        let root = Workspace::locate().unwrap().root;
        let expected: Outcomes = read(&root.join("crates/relay/tests/autobahn.json")).unwrap();
        assert_eq!(expected.len(), 247);
        let passed = ["OK", "NON-STRICT", "INFORMATIONAL"];
        let failed: Vec<_> = expected
            .iter()
            .filter(|(_, outcome)| !passed.contains(&outcome.behavior.as_str()))
            .collect();
        assert!(failed.is_empty(), "{failed:?}");
    }
}
