//! The modules of a crate depend on each other in one direction: there is no circle but parent and child. In the
//! library, links know no bus, bridges know no browser, and no other module of the core knows either.

use crate::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A path of names; the root of the crate is empty.
type Name = Vec<String>;
type Files = BTreeMap<Name, String>;
type Arrows = BTreeMap<Name, BTreeSet<Name>>;

#[test]
fn the_modules_of_each_crate_form_no_circle() {
    let crates = fs::read_dir(Workspace::locate().unwrap().root.join("crates")).unwrap();
    let crates = crates.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    let mut folders: Vec<String> = crates.map(|name| format!("crates/{name}/src")).collect();
    folders.push("src".to_owned());
    assert!(folders.len() > 10, "the crates were not found");
    let mut found = 0;
    for folder in folders {
        let arrows = arrows(&sources(&folder));
        found += arrows.values().map(BTreeSet::len).sum::<usize>();
        assert_no_circle(&folder, arrows);
    }
    assert!(found > 1_000, "the imports were not found");
}

/// The pages are built with `-Zfmt-debug=none`, which makes `{:?}` print nothing.
#[test]
fn no_error_of_a_page_has_a_part_in_its_debug_form() {
    let mut found = 0;
    for folder in ["src", "crates/topic/src", "crates/bus/src", "crates/chat/src"] {
        for (module, text) in sources(folder) {
            for attribute in text.split("#[error(").skip(1) {
                let attribute = attribute.split(")]").next().unwrap();
                assert!(!attribute.contains(":?}"), "{}: {attribute}", module.join("::"));
                found += 1;
            }
        }
    }
    assert!(found > 20, "the errors were not found");
}

#[test]
fn a_link_knows_no_bus_and_a_bridge_no_browser() {
    let files = sources("src");
    let is_in = |name: &Name, folder: &str| name.first().is_some_and(|first| first == folder);
    for folder in ["link", "bridge"] {
        assert!(
            files.keys().filter(|name| is_in(name, folder)).count() > 8,
            "{folder} is not there"
        );
    }
    let arrows = arrows(&files);
    for (module, used) in &arrows {
        for target in used {
            let path = format!("{} uses {}", module.join("::"), target.join("::"));
            if is_in(module, "link") {
                let below = ["link", "js", "keys"];
                assert!(below.iter().any(|module| is_in(target, module)), "{path}");
            }
            if is_in(target, "link") {
                assert!(is_in(module, "link") || is_in(module, "bridge"), "{path}");
            }
            if is_in(target, "bridge") {
                // The root exports it; hooks and npm are on top of it.
                let tops = ["bridge", "hooks", "npm"];
                assert!(module.is_empty() || tops.iter().any(|top| is_in(module, top)), "{path}");
            }
        }
    }
    for (module, source) in &files {
        let foreign: &[&str] = if is_in(module, "link") {
            &["bus::", "Event::new", "Payload", "Receipt"]
        } else if is_in(module, "bridge") {
            &["web_sys", "idb::", "gloo_", "session::tabs", "WebSocket::"]
        } else {
            &[]
        };
        for name in foreign {
            assert!(!source.contains(name), "{} knows {name}", module.join("::"));
        }
    }
    let both = |name: &Name| is_in(name, "link") || is_in(name, "bridge");
    let mut inner = arrows;
    inner.retain(|module, _| both(module));
    inner.values_mut().for_each(|used| used.retain(&both));
    assert_no_circle("src", inner);
}

/// The modules below a folder of the repository.
fn sources(folder: &str) -> Files {
    let mut files = Files::new();
    read(&Workspace::locate().unwrap().root.join(folder), &[], &mut files);
    files
}

/// The modules whose items each module names, but for its ancestors and descendants.
fn arrows(files: &Files) -> Arrows {
    let mut arrows = Arrows::new();
    for (module, source) in files {
        for used in imports(source).into_iter().chain(paths(source)) {
            if let Some(target) = resolve(&used, module, files)
                && !target.starts_with(module)
                && !module.starts_with(&target)
            {
                arrows.entry(module.clone()).or_default().insert(target);
            }
        }
    }
    arrows
}

fn assert_no_circle(folder: &str, mut arrows: Arrows) {
    // A module that imports from no other module left is in no circle.
    loop {
        let free =
            arrows.iter().find(|(_, used)| used.iter().all(|target| !arrows.contains_key(target)));
        let Some(module) = free.map(|(module, _)| module.clone()) else { break };
        arrows.remove(&module);
    }
    let circle: Vec<_> = arrows.iter().map(|(module, used)| (module.join("::"), used)).collect();
    assert!(
        circle.is_empty(),
        "these modules of {folder} are in a circle or lead into one: {circle:#?}"
    );
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
    // A path in the code counts like an import.
    let inline = paths("fn f(x: &crate::b::B) { $crate::c!(super::b::f(x)) }");
    assert_eq!(inline.collect::<Vec<_>>(), [&["crate", "b", "B"][..], &["super", "b", "f"]]);
    // What a parent re-exports is the child's.
    let b = ["crate", "B"].map(str::to_owned);
    assert_eq!(resolve(&b, &name("a"), &files), Some(name("b")));
}

/// Reads the sources below `folder`, without their unit tests.
fn read(folder: &Path, module: &[String], files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut name = module.to_vec();
        if !["lib", "main"].contains(&&*stem) {
            name.push(stem);
        }
        if path.is_dir() {
            read(&path, &name, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
            files.entry(name).or_default().push_str(&lines.collect::<Vec<_>>().join(" "));
        }
    }
}

/// The paths that the `use` items name, but for those that begin with `::`: they lead to other crates.
fn imports(source: &str) -> Vec<Name> {
    let mut imports = Vec::new();
    for item in source.split("use ").skip(1) {
        if let Some((tree, _)) = item.split_once(';')
            && !tree.starts_with("::")
        {
            flatten(tree, &[], &mut imports);
        }
    }
    imports
}

/// The paths in the code itself that begin with `crate` or `super`.
fn paths(source: &str) -> impl Iterator<Item = Name> {
    let is_part = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == ':';
    // `$crate` of a macro is another word.
    let words = source.split(move |sign| !is_part(sign) && sign != '$');
    let paths = words.filter(|word| word.starts_with("crate::") || word.starts_with("super::"));
    paths.map(|path| path.split("::").map(str::to_owned).filter(|name| !name.is_empty()).collect())
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
fn resolve(path: &[String], module: &Name, files: &Files) -> Option<Name> {
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
