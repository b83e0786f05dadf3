//! Prints the rows of the table.

use bus_benches::Compared;
use serde_json::{Value, json};

/// What was measured before the chat was rebuilt, with the machine and the versions.
const BEFORE: &str = include_str!("../before.json");

/// The goal of a row.
#[derive(Debug, Clone, Copy)]
pub enum Bar {
    AtMost(f64),
    AtLeast(f64),
    /// It is only shown.
    None,
}

/// Prints rows, each beside its value before.
pub struct Table {
    /// The browser.
    on: String,
    before: Value,
}

impl Table {
    pub fn new(on: &str) -> Self {
        let before: Value = serde_json::from_str(BEFORE).expect("before.json is JSON");
        eprintln!("before: {}, {}, {}", before["measured"], before["machine"], before["browser"]);
        Self { on: on.to_owned(), before: before["rows"].clone() }
    }

    /// Prints a figure.
    pub fn print(&self, work: &str, unit: &str, ours: f64, bar: Bar) {
        self.row(work, unit, ours, bar, None);
    }

    /// Prints a ratio of two figures of this run.
    pub fn print_ratio(&self, work: &str, ratio: Compared, most: f64) {
        let interval = [ratio.ratio, ratio.low, ratio.high];
        self.row(work, "x", ratio.ratio, Bar::AtMost(most), Some(interval));
    }

    fn row(&self, work: &str, unit: &str, ours: f64, bar: Bar, ratio: Option<[f64; 3]>) {
        let lowest = ratio.map_or(ours, |[_, low, _]| low);
        let (text, met) = match bar {
            Bar::AtMost(most) => (format!("at most {most} {unit}"), Some(lowest <= most)),
            Bar::AtLeast(least) => (format!("at least {least} {unit}"), Some(ours >= least)),
            Bar::None => (String::new(), None),
        };
        let row = json!({
            "on": self.on, "work": work, "unit": unit, "ours": ours, "peer": self.before[work],
            "ratio": ratio, "bar": text, "met": met,
        });
        println!("{row}");
    }
}
