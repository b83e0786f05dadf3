//! The version of each tool, pinned here or taken from Cargo.lock, and how to read a tool's `--version`.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::fs;
use std::path::Path;

pub const TRUNK: &str = "0.22.0-beta.1";
pub const WASM_PACK: &str = "0.15.1";
pub const GECKODRIVER: &str = "0.37.0";
pub const CARGO_FUZZ: &str = "0.13.2";
/// npm's `binaryen`, which contains `wasm-opt`. Its versions end in `.0.0`.
pub const BINARYEN: &str = "132";
/// npm's `esbuild`.
pub const ESBUILD: &str = "0.28.2";
/// The releases of Node that are measured, from npm's `node`: the two lines with long-term support, on which
/// applications run. The npm package is tested with the Node of this machine, of any age.
pub const NODES: [&str; 2] = ["24.21.0", "26.10.0"];
/// npm's `socket.io`, a peer of the benchmarks.
pub const SOCKET_IO: &str = "4.8.3";
/// PyPI's `autobahntestsuite`.
pub const AUTOBAHN: &str = "25.10.1";
/// PyPI's `wse-server`, a peer of the benchmarks. It needs CPython 3.12.
pub const WSE: &str = "2.5.1";
/// PyPI's `websocket-client`.
pub const WEBSOCKET_CLIENT: &str = "1.9.2";

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// The version of wasm-bindgen. The library and the tool must have the same one.
pub fn wasm_bindgen(root: &Path) -> Result<String> {
    locked(&lock_file(root)?, "wasm-bindgen")
}

/// The version of the library in this repository, which is also that of its npm package.
pub fn of_the_library(root: &Path) -> Result<String> {
    locked(&lock_file(root)?, "event-driven-kit")
}

fn lock_file(root: &Path) -> Result<String> {
    let path = root.join("Cargo.lock");
    fs::read_to_string(&path).with_context(|| format!("{} could not be read", path.display()))
}

fn locked(lock: &str, name: &str) -> Result<String> {
    let lock: Lock = toml::from_str(lock).context("Cargo.lock could not be parsed")?;
    lock.package
        .into_iter()
        .find(|package| package.name == name)
        .map(|package| package.version)
        .with_context(|| format!("Cargo.lock has no {name}"))
}

/// The version in the output of `--version`: the first word that begins with a digit.
pub fn in_output(output: &str) -> Option<&str> {
    output.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_the_output_of_the_tools() {
        for (output, version) in [
            ("wasm-bindgen 0.2.130\n", "0.2.130"),
            ("wasm-opt version 132 (version_132)\n", "132"),
            ("trunk 0.22.0-beta.1", "0.22.0-beta.1"),
            ("cargo-fuzz 0.13.2\n", "0.13.2"),
            ("geckodriver 0.37.0 (a1b2c3 2026-01-01 10:00)\n\nThe source", "0.37.0"),
        ] {
            assert_eq!(in_output(output), Some(version));
        }
        assert_eq!(in_output("no version here"), None);
    }

    #[test]
    fn the_locked_version_is_that_of_the_package_of_exactly_this_name() {
        let lock = r#"
            version = 4
            [[package]]
            name = "wasm-bindgen-shared"
            version = "0.1.0"
            [[package]]
            name = "wasm-bindgen"
            version = "0.2.130"
        "#;
        assert_eq!(locked(lock, "wasm-bindgen").unwrap(), "0.2.130");
        assert!(locked(lock, "wasm").is_err());
    }

    #[test]
    fn trunk_asks_for_the_versions_that_setup_installs() {
        #[derive(Deserialize)]
        struct Trunk {
            tools: Tools,
        }
        #[derive(Deserialize)]
        struct Tools {
            wasm_bindgen: String,
            wasm_opt: String,
        }
        let root = crate::workspace::Workspace::locate().unwrap().root;
        let text = fs::read_to_string(root.join("Trunk.toml")).unwrap();
        let trunk: Trunk = toml::from_str(&text).unwrap();
        assert_eq!(trunk.tools.wasm_bindgen, wasm_bindgen(&root).unwrap());
        assert_eq!(trunk.tools.wasm_opt, format!("version_{BINARYEN}"));
    }
}
