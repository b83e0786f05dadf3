//! Checks the size of what a browser downloads, after brotli, against budgets.

use crate::page::{beside, brotli};
use crate::progress::print;
use crate::stamp;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// A limit in bytes after brotli. One kB is 1000 bytes.
struct Budget {
    name: &'static str,
    bytes: u64,
    files: fn(&Workspace) -> Result<Vec<PathBuf>>,
}

/// Just above the current sizes, so that they grow only on purpose. The goal for the chat's wasm is 185 kB, and for the
/// npm package 45 kB.
const BUDGETS: [Budget; 4] = [
    Budget { name: "chat wasm", bytes: 273_900, files: |workspace| chat(workspace, "wasm") },
    Budget { name: "chat JS", bytes: 10_700, files: |workspace| chat(workspace, "js") },
    Budget { name: "npm wasm and JS", bytes: 134_500, files: npm },
    Budget { name: "npm keys", bytes: 5_000, files: npm_keys },
];

/// A line of the table.
#[derive(Debug, PartialEq, Eq)]
struct SizeRow {
    name: &'static str,
    raw: u64,
    compressed: u64,
    budget: u64,
}

/// Prints the table. The error names what is over its budget.
pub fn print_and_hold(workspace: &Workspace) -> Result<()> {
    let mut rows = Vec::new();
    for budget in BUDGETS {
        rows.push(measure(&budget, &(budget.files)(workspace)?)?);
    }
    print(table(&rows).trim_end());
    let over: Vec<&str> = over_budget(&rows).collect();
    if !over.is_empty() {
        bail!("over budget: {}", over.join(", "));
    }
    Ok(())
}

/// The bytes of the chat's wasm and JS, as they are weighed.
pub fn weighed(workspace: &Workspace) -> Result<u64> {
    let code = BUDGETS.iter().take_while(|budget| budget.name.starts_with("chat"));
    code.map(|budget| Ok(measure(budget, &(budget.files)(workspace)?)?.compressed)).sum()
}

/// The chat's files with this extension, without the npm package and the page that embeds it.
fn chat(workspace: &Workspace, extension: &str) -> Result<Vec<PathBuf>> {
    let dist = workspace.dist();
    let mut files = stamp::files(&dist)?;
    files.retain(|file| {
        let name = file.strip_prefix(&dist).unwrap_or(file);
        let is_embedding = name.to_string_lossy().starts_with("embed.");
        // The inspector is loaded when it is opened.
        let is_inspector = name.starts_with("inspector.js");
        !name.starts_with("npm") && !is_embedding && !is_inspector && has(file, &[extension])
    });
    Ok(files)
}

fn npm(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    Ok(loaded_of(&workspace.dist().join("npm")))
}

/// What a page loads besides if it has a key, or trusts an issuer.
fn npm_keys(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    Ok(vec![workspace.dist().join("npm/keys.js")])
}

/// The files of the npm package that a page loads without a bundler. A bundler joins them into one file, which is 5 %
/// larger.
fn loaded_of(package: &Path) -> Vec<PathBuf> {
    let names = ["browser.js", "event_driven_kit.js", "event_driven_kit_bg.wasm"];
    names.map(|name| package.join(name)).into_iter().filter(|file| file.exists()).collect()
}

/// The size of what a page loads from the npm package in kB, as its README states it.
pub fn kilobytes_of(package: &Path) -> Result<u64> {
    let mut bytes = 0;
    for file in loaded_of(package) {
        bytes += brotli(&fs::read(&file)?)?.len() as u64;
    }
    Ok(bytes.div_ceil(1000))
}

fn has(file: &Path, extensions: &[&str]) -> bool {
    file.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known))
}

/// Adds up the files. Each is compressed on its own, as the relay serves it.
fn measure(budget: &Budget, files: &[PathBuf]) -> Result<SizeRow> {
    if files.is_empty() {
        bail!(
            "there is no {}: build it with `cargo xtask run` or `cargo xtask test --only page`",
            budget.name
        );
    }
    let mut row = SizeRow { name: budget.name, raw: 0, compressed: 0, budget: budget.bytes };
    for file in files {
        let size = |file: &Path| {
            let length = fs::metadata(file).map(|metadata| metadata.len());
            length.with_context(|| format!("{} could not be read", file.display()))
        };
        row.raw += size(file)?;
        // The compressed form, which the relay sends.
        row.compressed += size(&beside(file, "br"))?;
    }
    Ok(row)
}

fn over_budget(rows: &[SizeRow]) -> impl Iterator<Item = &'static str> {
    rows.iter().filter(|row| row.compressed > row.budget).map(|row| row.name)
}

fn table(rows: &[SizeRow]) -> String {
    let mut text = String::new();
    let kb = |bytes: u64| format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100);
    let _ = writeln!(text, "{:<16} {:>10} {:>10} {:>10}", "", "built", "brotli", "budget");
    for row in rows {
        let verdict = if row.compressed > row.budget { "  over" } else { "" };
        let _ = writeln!(
            text,
            "{:<16} {:>10} {:>10} {:>10}{verdict}",
            row.name,
            kb(row.raw),
            kb(row.compressed),
            kb(row.budget)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN: SizeRow =
        SizeRow { name: "chat JS", raw: 40_512, compressed: 12_000, budget: 12_000 };
    const OVER: SizeRow =
        SizeRow { name: "chat wasm", raw: 300_000, compressed: 130_001, budget: 130_000 };

    #[test]
    fn a_size_at_its_budget_is_within_and_a_byte_more_is_over() {
        assert_eq!(over_budget(&[WITHIN, OVER]).collect::<Vec<_>>(), ["chat wasm"]);
    }

    #[test]
    fn the_table_shows_kilobytes_of_1000_bytes_and_marks_what_is_over() {
        let text = table(&[WITHIN, OVER]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "chat JS             40.5 kB    12.0 kB    12.0 kB");
        assert!(lines[2].ends_with("130.0 kB  over"), "{text}");
    }

    #[test]
    fn a_missing_build_is_an_error_and_not_a_size_of_zero() {
        let error = measure(&BUDGETS[0], &[]).unwrap_err().to_string();
        assert!(error.starts_with("there is no chat wasm"), "{error}");
    }

    #[test]
    fn the_size_of_a_file_is_that_of_its_brotli_form() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.js");
        fs::write(&file, [0; 100]).unwrap();
        measure(&BUDGETS[1], std::slice::from_ref(&file)).unwrap_err();
        fs::write(beside(&file, "br"), [0; 10]).unwrap();
        let row = measure(&BUDGETS[1], &[file]).unwrap();
        assert_eq!((row.raw, row.compressed), (100, 10));
    }
}
