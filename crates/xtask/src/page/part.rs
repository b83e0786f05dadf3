//! The two parts of the page, what each is built from, and whether it is up to date.

use crate::stamp;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The inputs of the chat, including the code that builds it.
pub(super) const CHAT: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "index.html",
    "src",
    "crates/bus",
    "crates/topic",
    "crates/session",
    "crates/trust",
    "crates/chat",
    "crates/xtask/src/page",
    "crates/xtask/src/page.rs",
    "crates/xtask/src/toolchain.rs",
    "crates/xtask/src/versions.rs",
    "crates/xtask/src/wasm",
    "crates/xtask/src/wasm.rs",
    "npm/src",
    "www",
];
/// Further inputs of the embedding page.
const EMBEDDING: &[&str] =
    &["crates/npm", "crates/xtask/src/npm", "crates/xtask/src/npm.rs", "npm"];

/// A part of the page that is built on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Chat,
    Embedding,
}

impl Part {
    /// Whether the part contains this file of `dist/`.
    pub(super) fn contains(self, name: &Path) -> bool {
        let embedding =
            name.starts_with("npm") || name.to_str().is_some_and(|name| name.starts_with("embed."));
        embedding == (self == Self::Embedding)
    }

    fn stamp_file(self, workspace: &Workspace) -> PathBuf {
        workspace.own_target().join(match self {
            Self::Chat => "page/chat.stamp",
            Self::Embedding => "page/embedding.stamp",
        })
    }

    /// A hash of the inputs and of the built files, so that a changed or removed file is built again.
    fn stamp(self, workspace: &Workspace) -> Result<String> {
        let root = &workspace.root;
        let mut inputs = CHAT.to_vec();
        let dist = workspace.dist();
        let mut built = stamp::files(&dist)?;
        built.retain(|file| self.contains(file.strip_prefix(&dist).unwrap_or(file)));
        if self == Self::Embedding {
            inputs.extend_from_slice(EMBEDDING);
            built.extend(stamp::files(&workspace.npm_package())?);
        }
        Ok(format!("{} {}", stamp::of(root, &inputs)?, stamp::of_files(root, &built)?))
    }

    /// Whether the part is up to date.
    pub fn is_current(self, workspace: &Workspace) -> Result<bool> {
        let kept = fs::read_to_string(self.stamp_file(workspace)).unwrap_or_default();
        Ok(kept == self.stamp(workspace)?)
    }

    pub(super) fn keep_stamp(self, workspace: &Workspace) -> Result<()> {
        let path = self.stamp_file(workspace);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, self.stamp(workspace)?)
            .with_context(|| format!("{} could not be written", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_page_share_no_file() {
        for (name, part) in [
            ("index.html", Part::Chat),
            ("chat-1f2e3d4c5b6a7980_bg.wasm.br", Part::Chat),
            ("languages/zh-CN.json", Part::Chat),
            ("embed.html", Part::Embedding),
            ("embed.js.gz", Part::Embedding),
            ("npm/index.js", Part::Embedding),
        ] {
            for other in [Part::Chat, Part::Embedding] {
                assert_eq!(other.contains(Path::new(name)), other == part, "{name}");
            }
        }
    }

    #[test]
    fn the_inputs_include_the_submodules_of_each_module() {
        let root = Workspace::locate().unwrap().root;
        let inputs = [CHAT, EMBEDDING].concat();
        for module in inputs.iter().filter_map(|input| input.strip_suffix(".rs")) {
            assert!(!root.join(module).is_dir() || inputs.contains(&module), "{module}");
        }
    }

    /// The folders of the crates of this repository that are compiled into the one in `folder`, and its own.
    fn crates_of(root: &Path, folder: &str, found: &mut Vec<String>) {
        if found.iter().any(|known| known == folder) {
            return;
        }
        found.push(folder.to_owned());
        let table = |folder: &str| -> toml::Table {
            let manifest = fs::read_to_string(root.join(folder).join("Cargo.toml")).unwrap();
            toml::from_str(&manifest).unwrap()
        };
        let (manifest, workspace) = (table(folder), table(""));
        let known = workspace["workspace"]["dependencies"].as_table().unwrap();
        let targets = manifest.get("target").and_then(|it| it.as_table());
        let sections = targets.into_iter().flat_map(|targets| targets.values());
        let sections = sections.filter_map(toml::Value::as_table).chain([&manifest]);
        let used = sections.flat_map(|section| {
            let kinds = ["dependencies", "build-dependencies"];
            kinds.into_iter().filter_map(|kind| section.get(kind)?.as_table())
        });
        for name in used.flat_map(toml::Table::keys) {
            if let Some(path) = known.get(name).and_then(|it| it.get("path")?.as_str()) {
                crates_of(root, path, found);
            }
        }
    }

    #[test]
    fn the_inputs_of_each_part_include_the_crates_that_are_compiled_into_it() {
        let root = Workspace::locate().unwrap().root;
        let both = [CHAT, EMBEDDING].concat();
        let example = [CHAT, &["examples/yew"]].concat();
        let parts = [("crates/chat", CHAT), ("crates/npm", &both), ("examples/yew", &example)];
        for (folder, inputs) in parts {
            let mut crates = Vec::new();
            crates_of(&root, folder, &mut crates);
            assert!(crates.iter().any(|used| used == "crates/session"), "{crates:?}");
            // The library is in the root: its manifest and its code.
            for used in crates.iter().flat_map(|used| match &**used {
                "." => vec!["Cargo.toml", "src"],
                used => vec![used],
            }) {
                assert!(inputs.contains(&used), "{folder} uses {used}");
            }
        }
    }
}
