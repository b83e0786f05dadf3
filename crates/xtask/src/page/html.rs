//! `index.html` as Trunk understands it: which links it resolves, and what it writes in their place.
//!
//! Only what the pages of this repository use is supported. Anything else is an error, so that nothing is left out
//! silently. `page/trunk.rs` compares the result with Trunk's.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::ops::Range;

/// Allows an inline script or style for `trunk serve`. The relay allows it by its hash.
pub const NONCE: &str = " nonce=\"{{__TRUNK NONCE__}}\"";

/// An element `<link data-trunk ...>`.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    place: Range<usize>,
    pub asset: Asset,
}

/// What the link adds to the page.
#[derive(Debug, PartialEq, Eq)]
pub enum Asset {
    /// A style sheet.
    Css { href: String },
    /// A style sheet that becomes a part of the page.
    Inline { href: String },
    /// A file that keeps its name.
    Copy { href: String },
    /// A folder that keeps its name.
    CopyDir { href: String },
    /// The program: its manifest, its binary, and the arguments of wasm-opt.
    Rust { href: String, bin: String, wasm_opt: Vec<String> },
}

/// All links for Trunk, in the order of the document.
pub fn links(html: &str) -> Result<Vec<Link>> {
    let mut links = Vec::new();
    let mut at = 0;
    while let Some(start) = html[at..].find('<').map(|found| at + found) {
        if html[start..].starts_with("<!--") {
            at = html[start..].find("-->").map_or(html.len(), |end| start + end + 3);
            continue;
        }
        let tag = Tag::parse(&html[start..]).context("index.html has a tag without an end")?;
        at = start + tag.length;
        if !tag.attributes.contains_key("data-trunk") {
            continue;
        }
        if tag.name != "link" {
            bail!(
                "<{} data-trunk> in index.html is not supported by crates/xtask/src/page",
                tag.name
            );
        }
        links.push(Link { place: start..at, asset: asset(tag.attributes)? });
    }
    Ok(links)
}

fn asset(mut attributes: BTreeMap<String, String>) -> Result<Asset> {
    attributes.remove("data-trunk");
    let mut take = |name: &str| {
        attributes
            .remove(name)
            .with_context(|| format!("a <link data-trunk> in index.html has no `{name}`"))
    };
    let asset = match take("rel")?.as_str() {
        "css" => Asset::Css { href: take("href")? },
        "inline" => {
            let href = take("href")?;
            if !href.ends_with(".css") {
                bail!("{href} is not a style sheet: crates/xtask/src/page inlines only those");
            }
            Asset::Inline { href }
        }
        "copy-file" => Asset::Copy { href: take("href")? },
        "copy-dir" => Asset::CopyDir { href: take("href")? },
        "rust" => {
            if take("data-integrity")? != "none" {
                bail!("index.html asks for the program's integrity, which is not supported here");
            }
            let level = format!("-O{}", take("data-wasm-opt")?);
            let more = take("data-wasm-opt-params")?;
            let more = more.split_whitespace().map(str::to_owned);
            let wasm_opt = std::iter::once(level).chain(more).collect();
            Asset::Rust { href: take("href")?, bin: take("data-bin")?, wasm_opt }
        }
        other => {
            bail!("<link data-trunk rel=\"{other}\"> is not supported by crates/xtask/src/page")
        }
    };
    match attributes.keys().next() {
        None => Ok(asset),
        Some(name) => {
            bail!("`{name}` of a <link data-trunk> is not supported by crates/xtask/src/page")
        }
    }
}

/// A start tag, or anything else that begins with `<`.
struct Tag {
    name: String,
    attributes: BTreeMap<String, String>,
    length: usize,
}

impl Tag {
    /// Returns `None` if the tag has no end.
    fn parse(html: &str) -> Option<Self> {
        let name_end = html[1..].find(|c: char| c.is_whitespace() || c == '>' || c == '/');
        let name_end = 1 + name_end?.max(1).min(html.len() - 1);
        let name = html[1..name_end].to_ascii_lowercase();
        let mut attributes = BTreeMap::new();
        let mut at = name_end;
        loop {
            at += html[at..].find(|c: char| !c.is_whitespace() && c != '/')?;
            if html[at..].starts_with('>') {
                return Some(Self { name, attributes, length: at + 1 });
            }
            let is_end = |c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/');
            let end = at + html[at..].find(is_end)?.max(1);
            let attribute = html[at..end].to_ascii_lowercase();
            at = end;
            let mut value = String::new();
            let rest = html[at..].trim_start();
            if let Some(rest) = rest.strip_prefix('=') {
                let rest = rest.trim_start();
                at = html.len() - rest.len();
                let (text, length) = match rest.chars().next()? {
                    quote @ ('"' | '\'') => {
                        let end = rest[1..].find(quote)?;
                        (&rest[1..=end], end + 2)
                    }
                    _ => {
                        let end = rest.find(|c: char| c.is_whitespace() || c == '>')?;
                        (&rest[..end], end)
                    }
                };
                value = text.to_owned();
                at += length;
            }
            attributes.insert(attribute, value);
        }
    }
}

/// What was built for each link. The names are those of files in the folder of the page.
#[derive(Debug, PartialEq, Eq)]
pub enum Built {
    Css {
        file: String,
        integrity: String,
    },
    /// The text of a style sheet.
    Inline(String),
    Copied,
    Rust {
        js: String,
        wasm: String,
    },
}

/// Replaces the links in the page with what was built for them.
pub fn resolve(html: &str, links: &[Link], built: &[Built]) -> Result<String> {
    let mut page = String::with_capacity(html.len() + 1024);
    let mut preloads = String::new();
    let mut at = 0;
    for (link, built) in links.iter().zip(built) {
        page.push_str(&html[at..link.place.start].replace(NONCE, ""));
        at = link.place.end;
        match built {
            Built::Css { file, integrity } => page.push_str(&format!(
                "<link rel=\"stylesheet\" href=\"/{file}\" integrity=\"{integrity}\"/>"
            )),
            Built::Inline(style) => {
                page.push_str("<style>");
                page.push_str(style);
                page.push_str("</style>");
            }
            Built::Copied => {}
            Built::Rust { js, wasm } => {
                page.push_str(&script(js, wasm));
                // The first paint does not need the program.
                preloads.push_str(&format!(
                    "<link rel=\"modulepreload\" fetchpriority=\"low\" href=\"/{js}\" \
                     crossorigin=\"anonymous\"><link rel=\"preload\" fetchpriority=\"low\" \
                     href=\"/{wasm}\" crossorigin=\"anonymous\" as=\"fetch\" \
                     type=\"application/wasm\">"
                ));
            }
        }
    }
    page.push_str(&html[at..].replace(NONCE, ""));
    let head = page.find("</head>").context("index.html has no </head>")?;
    page.insert_str(head, &preloads);
    Ok(page)
}

/// The script that starts the program. It equals Trunk's exactly, so that both build the same page.
fn script(js: &str, wasm: &str) -> String {
    format!(
        "\n<script type=\"module\">
import init, * as bindings from '/{js}';
const wasm = await init({{ module_or_path: '/{wasm}' }});


window.wasmBindings = bindings;


dispatchEvent(new CustomEvent(\"TrunkApplicationStarted\", {{detail: {{wasm}}}}));

</script>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<!doctype html>\n<head>\n  <!-- <link data-trunk rel=\"no\"> > -->\n  \
        <link rel=\"icon\" href=\"icon.svg\" />\n  <link data-trunk rel=\"css\" href=\"a/b.css\" />\n  \
        <link data-trunk rel=\"inline\" href=\"a/c.css\" />\n  \
        <link data-trunk rel='rust' href=x/Cargo.toml data-bin=\"chat\" data-wasm-opt=\"z\" \
        data-wasm-opt-params=\"--one\n --two > 3\" data-integrity=\"none\">\n  \
        <link data-trunk rel=\"copy-file\" href=\"icon.svg\" />\n  \
        <link data-trunk rel=\"copy-dir\" href=\"languages\" />\n</head>\n<body></body>\n";

    #[test]
    fn links_for_trunk_are_found_with_their_attributes() {
        let links = links(PAGE).unwrap();
        let assets: Vec<&Asset> = links.iter().map(|link| &link.asset).collect();
        let wasm_opt = ["-Oz", "--one", "--two", ">", "3"].map(str::to_owned).to_vec();
        assert_eq!(
            assets,
            [
                &Asset::Css { href: "a/b.css".into() },
                &Asset::Inline { href: "a/c.css".into() },
                &Asset::Rust { href: "x/Cargo.toml".into(), bin: "chat".into(), wasm_opt },
                &Asset::Copy { href: "icon.svg".into() },
                &Asset::CopyDir { href: "languages".into() },
            ]
        );
        assert_eq!(
            &PAGE[links[3].place.clone()],
            "<link data-trunk rel=\"copy-file\" href=\"icon.svg\" />"
        );
    }

    #[test]
    fn built_files_replace_their_links() {
        let links = links(PAGE).unwrap();
        let built = [
            Built::Css { file: "b-1.css".into(), integrity: "sha384-x".into() },
            Built::Inline("p > b {}\n".into()),
            Built::Rust { js: "c-2.js".into(), wasm: "c-2_bg.wasm".into() },
            Built::Copied,
            Built::Copied,
        ];
        let page = resolve(PAGE, &links, &built).unwrap();
        assert!(
            page.contains(
                "  <link rel=\"stylesheet\" href=\"/b-1.css\" integrity=\"sha384-x\"/>\n  \
                 <style>p > b {}\n</style>\n"
            ),
            "{page}"
        );
        assert!(page.contains("import init, * as bindings from '/c-2.js';"), "{page}");
        assert!(
            page.contains(
                "\n  \n<link rel=\"modulepreload\" fetchpriority=\"low\" href=\"/c-2.js\" \
             crossorigin=\"anonymous\"><link rel=\"preload\" fetchpriority=\"low\" \
             href=\"/c-2_bg.wasm\" crossorigin=\"anonymous\" as=\"fetch\" \
             type=\"application/wasm\"></head>"
            ),
            "{page}"
        );
        assert!(!page.contains("data-trunk rel=\"copy"), "{page}");
    }

    #[test]
    fn a_script_of_the_page_keeps_its_text_and_loses_the_nonce_of_trunk() {
        let html = format!("<head></head><script{NONCE}>if (1 > 0) {{}}</script>");
        let page = resolve(&html, &links(&html).unwrap(), &[]).unwrap();
        assert_eq!(page, "<head></head><script>if (1 > 0) {}</script>");
    }

    #[test]
    fn unsupported_markup_is_an_error_that_names_it() {
        for (html, word) in [
            ("<link data-trunk rel=\"sass\" href=\"a\">", "sass"),
            ("<link data-trunk rel=\"css\" href=\"a\" data-inline>", "data-inline"),
            ("<link data-trunk rel=\"css\">", "href"),
            ("<link data-trunk rel=\"inline\" href=\"a.svg\">", "a.svg"),
            ("<script data-trunk src=\"a.js\"></script>", "script"),
            ("<link data-trunk rel=\"css\" href=\"a", "end"),
        ] {
            let error = links(html).unwrap_err().to_string();
            assert!(error.contains(word), "{html}: {error}");
        }
    }
}
