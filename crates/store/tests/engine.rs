//! The engine has one folder: no other source of the workspace names it, so another one could take its place.

use std::fs;
use std::path::{Path, PathBuf};

const ENGINE: &str = "redb";
/// Beside these, only files of the store have the engine's name, as their extension.
const FOLDER: &str = "crates/store/src/embedded";
const ALLOWED: &[&str] = &[
    "crates/store/Cargo.toml",
    "crates/store/src/embedded.rs",
    "crates/store/tests/engine.rs",
    // Build profiles for dependencies.
    "Cargo.toml",
];

#[test]
fn only_the_embedded_store_names_its_engine() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = Vec::new();
    find(&root, &mut sources);
    let relative = |path: &Path| path.strip_prefix(&root).unwrap().to_owned();
    let inside = |path: &PathBuf| {
        let path = relative(path);
        path.starts_with(FOLDER) || ALLOWED.iter().any(|allowed| path == Path::new(allowed))
    };
    let names_it = |path: &PathBuf| names_the_engine(&fs::read_to_string(path).unwrap());
    let (inside, outside): (Vec<_>, Vec<_>) = sources.into_iter().partition(inside);
    assert!(inside.iter().filter(|path| names_it(path)).count() > 10, "the folder was not found");
    assert!(outside.len() > 400, "the workspace was not found");
    let found: Vec<_> =
        outside.iter().filter(|path| names_it(path)).map(|it| relative(it)).collect();
    assert!(found.is_empty(), "these files name {ENGINE}: {found:?}");
}

#[test]
fn the_extension_of_a_file_does_not_name_the_engine() {
    assert!(names_the_engine("use redb::Database;"));
    assert!(names_the_engine("events.redb is a file of redb"));
    assert!(!names_the_engine("fs::copy(\"events.redb\", \"monday.redb\")"));
}

fn names_the_engine(source: &str) -> bool {
    source.match_indices(ENGINE).any(|(at, _)| !source[..at].ends_with('.'))
}

/// Finds the Rust sources and the manifests.
fn find(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !name.starts_with('.') && !["target", "node_modules", "dist"].contains(&name) {
                find(&path, sources);
            }
        } else if name.ends_with(".rs") || name == "Cargo.toml" {
            sources.push(path);
        }
    }
}
