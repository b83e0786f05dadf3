//! Compares our page with the one that Trunk builds from the same index.html. Both must have the same files, apart from
//! hashes in names.

use super::html::NONCE;
use super::{Part, ensure, is_compressed};
use crate::process;
use crate::stamp;
use crate::toolchain::Toolchain;
use crate::wasm;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use regex::Regex;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Builds the page with both. The error lists the differences.
pub fn compare(workspace: &Workspace, toolchain: &Toolchain) -> Result<()> {
    ensure(workspace)?;
    let theirs = workspace.own_target().join("trunk-release");
    let mut trunk = toolchain.small("trunk");
    trunk
        .args(["build", "--release", "--dist"])
        .arg(&theirs)
        .current_dir(&workspace.root)
        // Trunk expects a boolean and fails on the usual `1`.
        .env_remove("NO_COLOR");
    process::run(&mut trunk)?;
    make_smaller(toolchain, &theirs)?;
    let differences = differences(&files(&workspace.dist())?, &files(&theirs)?);
    if !differences.is_empty() {
        bail!("the page differs from Trunk's: {}", differences.join(", "));
    }
    Ok(())
}

/// Processes Trunk's program like ours after wasm-opt.
fn make_smaller(toolchain: &Toolchain, folder: &Path) -> Result<()> {
    let page = folder.join("index.html");
    let html = fs::read_to_string(&page)
        .with_context(|| format!("{} could not be read", page.display()))?;
    fs::write(&page, with_our_preloads(&html)?)?;
    for file in stamp::files(folder)? {
        let path = file.to_string_lossy();
        let Some(start) = path.strip_suffix("_bg.wasm") else { continue };
        wasm::reorder(toolchain, &file)?;
        // The name before Trunk's hash.
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = name.split('-').next().unwrap_or_default();
        let js = PathBuf::from(format!("{start}.js"));
        wasm::shorten(toolchain, &file, &js, name)?;
        wasm::bundle(toolchain, &js, None)?;
    }
    Ok(())
}

/// The page without the preloads of snippets, which become a part of the program's JS. The others get our priority.
fn with_our_preloads(html: &str) -> Result<String> {
    let of_snippets = Regex::new(r#"<link rel="modulepreload"[^>]* href="/snippets/[^>]*>"#)?;
    let others = Regex::new(r#"<link rel="(module)?preload""#)?;
    let html = of_snippets.replace_all(html, "");
    Ok(others.replace_all(&html, "$0 fetchpriority=\"low\"").into_owned())
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The chat's files, keyed by their names without hashes.
fn files(folder: &Path) -> Result<Files> {
    let hashed = Regex::new(r"-[0-9a-f]{8,16}(_bg)?\.(js|wasm|css)\b")?;
    let mut files = Files::new();
    for file in stamp::files(folder)? {
        let name = file.strip_prefix(folder)?;
        if is_compressed(name) || !Part::Chat.contains(name) {
            continue;
        }
        let mut bytes =
            fs::read(&file).with_context(|| format!("{} could not be read", file.display()))?;
        if name.extension().is_some_and(|extension| extension == "html") {
            let text = String::from_utf8(bytes)?.replace(NONCE, "");
            bytes = hashed.replace_all(&text, "$1.$2").into_owned().into_bytes();
        }
        let plain = hashed.replace(&name.to_string_lossy(), "$1.$2").into_owned();
        files.insert(plain.into(), bytes);
    }
    Ok(files)
}

fn differences(ours: &Files, theirs: &Files) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, bytes) in ours {
        match theirs.get(name) {
            None => differences.push(format!("{} is not in Trunk's", name.display())),
            Some(other) if other != bytes => {
                differences.push(format!("{} differs", name.display()))
            }
            Some(_) => {}
        }
    }
    for name in theirs.keys().filter(|name| !ours.contains_key(*name)) {
        differences.push(format!("{} is only in Trunk's", name.display()));
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Files {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in pairs {
            fs::write(folder.path().join(name), text).unwrap();
        }
        files(folder.path()).unwrap()
    }

    #[test]
    fn hashes_in_names_and_nonces_may_differ() {
        let ours = of(&[
            ("chat-0123456789abcdef_bg.wasm", "module"),
            ("chat-0123456789abcdef.js", "script"),
            ("index.html", "<script>import '/chat-0123456789abcdef.js'</script>"),
            ("index.html.br", "?"),
            ("embed.html", "no page of Trunk's"),
        ]);
        let theirs = of(&[
            ("chat-fedcba9876543_bg.wasm", "module"),
            ("chat-fedcba9876543.js", "script"),
            (
                "index.html",
                "<script nonce=\"{{__TRUNK NONCE__}}\">import '/chat-fedcba9876543.js'</script>",
            ),
        ]);
        assert_eq!(differences(&ours, &theirs), [""; 0]);
    }

    #[test]
    fn preloads_of_snippets_are_removed_and_others_have_a_low_priority() {
        let html = "<link rel=\"icon\"><link rel=\"modulepreload\" nonce=\"1\" href=\"/snippets/a-1/b.js\">\
                    <link rel=\"modulepreload\" href=\"/c-2.js\"><link rel=\"preload\" as=\"fetch\">";
        let ours = "<link rel=\"icon\"><link rel=\"modulepreload\" fetchpriority=\"low\" href=\"/c-2.js\">\
                    <link rel=\"preload\" fetchpriority=\"low\" as=\"fetch\">";
        assert_eq!(with_our_preloads(html).unwrap(), ours);
    }

    #[test]
    fn any_other_difference_is_listed() {
        let ours = of(&[("a.css", "1"), ("chat-0123456789abcdef.js", "2"), ("b.css", "3")]);
        let theirs = of(&[("a.css", "1"), ("chat-fedcba9876543.js", "other"), ("c.css", "3")]);
        assert_eq!(
            differences(&ours, &theirs),
            ["b.css is not in Trunk's", "chat.js differs", "c.css is only in Trunk's"]
        );
    }
}
