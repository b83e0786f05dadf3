//! A row of the table: what was measured, and whether that meets its bar.

use serde::Serialize;

/// Ours beside a peer.
#[derive(Debug, Clone, Copy)]
pub struct Compared {
    /// Of one piece of our work, in nanoseconds where nothing else is said: the median of the rounds.
    pub ours: f64,
    /// The same of the peer.
    pub peer: f64,
    /// The median of the rounds' ratios.
    pub ratio: f64,
    /// Where the 95 % interval of the ratio begins.
    pub low: f64,
    /// Where it ends.
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

    /// The bar is met when ours takes at most `bar` nanoseconds more than the peer.
    pub fn at_most_over(work: &str, compared: &Compared, bar: f64) -> Self {
        let over = compared.ours - compared.peer;
        Self::compared(work, compared, format!("{over:.1} ns over, at most {bar} ns"), over <= bar)
    }

    /// Two bars: the ratio, and the nanoseconds of ours.
    pub fn at_most_and(work: &str, compared: &Compared, bar: f64, nanoseconds: f64) -> Self {
        let met = compared.low <= bar && compared.ours <= nanoseconds;
        Self::compared(work, compared, format!("at most {bar}x, and {nanoseconds} ns"), met)
    }

    /// A count that has no peer.
    pub fn counted(work: &str, unit: &'static str, ours: f64, bar: f64) -> Self {
        let (work, bar_text) = (work.to_owned(), format!("at most {bar} {unit}"));
        Self { work, unit, ours, peer: None, ratio: None, bar: bar_text, met: Some(ours <= bar) }
    }

    /// The bar is met when the interval of the ratio reaches down to `bar`; what is compared is in `unit`.
    pub fn at_most_in(unit: &'static str, work: &str, compared: &Compared, bar: f64) -> Self {
        Self { unit, ..Self::at_most(work, compared, bar) }
    }

    /// The bar is met when the interval of the ratio reaches up to `bar`; more is better.
    pub fn at_least_in(unit: &'static str, work: &str, compared: &Compared, bar: f64) -> Self {
        let met = compared.high >= bar;
        Self { unit, ..Self::compared(work, compared, format!("at least {bar}x"), met) }
    }

    /// No bar: to be looked at.
    pub fn shown_in(unit: &'static str, work: &str, compared: &Compared) -> Self {
        Self { unit, ..Self::shown(work, compared) }
    }

    /// No bar: to be looked at.
    pub fn shown(work: &str, compared: &Compared) -> Self {
        Self { met: None, ..Self::compared(work, compared, String::new(), true) }
    }

    fn compared(work: &str, compared: &Compared, bar: String, met: bool) -> Self {
        let Compared { ours, peer, ratio, low, high } = *compared;
        let (peer, ratio) = (Some(peer), Some([ratio, low, high]));
        Self { work: work.to_owned(), unit: "ns", ours, peer, ratio, bar, met: Some(met) }
    }

    /// The line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts can be written as JSON")
    }

    /// Prints the line.
    pub fn print(&self) {
        println!("{}", self.to_json());
    }
}
