//! A row of the table: a measurement, and whether it meets its bar.

use serde::Serialize;

/// Our figures and those of a peer.
#[derive(Debug, Clone, Copy)]
pub struct Compared {
    /// The median of our rounds, per piece of work, in nanoseconds unless stated otherwise.
    pub ours: f64,
    /// The median of the peer's rounds.
    pub peer: f64,
    /// The median of the ratios of all rounds.
    pub ratio: f64,
    /// The lower end of the 95 % interval of the ratio.
    pub low: f64,
    /// The upper end of the 95 % interval of the ratio.
    pub high: f64,
}

/// A line of JSON on standard output.
#[derive(Debug, Serialize)]
pub struct Row {
    work: String,
    unit: &'static str,
    ours: f64,
    peer: Option<f64>,
    ratio: Option<[f64; 3]>,
    bar: String,
    met: Option<bool>,
}

impl Row {
    /// The bar is met when the interval of the ratio reaches `bar`.
    pub fn at_most(work: &str, compared: &Compared, bar: f64) -> Self {
        Self::compared(work, compared, format!("at most {bar}x"), compared.low <= bar)
    }

    /// The bar is met when we take at most `bar` nanoseconds more than the peer.
    pub fn at_most_over(work: &str, compared: &Compared, bar: f64) -> Self {
        let over = compared.ours - compared.peer;
        Self::compared(work, compared, format!("{over:.1} ns over, at most {bar} ns"), over <= bar)
    }

    /// Two bars: for the ratio, and for our nanoseconds.
    pub fn at_most_and(work: &str, compared: &Compared, bar: f64, nanoseconds: f64) -> Self {
        let met = compared.low <= bar && compared.ours <= nanoseconds;
        Self::compared(work, compared, format!("at most {bar}x, and {nanoseconds} ns"), met)
    }

    /// A count without a peer.
    pub fn counted(work: &str, unit: &'static str, ours: f64, bar: f64) -> Self {
        let (work, bar_text) = (work.to_owned(), format!("at most {bar} {unit}"));
        Self { work, unit, ours, peer: None, ratio: None, bar: bar_text, met: Some(ours <= bar) }
    }

    /// Like [`Row::at_most`], for figures in `unit`.
    pub fn at_most_in(unit: &'static str, work: &str, compared: &Compared, bar: f64) -> Self {
        Self { unit, ..Self::at_most(work, compared, bar) }
    }

    /// The bar is met when the interval of the ratio reaches up to `bar`: more is better.
    pub fn at_least_in(unit: &'static str, work: &str, compared: &Compared, bar: f64) -> Self {
        let met = compared.high >= bar;
        Self { unit, ..Self::compared(work, compared, format!("at least {bar}x"), met) }
    }

    /// A row without a bar.
    pub fn shown_in(unit: &'static str, work: &str, compared: &Compared) -> Self {
        Self { unit, ..Self::shown(work, compared) }
    }

    /// A row without a bar.
    pub fn shown(work: &str, compared: &Compared) -> Self {
        Self { met: None, ..Self::compared(work, compared, String::new(), true) }
    }

    fn compared(work: &str, compared: &Compared, bar: String, met: bool) -> Self {
        let Compared { ours, peer, ratio, low, high } = *compared;
        let (peer, ratio) = (Some(peer), Some([ratio, low, high]));
        Self { work: work.to_owned(), unit: "ns", ours, peer, ratio, bar, met: Some(met) }
    }

    /// The row as a line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts can be written as JSON")
    }

    /// Prints the line.
    pub fn print(&self) {
        println!("{}", self.to_json());
    }
}
