//! The table of a benchmark. Rows are printed as they come, and written as JSON at the end.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// A row, which a program that measures prints as a line of JSON.
#[derive(Debug, Deserialize, Serialize)]
pub struct Row {
    /// Where it ran: `native`, `Node`, `Chromium`.
    #[serde(default)]
    pub on: String,
    pub work: String,
    /// The unit of `ours` and `peer`.
    pub unit: String,
    pub ours: f64,
    pub peer: Option<f64>,
    /// The median of the rounds' ratios, and its 95 % interval.
    pub ratio: Option<[f64; 3]>,
    pub bar: String,
    /// `None` if there is no bar.
    pub met: Option<bool>,
}

const HEAD: &str = "| on | work | ours | peer | ratio (95 %) | bar | met |\n\
                    | --- | --- | --- | --- | --- | --- | --- |";

/// The rows so far.
pub struct Table(Vec<Row>);

impl Table {
    /// Prints the header.
    pub fn begin() -> Self {
        println!("{HEAD}");
        Self(Vec::new())
    }

    /// Prints the row and keeps it.
    pub fn add(&mut self, row: Row) {
        println!("{}", row.line());
        self.0.push(row);
    }

    /// Adds the rows in the output of a program that ran on `on`, and ignores all other lines.
    pub fn add_lines(&mut self, on: &str, lines: &str) -> Result<()> {
        let before = self.0.len();
        for line in lines.lines().filter(|line| line.starts_with('{')) {
            let row: Row =
                serde_json::from_str(line).with_context(|| format!("invalid row: {line}"))?;
            // A program that runs others sets `on` itself.
            let on = if row.on.is_empty() { on.to_owned() } else { row.on.clone() };
            self.add(Row { on, ..row });
        }
        (self.0.len() > before)
            .then_some(())
            .with_context(|| format!("no rows in the output ({on})"))
    }

    /// Writes all rows.
    pub fn write(&self, file: &Path) -> Result<()> {
        let failed = || format!("{} could not be written", file.display());
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).with_context(failed)?;
        }
        fs::write(file, serde_json::to_string_pretty(&self.0)?).with_context(failed)
    }

    /// Replaces the table in a document with these rows.
    pub fn write_into(&self, document: &Path) -> Result<()> {
        let failed = || format!("{} could not be read and written", document.display());
        let text = fs::read_to_string(document).with_context(failed)?;
        fs::write(document, self.replace_table_in(&text)).with_context(failed)
    }

    fn replace_table_in(&self, text: &str) -> String {
        let is_row = |line: &&str| line.starts_with('|');
        let before = text.lines().take_while(|line| !is_row(line)).map(str::to_owned);
        let rows = std::iter::once(HEAD.to_owned()).chain(self.0.iter().map(Row::line));
        let after = text.lines().skip_while(|line| !is_row(line)).skip_while(is_row);
        before.chain(rows).chain(after.map(str::to_owned)).map(|line| line + "\n").collect()
    }

    /// Fails if a bar is missed.
    pub fn check_bars(&self) -> Result<()> {
        if self.0.iter().any(|row| row.met == Some(false)) {
            bail!("a bar was missed: see `NO` in the table");
        }
        Ok(())
    }
}

/// The rows of the table in a document.
pub fn rows_of(document: &str) -> Vec<Row> {
    document.lines().filter_map(Row::parse).collect()
}

impl Row {
    /// Parses what [`Row::line`] wrote. Returns `None` for any other line.
    fn parse(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
        let [on, work, ours, peer, ratio, bar, met, _] = cells[..] else { return None };
        let (ours, unit) = ours.split_once(' ')?;
        let peer = peer.split_once(' ').and_then(|(peer, _)| peer.parse().ok());
        let mut numbers = ratio.split([' ', '(', ')']).filter_map(|word| word.parse().ok());
        let ratio = match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(ratio), Some(low), Some(high)) => Some([ratio, low, high]),
            _ => None,
        };
        let met = match met {
            "yes" => Some(true),
            "NO" => Some(false),
            _ => None,
        };
        let (on, work, unit, bar) = (on.into(), work.into(), unit.into(), bar.into());
        Some(Self { on, work, unit, ours: ours.parse().ok()?, peer, ratio, bar, met })
    }

    fn line(&self) -> String {
        let Self { on, work, unit, ours, peer, ratio, bar, met } = self;
        let peer = peer.map_or(String::new(), |peer| format!("{peer:.1} {unit}"));
        let ratio = ratio.map_or(String::new(), |[ratio, low, high]| {
            format!("{ratio:.2} ({low:.2} to {high:.2})")
        });
        let met = met.map_or("", |met| if met { "yes" } else { "NO" });
        format!("| {on} | {work} | {ours:.1} {unit} | {peer} | {ratio} | {bar} | {met} |")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"Benchmarking: warming up
{"work":"to 1","unit":"ns","ours":6.7,"peer":1.4,"ratio":[4.8,4.6,5.0],"bar":"at most 12 ns over","met":true}
{"work":"memory","unit":"bytes","ours":193.0,"peer":null,"ratio":null,"bar":"at most 190 bytes","met":false}"#;

    #[test]
    fn a_missed_bar_in_a_programs_output_is_an_error() {
        let mut table = Table::begin();
        table.add_lines("native", LINES).unwrap();
        assert!(table.check_bars().is_err());
        let lines: Vec<String> = table.0.iter().map(Row::line).collect();
        assert_eq!(
            lines,
            [
                "| native | to 1 | 6.7 ns | 1.4 ns | 4.80 (4.60 to 5.00) | at most 12 ns over | yes |",
                "| native | memory | 193.0 bytes |  |  | at most 190 bytes | NO |"
            ]
        );
    }

    #[test]
    fn new_rows_replace_the_old_ones_in_a_document() {
        let mut table = Table::begin();
        table.add_lines("native", LINES).unwrap();
        let document = "# Figures\n\n| on | work |\n| --- | --- |\n| native | old |\n\nThe end.\n";
        let written = table.replace_table_in(document);
        assert!(written.starts_with("# Figures\n\n| on | work | ours |"), "{written}");
        assert!(written.ends_with(" | NO |\n\nThe end.\n"), "{written}");
        assert!(!written.contains("old"), "{written}");
        assert_eq!(table.replace_table_in(&written), written);
    }

    #[test]
    fn rows_are_read_back_from_a_document() {
        let mut table = Table::begin();
        table.add_lines("native", LINES).unwrap();
        let document = table.replace_table_in("# Figures\n\n| on | work |\n| --- | --- |\n");
        let lines: Vec<String> = rows_of(&document).iter().map(Row::line).collect();
        assert_eq!(lines, table.0.iter().map(Row::line).collect::<Vec<_>>());
        assert_eq!(rows_of(&document)[0].ratio, Some([4.8, 4.6, 5.0]));
    }

    #[test]
    fn output_without_rows_is_an_error() {
        assert!(Table::begin().add_lines("Node", "no rows here").is_err());
    }
}
