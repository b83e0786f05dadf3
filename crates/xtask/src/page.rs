//! The page as the relay serves it, in `dist/`: the chat, built from index.html as Trunk would build it, and the page
//! of `www/` that embeds the npm package. Each is built and compressed only when one of its inputs has changed.

mod compress;
pub mod example;
mod html;
mod part;
pub mod trunk;

use crate::progress::{say, task};
use crate::setup::{self, Need};
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;
use crate::{npm, process, stamp, wasm};
use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use html::{Asset, Built};
use sha2::{Digest, Sha256, Sha384};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

pub use compress::{beside, brotli, is_compressed};
pub use part::Part;

/// What building the chat needs besides wasm-bindgen.
pub const COMPILE_NEEDS: &[Need] = &[Need::StdSources, Need::WasmOpt, Need::Esbuild, Need::Node];
/// What building the page needs.
pub const NEEDS: &[Need] =
    &[Need::StdSources, Need::WasmBindgen, Need::WasmOpt, Need::Esbuild, Need::Node];

/// Brings `dist/` up to date. Installs nothing if it is already up to date.
pub fn ensure(workspace: &Workspace) -> Result<()> {
    if Part::Chat.is_current(workspace)? {
        say("page: up to date");
    } else {
        let toolchain = setup::ensure(workspace, NEEDS)?;
        task("page", "building the chat", || {
            let page = Page::read(workspace)?;
            let wasm = page.compile(workspace, &toolchain)?;
            page.build(workspace, &toolchain, &wasm)
        })?;
    }
    ensure_embedding(workspace)
}

/// Brings the part of `dist/` that embeds the npm package up to date.
pub fn ensure_embedding(workspace: &Workspace) -> Result<()> {
    if Part::Embedding.is_current(workspace)? {
        return Ok(());
    }
    let toolchain = setup::ensure(workspace, NEEDS)?;
    task("npm page", "building the npm package and the page that embeds it", || {
        npm::build_with(workspace, &toolchain)?;
        let staging = staging(workspace, "embedding")?;
        npm::copy_over(&workspace.npm_package(), &staging.join("npm"))?;
        for file in stamp::files(&workspace.root.join("www"))? {
            let Some(name) = file.file_name() else {
                continue;
            };
            if Part::Embedding.contains(Path::new(name)) {
                copy(&file, &staging.join(name))?;
            }
        }
        publish(workspace, Part::Embedding, &staging)
    })
}

/// An `index.html` and its links for Trunk.
pub struct Page {
    /// The folder of the file. Links are relative to it.
    folder: PathBuf,
    html: String,
    links: Vec<html::Link>,
}

impl Page {
    /// Reads the chat's page.
    pub fn read(workspace: &Workspace) -> Result<Self> {
        Self::read_in(&workspace.root)
    }

    fn read_in(folder: &Path) -> Result<Self> {
        let path = folder.join("index.html");
        let html = fs::read_to_string(&path)
            .with_context(|| format!("{} could not be read", path.display()))?;
        let links = html::links(&html)?;
        Ok(Self { folder: folder.to_owned(), html, links })
    }

    /// Compiles the program. This needs only cargo.
    pub fn compile(&self, workspace: &Workspace, toolchain: &Toolchain) -> Result<PathBuf> {
        let program = self.links.iter().find_map(|link| match &link.asset {
            Asset::Rust { href, bin, .. } => Some((href, bin)),
            _ => None,
        });
        let (manifest, bin) =
            program.context("index.html has no <link data-trunk rel=\"rust\">")?;
        let manifest = self.folder.join(manifest);
        let text = fs::read_to_string(&manifest)
            .with_context(|| format!("{} could not be read", manifest.display()))?;
        let manifest: toml::Table = toml::from_str(&text)?;
        let package = manifest.get("package").and_then(|package| package.get("name"));
        let package = package.and_then(toml::Value::as_str);
        let package = package.context("the manifest that index.html names has no package")?;
        wasm::compile(workspace, toolchain, package, &["--bin", bin], bin)
    }

    /// Builds the chat's page from the compiled program.
    pub fn build(&self, workspace: &Workspace, toolchain: &Toolchain, wasm: &Path) -> Result<()> {
        let staging = staging(workspace, "chat")?;
        bundle_assets(workspace)?;
        self.build_into(&staging, workspace, toolchain, wasm)?;
        publish(workspace, Part::Chat, &staging)
    }

    fn build_into(
        &self,
        staging: &Path,
        workspace: &Workspace,
        toolchain: &Toolchain,
        wasm: &Path,
    ) -> Result<()> {
        let mut built = Vec::new();
        for link in &self.links {
            built.push(match &link.asset {
                Asset::Css { href } => css(&self.folder.join(href), staging)?,
                Asset::Inline { href } => Built::Inline(
                    fs::read_to_string(self.folder.join(href))
                        .with_context(|| format!("{href} could not be read"))?,
                ),
                Asset::Copy { href } => {
                    let file = self.folder.join(href);
                    copy(&file, &staging.join(file.file_name().unwrap_or_default()))?;
                    Built::Copied
                }
                Asset::CopyDir { href } => {
                    let folder = self.folder.join(href);
                    for file in stamp::files(&folder)? {
                        let name = file.strip_prefix(folder.parent().unwrap_or(&folder))?;
                        copy(&file, &staging.join(name))?;
                    }
                    Built::Copied
                }
                Asset::Rust { bin, wasm_opt, .. } => {
                    let bound = workspace.own_target().join("page/bound");
                    wasm::bind(toolchain, wasm, &bound, bin)?;
                    let module = bound.join(format!("{bin}_bg.wasm"));
                    wasm::optimise(toolchain, &module, wasm_opt)?;
                    let js = bound.join(format!("{bin}.js"));
                    wasm::shorten(toolchain, &module, &js, bin)?;
                    wasm::bundle(toolchain, &js, None)?;
                    program(bin, &bound, staging)?
                }
            });
        }
        let page = html::resolve(&self.html, &self.links, &built)?;
        fs::write(staging.join("index.html"), page)?;
        Ok(())
    }
}

/// Joins the style sheets of the components, and the modules of the inspector, into the files that index.html names.
/// Trunk runs the same script as a hook.
fn bundle_assets(workspace: &Workspace) -> Result<()> {
    let mut node = process::command("node");
    node.arg(workspace.root.join("www/bundle.mjs"));
    process::run(&mut node).context("the style sheets and the inspector could not be joined")
}

fn css(file: &Path, staging: &Path) -> Result<Built> {
    let bytes = fs::read(file).with_context(|| format!("{} could not be read", file.display()))?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}-{}.css", hash([&bytes[..]]));
    fs::write(staging.join(&name), &bytes)?;
    let integrity = format!("sha384-{}", BASE64.encode(Sha384::digest(&bytes)));
    Ok(Built::Css { file: name, integrity })
}

/// Names the two files of the program by a hash of their content, so that they can be cached forever.
fn program(bin: &str, bound: &Path, staging: &Path) -> Result<Built> {
    let js = fs::read(bound.join(format!("{bin}.js")))?;
    let wasm = fs::read(bound.join(format!("{bin}_bg.wasm")))?;
    let name = format!("{bin}-{}", hash([&js[..], &wasm[..]]));
    let (js_name, wasm_name) = (format!("{name}.js"), format!("{name}_bg.wasm"));
    fs::write(staging.join(&js_name), js)?;
    fs::write(staging.join(&wasm_name), wasm)?;
    Ok(Built::Rust { js: js_name, wasm: wasm_name })
}

/// 16 hexadecimal digits. By their form the relay knows that a file with this name never changes.
fn hash<'a>(contents: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for content in contents {
        hasher.update(content);
    }
    let mut text = String::new();
    for byte in hasher.finalize().iter().take(8) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn staging(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let folder = workspace.own_target().join("page").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)
        .with_context(|| format!("{} could not be created", folder.display()))?;
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).with_context(|| format!("{} could not be copied", from.display()))?;
    Ok(())
}

/// Compresses the staged files and moves them to `dist/`, in place of the old ones. Pages come last, so that a running
/// relay never serves a page before the files that it needs.
fn publish(workspace: &Workspace, part: Part, staging: &Path) -> Result<()> {
    compress::all(staging)?;
    let dist = workspace.dist();
    let mut staged = stamp::files(staging)?;
    staged.sort_by_key(|file| file.to_string_lossy().contains(".html"));
    let mut kept = Vec::new();
    for file in staged {
        let target = dist.join(file.strip_prefix(staging)?);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("{} could not be created", folder.display()))?;
        }
        fs::rename(&file, &target)
            .with_context(|| format!("{} could not be written", target.display()))?;
        kept.push(target);
    }
    if kept.is_empty() {
        bail!("the build produced no files");
    }
    for file in stamp::files(&dist)? {
        if part.contains(file.strip_prefix(&dist)?) && !kept.contains(&file) {
            fs::remove_file(&file)
                .with_context(|| format!("{} could not be removed", file.display()))?;
        }
    }
    part.keep_stamp(workspace)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A style sheet that is not imported would be left out silently.
    #[test]
    fn the_bundle_contains_the_style_sheet_of_each_component() {
        let workspace = Workspace::locate().unwrap();
        bundle_assets(&workspace).unwrap();
        let comment = regex::Regex::new(r"(?s)/\*.*?\*/").unwrap();
        let dense = |path: &Path| -> String {
            let style = fs::read_to_string(path).unwrap();
            comment.replace_all(&style, "").split_whitespace().collect()
        };
        let bundle = workspace.own_target().join("page/chat.css");
        let bundle = dense(&bundle);
        assert!(!bundle.contains("@import"));
        let parts = stamp::files(&workspace.root.join("www/chat")).unwrap();
        assert!(!parts.is_empty());
        for part in parts {
            assert_eq!(bundle.matches(&dense(&part)).count(), 1, "{}", part.display());
        }
    }

    /// The modules are joined by a simple script, which their code has to suit.
    #[test]
    fn the_inspector_of_the_chat_is_one_valid_module_with_each_of_its_files() {
        let workspace = Workspace::locate().unwrap();
        bundle_assets(&workspace).unwrap();
        let bundle = workspace.own_target().join("page/inspector.js");
        let text = fs::read_to_string(&bundle).unwrap();
        for part in stamp::files(&workspace.root.join("npm/src/inspector")).unwrap() {
            let first = fs::read_to_string(&part).unwrap();
            let first = first.lines().next().unwrap();
            assert_eq!(text.matches(first).count(), 1, "{}", part.display());
        }
        let mut node = process::command("node");
        node.args(["--check", "--input-type=module"]).stdin(fs::File::open(&bundle).unwrap());
        process::run(&mut node).unwrap();
    }

    #[test]
    fn a_new_build_replaces_only_the_files_of_its_part() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let build = |name: &str, part, files: &[&str]| {
            let staging = staging(&workspace, name).unwrap();
            for file in files {
                copy(&root.path().join("source"), &staging.join(file)).unwrap();
            }
            publish(&workspace, part, &staging).unwrap();
        };
        fs::write(root.path().join("source"), "text ".repeat(100)).unwrap();
        build("embedding", Part::Embedding, &["embed.html", "npm/index.js"]);
        build("chat", Part::Chat, &["index.html", "chat-1.js"]);
        build("chat", Part::Chat, &["index.html", "chat-2.js"]);
        let dist = workspace.dist();
        let mut names: Vec<String> = stamp::files(&dist)
            .unwrap()
            .iter()
            .map(|file| file.strip_prefix(&dist).unwrap().to_string_lossy().into_owned())
            .filter(|name| !is_compressed(Path::new(name)))
            .collect();
        names.sort();
        assert_eq!(names, ["chat-2.js", "embed.html", "index.html", "npm/index.js"]);
        assert!(dist.join("index.html.br").exists() && dist.join("npm/index.js.gz").exists());
        assert!(!dist.join("chat-1.js.br").exists());

        assert!(Part::Chat.is_current(&workspace).unwrap());
        assert!(Part::Embedding.is_current(&workspace).unwrap());
        fs::remove_file(dist.join("chat-2.js.br")).unwrap();
        assert!(!Part::Chat.is_current(&workspace).unwrap());
        assert!(Part::Embedding.is_current(&workspace).unwrap());
        fs::write(root.path().join("index.html"), "").unwrap();
        assert!(!Part::Embedding.is_current(&workspace).unwrap());
    }
}
