//! Checks that each code block of the README is part of the file that the comment above it names. Another test builds
//! and runs that file.

use crate::workspace::Workspace;
use std::fs;

/// Starts the comment that names the file of a block.
const MARK: &str = "<!-- part of ";

/// Each block with the file that it names.
fn blocks(readme: &str) -> Vec<(&str, &str)> {
    let mut blocks = Vec::new();
    for part in readme.split(MARK).skip(1) {
        let Some((file, rest)) = part.split_once(" -->\n") else { continue };
        let code = rest.trim_start().split_once('\n').and_then(|(_, code)| code.split_once("```"));
        if let Some((code, _)) = code {
            blocks.push((file, code));
        }
    }
    blocks
}

#[test]
fn each_block_of_the_readme_is_part_of_the_file_it_names() {
    let root = Workspace::locate().unwrap().root;
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let blocks = blocks(&readme);
    let files: Vec<&str> = blocks.iter().map(|(file, _)| *file).collect();
    assert_eq!(files, ["examples/yew/main.rs", "tests/readme.rs"]);
    for (file, code) in blocks {
        let source = fs::read_to_string(root.join(file)).unwrap();
        assert!(
            source.contains(code),
            "README.md shows code that {file} does not contain:\n{code}"
        );
    }
}

#[test]
fn each_file_the_readme_links_to_exists() {
    let root = Workspace::locate().unwrap().root;
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let files: Vec<&str> = links
        .map(|(link, _)| link.split('#').next().unwrap_or_default())
        .filter(|file| !file.is_empty() && !file.contains("://"))
        .collect();
    assert!(!files.is_empty());
    for file in files {
        assert!(root.join(file).exists(), "README.md links to {file}, which does not exist");
    }
}
