//! The modules of this crate depend on each other in one direction. Only a parent and its child may form a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A path of names; the root of the crate is empty.
type Name = Vec<String>;

#[test]
fn no_modules_depend_on_each_other_in_a_circle() {
    let mut files = BTreeMap::new();
    read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &[], &mut files);
    assert!(files.len() > 50, "the sources were not found");
    let mut arrows: BTreeMap<&Name, BTreeSet<Name>> = BTreeMap::new();
    for (module, source) in &files {
        for used in imports(source) {
            if let Some(target) = resolve(&used, module, &files)
                && !target.starts_with(module)
                && !module.starts_with(&target)
            {
                arrows.entry(module).or_default().insert(target);
            }
        }
    }
    assert!(arrows.values().map(BTreeSet::len).sum::<usize>() > 50, "the imports were not found");
    // Modules without users, or without dependencies, are in no circle.
    while let Some(module) = arrows.keys().copied().find(|module| {
        let used = &arrows[*module];
        used.iter().all(|target| !arrows.contains_key(target))
    }) {
        arrows.remove(module);
    }
    let circle: Vec<_> = arrows.iter().map(|(module, used)| (module.join("::"), used)).collect();
    assert!(circle.is_empty(), "these modules are in a circle or lead into one: {circle:#?}");
}

#[test]
fn a_circle_is_found() {
    let files = BTreeMap::from([
        (vec!["a".to_owned()], "use super::b::{self, B};".to_owned()),
        (vec!["b".to_owned()], "pub(crate) use crate::{other::X, a::A as It};".to_owned()),
        (vec![], "mod a; pub use b::B;".to_owned()),
    ]);
    let name = |name: &str| vec![name.to_owned()];
    let targets = |module: &str| -> Vec<_> {
        let module = name(module);
        let used = imports(&files[&module]);
        used.iter().filter_map(|used| resolve(used, &module, &files)).collect()
    };
    assert_eq!(targets("a"), [name("b"), name("b")]);
    assert_eq!(
        targets("b"),
        [name(""), name("a")].map(|mut it| {
            it.retain(|name| !name.is_empty());
            it
        })
    );
    // What a parent re-exports belongs to the child.
    let b = ["crate", "B"].map(str::to_owned);
    assert_eq!(resolve(&b, &name("a"), &files), Some(name("b")));
}

/// Reads the sources below `folder`, without their unit tests.
fn read(folder: &Path, module: &[String], files: &mut BTreeMap<Name, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut name = module.to_vec();
        if stem != "lib" {
            name.push(stem);
        }
        if path.is_dir() {
            read(&path, &name, files);
        } else {
            let source = fs::read_to_string(&path).unwrap();
            let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
            files.insert(name, lines.collect::<Vec<_>>().join(" "));
        }
    }
}

/// The paths that the `use` items name.
fn imports(source: &str) -> Vec<Name> {
    let mut imports = Vec::new();
    for item in source.split("use ").skip(1) {
        let Some((tree, _)) = item.split_once(';') else { continue };
        flatten(tree, &[], &mut imports);
    }
    imports
}

/// The paths of a use tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn flatten(tree: &str, prefix: &[String], paths: &mut Vec<Name>) {
    let (path, group) = match tree.split_once('{') {
        Some((path, group)) => (path, group.trim_end().strip_suffix('}')),
        None => (tree.split(" as ").next().unwrap_or_default(), None),
    };
    let mut name = prefix.to_vec();
    let names = path.trim().split("::").map(str::trim);
    name.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
    let Some(group) = group else { return paths.push(name) };
    let (mut depth, mut start) = (0, 0);
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                flatten(&group[start..at], &name, paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !group[start..].trim().is_empty() {
        flatten(&group[start..], &name, paths);
    }
}

/// The module that a path leads to; re-exports are followed. `None` for another crate.
fn resolve(path: &[String], module: &Name, files: &BTreeMap<Name, String>) -> Option<Name> {
    let mut at = module.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => (at, rest) = (Vec::new(), &path[1..]),
        "self" => rest = &path[1..],
        "super" => {}
        first => {
            let child = [&module[..], &[first.to_owned()]].concat();
            if !files.contains_key(&child) {
                return None;
            }
        }
    }
    while let [first, others @ ..] = rest {
        if first == "super" {
            at.pop();
        } else {
            let child = [&at[..], std::slice::from_ref(first)].concat();
            if !files.contains_key(&child) {
                let exports = imports(&files[&at]);
                let export =
                    exports.iter().find(|path| path.last() == Some(first) && *path != rest);
                let through = export.filter(|_| at != *module);
                return through.and_then(|path| resolve(path, &at, files)).or(Some(at));
            }
            at = child;
        }
        rest = others;
    }
    Some(at)
}
