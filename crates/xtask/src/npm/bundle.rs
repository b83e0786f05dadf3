//! The files of the package: each entry of `npm/src` bundled for `import` and for `require`, the types, and one
//! wasm module. Bundles have the code of keys in them; pages without a bundler load it when they use it.

use super::shrink::{JS, KEYS, WASM};
use crate::npm;
use crate::process;
use crate::size;
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use regex::Regex;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The files that make up the type definitions.
const TYPES: [&str; 5] = [
    "src/npm/topics.d.ts",
    "src/npm/events.d.ts",
    "src/npm/subscriptions.d.ts",
    "src/npm/bus.d.ts",
    "src/npm/connect.d.ts",
];

/// Builds the package from the shrunk module and its JS in `build`.
pub fn bundle(
    workspace: &Workspace,
    toolchain: &Toolchain,
    build: &Path,
    package: &Path,
) -> Result<()> {
    let root = &workspace.root;
    npm::copy_over(&root.join("npm/src"), build)?;
    let wasm = build.join(WASM);
    fs::write(build.join("wasm.js"), as_text(&fs::read(&wasm)?))?;

    fs::create_dir_all(package)?;
    let esbuild = |entry: &str, out: &str| {
        let mut esbuild = toolchain.command("esbuild");
        esbuild
            .args([entry, "--minify", "--target=es2022", "--log-level=warning"])
            .arg(format!("--outfile={}", package.join(out).display()))
            .current_dir(build);
        esbuild
    };
    process::run(&mut esbuild("browser.js", "browser.js"))?;
    for (entry, format, out) in [
        ("index.js", "esm", "index.js"),
        ("index.js", "cjs", "index.cjs"),
        ("slim.js", "cjs", "slim.cjs"),
        ("chat.js", "esm", "chat.js"),
        ("chat.js", "cjs", "chat.cjs"),
        ("inspector.js", "esm", "inspector.js"),
        ("inspector.js", "cjs", "inspector.cjs"),
    ] {
        let mut esbuild = esbuild(entry, out);
        esbuild
            // Escapes for non-ASCII characters would make the text of the module four times as long.
            .args(["--bundle", "--charset=utf8", "--define:import.meta.url=\"\""])
            .arg(format!("--format={format}"));
        if entry == "chat.js" {
            esbuild.arg("--external:./index.js");
        }
        process::run(&mut esbuild)?;
    }
    for shared in [JS, KEYS, WASM, "slim.js", "platform.js"] {
        copy(&build.join(shared), package)?;
    }
    types(root, package)?;
    fs::copy(package.join("chat.js"), package.join("browser-chat.js"))?;
    rewrite(&package.join("browser-chat.js"), "./index.js", "./browser.js")?;
    for cjs in ["chat.cjs", "slim.d.cts", "chat.d.cts", "inspector.d.cts"] {
        rewrite(&package.join(cjs), "./index.js", "./index.cjs")?;
    }
    for file in ["npm/package.json", "npm/README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        copy(&root.join(file), package)?;
    }
    write_size(package)
}

/// Writes the package's size into its README.
fn write_size(package: &Path) -> Result<()> {
    let file = package.join("README.md");
    let text = fs::read_to_string(&file).with_context(|| unreadable("the README"))?;
    let size = format!("A page loads {} kB", size::kilobytes_of(package)?);
    let text = Regex::new(r"A page loads \d+ kB")?.replace(&text, size);
    Ok(fs::write(&file, &*text)?)
}

fn types(root: &Path, package: &Path) -> Result<()> {
    let read = |part| fs::read_to_string(root.join(part)).with_context(|| unreadable(part));
    let types = TYPES.into_iter().map(read).collect::<Result<Vec<_>>>()?.join("\n");
    fs::write(package.join("index.d.ts"), &types)?;
    fs::write(package.join("index.d.cts"), &types)?;
    fs::write(package.join("browser.d.ts"), "export * from \"./index.js\";\n")?;
    fs::write(package.join("browser-chat.d.ts"), "export * from \"./chat.js\";\n")?;
    for name in ["slim", "chat", "inspector"] {
        let source = root.join(format!("npm/src/{name}.d.ts"));
        for extension in ["ts", "cts"] {
            fs::copy(&source, package.join(format!("{name}.d.{extension}")))?;
        }
    }
    Ok(())
}

/// A script whose default export is a string with one character for each byte. After compression it is no longer than
/// the module itself; base64 would be longer by a quarter.
fn as_text(bytes: &[u8]) -> String {
    let mut script = String::from("export default \"");
    for byte in bytes {
        let _ = write!(script, "\\x{byte:02x}");
    }
    script += "\";\n";
    script
}

fn rewrite(file: &Path, from: &str, to: &str) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| unreadable(&file.to_string_lossy()))?;
    fs::write(file, text.replace(from, to))?;
    Ok(())
}

fn copy(file: &Path, folder: &Path) -> Result<()> {
    let name = file.file_name().unwrap_or_default();
    fs::copy(file, folder.join(name))
        .with_context(|| format!("{} could not be copied", file.display()))?;
    Ok(())
}

fn unreadable(file: &str) -> String {
    format!("{file} could not be read")
}

#[cfg(test)]
mod tests {
    use super::as_text;

    #[test]
    fn each_byte_becomes_one_character() {
        assert_eq!(as_text(b"\0a\"\xff"), "export default \"\\x00\\x61\\x22\\xff\";\n");
    }
}
