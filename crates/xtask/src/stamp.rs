//! Detects changes since the page was built. A stamp is a hash of the names and contents of the inputs, so switching
//! branches back and forth costs nothing.

use anyhow::{Context, Result};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The stamp of these files and folders, relative to the root. Missing ones count too.
pub fn of(root: &Path, inputs: &[&str]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for input in inputs {
        input.hash(&mut hasher);
        hash(root, &files(&root.join(input))?, &mut hasher)?;
    }
    Ok(finish(&hasher))
}

/// The stamp of just these files.
pub fn of_files(root: &Path, files: &[PathBuf]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    hash(root, files, &mut hasher)?;
    Ok(finish(&hasher))
}

fn hash(root: &Path, files: &[PathBuf], hasher: &mut DefaultHasher) -> Result<()> {
    for path in files {
        let name = path.strip_prefix(root).unwrap_or(path);
        name.to_string_lossy().hash(hasher);
        fs::read(path)
            .with_context(|| format!("{} could not be read", path.display()))?
            .hash(hasher);
    }
    Ok(())
}

fn finish(hasher: &DefaultHasher) -> String {
    // Differs between Rust releases; then a new xtask builds once more than needed.
    format!("{:016x}", hasher.finish())
}

/// All files at or below the path in a fixed order, except those in `node_modules`. Empty if the path does not exist.
pub fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    let folders = WalkDir::new(path).sort_by_file_name().into_iter();
    for entry in folders.filter_entry(|entry| entry.file_name() != "node_modules") {
        let entry = entry?;
        if entry.file_type().is_file() {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("src")).unwrap();
        fs::write(dir.path().join("src/a.rs"), "a").unwrap();
        fs::write(dir.path().join("Cargo.lock"), "lock").unwrap();
        dir
    }

    fn stamp(dir: &tempfile::TempDir) -> String {
        of(dir.path(), &["src", "Cargo.lock", "www"]).unwrap()
    }

    #[test]
    fn rewriting_the_same_content_keeps_the_stamp() {
        let dir = folder();
        let before = stamp(&dir);
        fs::write(dir.path().join("src/a.rs"), "a").unwrap();
        assert_eq!(stamp(&dir), before);
    }

    #[test]
    fn files_that_are_not_inputs_keep_the_stamp() {
        let dir = folder();
        let before = stamp(&dir);
        fs::write(dir.path().join("README.md"), "new").unwrap();
        assert_eq!(stamp(&dir), before);
    }

    #[test]
    fn content_name_and_presence_of_an_input_change_the_stamp() {
        let dir = folder();
        let before = stamp(&dir);
        fs::write(dir.path().join("src/a.rs"), "b").unwrap();
        let changed = stamp(&dir);
        fs::rename(dir.path().join("src/a.rs"), dir.path().join("src/b.rs")).unwrap();
        let renamed = stamp(&dir);
        fs::create_dir(dir.path().join("www")).unwrap();
        fs::write(dir.path().join("www/x"), "").unwrap();
        let added = stamp(&dir);
        let mut all = vec![before, changed, renamed, added];
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 4);
    }
}
