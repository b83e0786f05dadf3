//! Counts tests in the output of their runners (cargo test, wasm-bindgen-test and Node), and passes the output on.

use crate::process;
use crate::progress::{self, output::without_escapes};
use anyhow::{Context, Result};
use std::fmt;
use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Command, Stdio};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
}

impl Counts {
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// As in the last line of `cargo xtask test`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Runs the command and adds up the tests in its output, even if it fails.
pub fn run_counted(command: &mut Command, counts: &mut Counts) -> Result<()> {
    let Some(task) = progress::current() else {
        return run_into(command, &mut stdout(), counts);
    };
    let status = process::run_in(&task, command, |piece| counts.add(in_line(piece)))?;
    process::check(command, status)
}

fn run_into(command: &mut Command, shown: &mut impl Write, counts: &mut Counts) -> Result<()> {
    process::announce(command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| process::unstartable(command))?;
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line)? > 0 {
            shown.write_all(&line)?;
            shown.flush()?;
            counts.add(in_line(&String::from_utf8_lossy(&line)));
            line.clear();
        }
    }
    let status = child.wait()?;
    process::check(command, status)
}

/// The tests that one line of a runner reports.
fn in_line(line: &str) -> Counts {
    let line = without_escapes(line);
    let line = line.trim();
    if line.starts_with("test result: ") {
        return Counts { passed: before(line, " passed"), failed: before(line, " failed") };
    }
    // Node prints `# pass 3` or `ℹ pass 3`, depending on its reporter.
    let Some(rest) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) else {
        return Counts::default();
    };
    let number = |word: &str| {
        rest.strip_prefix(word).and_then(|number| number.trim().parse().ok()).unwrap_or(0)
    };
    Counts { passed: number("pass "), failed: number("fail ") }
}

/// The number before the word.
fn before(line: &str, word: &str) -> u64 {
    line.find(word)
        .and_then(|end| line[..end].rsplit(' ').next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64) -> Counts {
        Counts { passed, failed }
    }

    #[test]
    fn the_result_lines_of_all_runners_are_counted() {
        for (line, expected) in [
            (
                "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s\n",
                counts(12, 0),
            ),
            ("test result: FAILED. 3 passed; 2 failed; 0 ignored", counts(3, 2)),
            ("test result: ok. 7 passed; 0 failed; 0 ignored; 0 filtered out", counts(7, 0)),
            (
                "\u{1b}[1mtest result: \u{1b}[32mok\u{1b}(B\u{1b}[m. 4 passed; 0 failed",
                counts(4, 0),
            ),
            ("# pass 3", counts(3, 0)),
            ("ℹ fail 1", counts(0, 1)),
            ("\u{1b}[34mℹ pass 5\u{1b}[39m", counts(5, 0)),
        ] {
            assert_eq!(in_line(line), expected, "{line}");
        }
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in [
            "test a_handler_says_3_passed ... ok",
            "running 3 tests",
            "    test result: in prose 3 things",
            "# tests 3",
            "ℹ pass on",
            "",
        ] {
            assert_eq!(in_line(line), counts(0, 0), "{line}");
        }
    }

    #[test]
    fn counts_are_printed_as_passed_and_failed() {
        assert_eq!(counts(41, 1).to_string(), "41 passed, 1 failed");
    }

    #[cfg(unix)]
    #[test]
    fn tests_of_a_failing_runner_are_counted() {
        let mut sum = counts(1, 0);
        let mut runner = Command::new("sh");
        runner.args(["-c", "echo 'test result: FAILED. 2 passed; 1 failed'; exit 101"]);
        let mut shown = Vec::new();
        assert!(run_into(&mut runner, &mut shown, &mut sum).is_err());
        assert_eq!(sum, counts(3, 1));
        assert_eq!(shown, b"test result: FAILED. 2 passed; 1 failed\n");
    }
}
