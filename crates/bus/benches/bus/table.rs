//! The table of all rows: printed as they come, and written to `target/bench/bus.json`.

use std::path::Path;

use crate::rounds::Row;

/// Rows as JSON, and whether all bars were met.
pub struct Table {
    rows: Vec<String>,
    all_met: bool,
}

impl Table {
    pub fn new() -> Self {
        println!("| work | ours | peer | ratio | 95 % | bar | met |");
        println!("| --- | --- | --- | --- | --- | --- | --- |");
        Self { rows: Vec::new(), all_met: true }
    }

    /// The bar is met when the interval of the ratio reaches `bar`.
    pub fn at_most(&mut self, work: &str, row: &Row, bar: f64) {
        self.add(work, row, &format!("at most {bar}x"), Some(row.low <= bar));
    }

    /// The bar is met when ours takes at most `bar` nanoseconds more than the peer.
    pub fn at_most_over(&mut self, work: &str, row: &Row, bar: f64) {
        let over = row.ours - row.peer;
        let text = format!("{over:.1} ns over, at most {bar} ns");
        self.add(work, row, &text, Some(over <= bar));
    }

    /// Two bars: the ratio, and the nanoseconds of ours.
    pub fn at_most_and(&mut self, work: &str, row: &Row, bar: f64, nanoseconds: f64) {
        let met = row.low <= bar && row.ours <= nanoseconds;
        self.add(work, row, &format!("at most {bar}x, and {nanoseconds} ns"), Some(met));
    }

    /// No bar: to be looked at.
    pub fn shown(&mut self, work: &str, row: &Row) {
        self.add(work, row, "", None);
    }

    fn add(&mut self, work: &str, row: &Row, bar: &str, met: Option<bool>) {
        let Row { ours, peer, ratio, low, high } = row;
        let said = met.map_or("", |met| if met { "yes" } else { "NO" });
        println!(
            "| {work} | {ours:.1} ns | {peer:.1} ns | {ratio:.2} | {low:.2} to {high:.2} | {bar} | {said} |"
        );
        self.all_met &= met.unwrap_or(true);
        let met = met.map_or("null".to_owned(), |met| met.to_string());
        self.rows.push(format!(
            "{{\"work\":{work:?},\"ours_ns\":{ours:.2},\"peer_ns\":{peer:.2},\"ratio\":{ratio:.3},\
             \"low\":{low:.3},\"high\":{high:.3},\"bar\":{bar:?},\"met\":{met}}}"
        ));
    }

    /// Writes the file and answers whether all bars were met.
    pub fn finish(self) -> std::io::Result<bool> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
        std::fs::create_dir_all(&folder)?;
        let json = format!("[\n{}\n]\n", self.rows.join(",\n"));
        std::fs::write(folder.join("bus.json"), json)?;
        Ok(self.all_met)
    }
}
