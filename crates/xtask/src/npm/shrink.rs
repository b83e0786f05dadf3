//! Makes the package smaller to download: short names on the border between wasm and JS, whose long
//! ones stand on both sides, and one minified file for all of the JS.

use crate::process;
use crate::toolchain::Toolchain;
use anyhow::{Context, Result, bail};
use regex::{Captures, Regex};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

pub const WASM: &str = "event_driven_kit_bg.wasm";
pub const JS: &str = "event_driven_kit.js";
/// The module from which wasm-bindgen's wasm imports, and what wasm-opt makes of it.
const MODULE: &str = "\"./event_driven_kit_bg.js\"";
const SHORT_MODULE: &str = "\"a\"";

/// What wasm-opt prints: each old name with its new one, and of imports their module first.
#[derive(Deserialize)]
struct Renamed {
    imports: Vec<(String, String, String)>,
    exports: Vec<(String, String)>,
}

/// Rewrites wasm-bindgen's output in `package`.
pub fn shrink(toolchain: &Toolchain, package: &Path) -> Result<()> {
    let mut wasm_opt = toolchain.command("wasm-opt");
    wasm_opt
        .args(["--minify-imports-and-exports-and-modules", "--strip-producers"])
        .args(["--strip-target-features", WASM, "-o", WASM])
        .current_dir(package);
    let renamed = serde_json::from_str(&process::capture(&mut wasm_opt)?)
        .context("wasm-opt has not said which names it has given")?;
    let js = package.join(JS);
    let text =
        fs::read_to_string(&js).with_context(|| format!("{} could not be read", js.display()))?;
    fs::write(&js, rename(&without_platform(&text)?, &renamed)?)?;

    let mut esbuild = toolchain.command("esbuild");
    esbuild
        .args([JS, "--bundle", "--minify", "--format=esm", "--target=es2022"])
        .args(["--log-level=warning", "--allow-overwrite"])
        .arg(format!("--outfile={JS}"))
        .current_dir(package);
    process::run(&mut esbuild)?;
    // They are in the bundle now.
    fs::remove_dir_all(package.join("snippets"))?;
    Ok(())
}

/// wasm-bindgen's JS makes a `TextDecoder` and a `TextEncoder` when it is imported. Made at their first use, they need not
/// be there where the module is only imported: on a server, in a test's DOM. Its warnings that can't come up go too.
fn without_platform(js: &str) -> Result<String> {
    let mut js = js.to_owned();
    for (pattern, lazy) in [
        (
            r"let cachedTextDecoder = new TextDecoder\([^;]*;\s*cachedTextDecoder\.decode\(\);",
            "let cachedTextDecoder;",
        ),
        // More than the bytes after which it makes another.
        (r"let numBytesDecoded = 0;", "let numBytesDecoded = Infinity;"),
        // All browsers that have the rest have `encodeInto`.
        (
            r"(?s)const cachedTextEncoder = new TextEncoder\(\);\s*if \(!\('encodeInto'.*?\n\}\n",
            "let textEncoder;\n",
        ),
        (r"\bcachedTextEncoder\.", "(textEncoder ??= new TextEncoder())."),
        // The package's own files pass one object.
        (r" else \{\s*console\.warn\('using deprecated[^\n]*\n\s*\}", ""),
    ] {
        let pattern = Regex::new(pattern)?;
        if !pattern.is_match(&js) {
            bail!("{JS} has nothing like `{pattern}`: wasm-bindgen writes it differently now");
        }
        js = pattern.replace_all(&js, lazy).into_owned();
    }
    Ok(js)
}

/// wasm-bindgen's JS with the names that the wasm has now.
fn rename(js: &str, renamed: &Renamed) -> Result<String> {
    let imports = renamed.imports.iter().map(|(_, name, short)| (&**name, &**short)).collect();
    let exports = renamed.exports.iter().map(|(name, short)| (&**name, &**short)).collect();
    let js = with_short_names(js, r"\b(__wb\w+): function", &imports)?;
    let js = with_short_names(&js, r"\bwasm\.(\w+)", &exports)?;
    with_snippets(&js, renamed)
}

/// Where a function of a snippet needs no glue, wasm imports it from there by its name. All imports are of
/// one module now.
fn with_snippets(js: &str, renamed: &Renamed) -> Result<String> {
    let modules: HashMap<String, String> = Regex::new(r#""(\./snippets/[^"]+)": (import\d+),"#)?
        .captures_iter(js)
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect();
    let mut direct = String::new();
    for (module, name, short) in &renamed.imports {
        if let Some(import) = modules.get(module) {
            direct.push_str(&format!(", {short}: {import}.{name}"));
        }
    }
    // Nothing is imported from the snippets themselves any more: what of them is not used is left out.
    let js = Regex::new(r#"\s*"\./snippets/[^"]+": import\d+,"#)?.replace_all(js, "");
    let own = Regex::new(&[&regex::escape(MODULE), r": (\w+(?:\(\))?)"].concat())?;
    let together = format!("{SHORT_MODULE}: {{ ...$1{direct} }}");
    Ok(own.replace(&js, together).into_owned())
}

/// Replaces the name that `pattern` captures first wherever it is found. A name that wasm-opt does not
/// know would fail only when it is called, so it is an error here.
fn with_short_names(js: &str, pattern: &str, names: &HashMap<&str, &str>) -> Result<String> {
    let mut unknown = None;
    let text = Regex::new(pattern)?.replace_all(js, |found: &Captures<'_>| {
        let whole = &found[0];
        match names.get(&found[1]) {
            Some(short) => whole.replacen(&found[1], short, 1),
            None => {
                unknown = Some(found[1].to_owned());
                whole.to_owned()
            }
        }
    });
    match unknown {
        Some(name) => bail!("`{name}` is in {JS} but not on the border of {WASM}"),
        None => Ok(text.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed() -> Renamed {
        Renamed {
            imports: vec![("./x.js".into(), "__wbg_now_1f".into(), "b".into())],
            exports: vec![("memory".into(), "c".into()), ("core_free".into(), "d".into())],
        }
    }

    #[test]
    fn both_sides_of_the_border_get_the_short_names_and_nothing_else_does() {
        let js = "const memory = wasm.memory; wasm.core_free(1);\n\
                  import0 = { __wbg_now_1f: function() { return obj.__wbg_ptr; } };\n\
                  return { \"./event_driven_kit_bg.js\": import0 };";
        let expected = "const memory = wasm.c; wasm.d(1);\n\
                        import0 = { b: function() { return obj.__wbg_ptr; } };\n\
                        return { \"a\": { ...import0 } };";
        assert_eq!(rename(js, &renamed()).unwrap(), expected);
    }

    #[test]
    fn decoder_and_encoder_are_made_at_their_first_use() {
        let js = "let cachedTextDecoder = new TextDecoder('utf-8', { ignoreBOM: true });\n\
                  cachedTextDecoder.decode();\nlet numBytesDecoded = 0;\n\
                  const cachedTextEncoder = new TextEncoder();\n\n\
                  if (!('encodeInto' in cachedTextEncoder)) {\n    x = 1;\n}\ncachedTextEncoder.encode(arg);\n\
                  if (one) {\n    y = 2;\n} else {\n    console.warn('using deprecated parameters');\n}";
        let expected = "let cachedTextDecoder;\nlet numBytesDecoded = Infinity;\nlet textEncoder;\n\
                        (textEncoder ??= new TextEncoder()).encode(arg);\n\
                        if (one) {\n    y = 2;\n}";
        assert_eq!(without_platform(js).unwrap(), expected);
        assert!(without_platform("let other;").is_err());
    }

    #[test]
    fn what_wasm_imports_from_a_snippet_is_in_the_one_module_too() {
        let mut renamed = renamed();
        renamed.imports.push(("./snippets/x/face.js".into(), "face".into(), "c".into()));
        let js =
            "return { \"./event_driven_kit_bg.js\": import0, \"./snippets/x/face.js\": import1, };";
        let js = rename(js, &renamed).unwrap();
        assert_eq!(js, "return { \"a\": { ...import0, c: import1.face }, };");
    }

    #[test]
    fn a_name_that_the_wasm_does_not_have_is_an_error_that_says_it() {
        let error = rename("wasm.other()", &renamed()).unwrap_err().to_string();
        assert!(error.starts_with("`other` is in event_driven_kit.js"), "{error}");
    }
}
