//! Formats the outcomes of the stages.

use super::JobOutcome;
use super::count::Counts;
use crate::progress::duration;
use std::fmt::Write as _;

/// The line that is printed when a stage is done.
pub fn line(outcome: &JobOutcome) -> String {
    let tests = match outcome.counts {
        Counts { passed: 0, failed: 0 } => String::new(),
        counts => format!(", {counts}"),
    };
    format!("{}: {:.1} s{tests}, {}", outcome.name, outcome.took.as_secs_f64(), verdict(outcome))
}

/// A table of all stages with their times, in the order in which they began.
pub fn table(outcomes: &[JobOutcome]) -> String {
    let mut rows: Vec<&JobOutcome> = outcomes.iter().collect();
    rows.sort_by_key(|outcome| outcome.began);
    let mut text =
        format!("{:<12} {:>12} {:>12} {:>8} {:>8}\n", "stage", "began", "took", "passed", "failed");
    for outcome in rows {
        let Counts { passed, failed } = outcome.counts;
        let _ = writeln!(
            text,
            "{:<12} {:>12} {:>12} {passed:>8} {failed:>8}  {}",
            outcome.name,
            duration(outcome.began),
            duration(outcome.took),
            verdict(outcome)
        );
    }
    text
}

fn verdict(outcome: &JobOutcome) -> String {
    match &outcome.error {
        None => "ok".to_owned(),
        Some(error) => format!("FAILED: {error:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn outcome(name: &'static str, began: u64, error: Option<&str>) -> JobOutcome {
        JobOutcome {
            name,
            began: Duration::from_secs(began),
            took: Duration::from_secs(75),
            counts: Counts { passed: 12, failed: 0 },
            error: error.map(|text| anyhow::anyhow!("{text}")),
        }
    }

    #[test]
    fn the_table_lists_all_stages_in_the_order_they_began() {
        let text = table(&[outcome("npm", 90, Some("no npm")), outcome("fmt", 0, None)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "stage               began         took   passed   failed");
        assert_eq!(lines[1], "fmt                   0 s   1 min 15 s       12        0  ok");
        assert_eq!(
            lines[2],
            "npm            1 min 30 s   1 min 15 s       12        0  FAILED: no npm"
        );
    }
}
