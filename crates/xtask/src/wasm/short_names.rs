//! Shortens the names of the wasm's imports and exports. wasm-bindgen's names are long, end with a hash that does not
//! compress, and appear in both the wasm and the JS.

use crate::process;
use crate::toolchain::Toolchain;
use anyhow::{Context, Result, bail};
use regex::{Captures, Regex};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// The name of the one module from which the wasm imports.
const SHORT_MODULE: &str = "\"a\"";

/// wasm-opt's output: each old name with its new one. Imports start with their module.
#[derive(Deserialize)]
struct Renamed {
    imports: Vec<(String, String, String)>,
    exports: Vec<(String, String)>,
}

/// Shortens the names in both files. `name` is the `--out-name` of wasm-bindgen.
pub fn shorten(toolchain: &Toolchain, wasm: &Path, js: &Path, name: &str) -> Result<()> {
    let mut wasm_opt = toolchain.command("wasm-opt");
    wasm_opt
        .args(["--minify-imports-and-exports-and-modules", "--strip-producers"])
        .arg("--strip-target-features")
        .arg(wasm)
        .arg("-o")
        .arg(wasm);
    let renamed = serde_json::from_str(&process::capture(&mut wasm_opt)?)
        .context("wasm-opt did not print the new names")?;
    let text =
        fs::read_to_string(js).with_context(|| format!("{} could not be read", js.display()))?;
    fs::write(js, rename(&text, name, &renamed)?)
        .with_context(|| format!("{} could not be written", js.display()))
}

/// Replaces the names in wasm-bindgen's JS with the new ones of the wasm.
fn rename(js: &str, name: &str, renamed: &Renamed) -> Result<String> {
    let imports = renamed.imports.iter().map(|(_, name, short)| (&**name, &**short)).collect();
    let exports = renamed.exports.iter().map(|(name, short)| (&**name, &**short)).collect();
    let js = with_short_names(js, r"\b(__wb\w+): function", &imports)?;
    let js = with_short_names(&js, r"\bwasm\.(\w+)", &exports)?;
    with_snippets(&js, name, renamed)
}

/// wasm imports a function of a snippet directly if it needs no glue. This moves these functions into the one module
/// that all imports now come from.
fn with_snippets(js: &str, name: &str, renamed: &Renamed) -> Result<String> {
    let modules: HashMap<String, String> = Regex::new(r#""(\./snippets/[^"]+)": (import\d+),"#)?
        .captures_iter(js)
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect();
    let mut direct = String::new();
    for (module, function, short) in &renamed.imports {
        if let Some(import) = modules.get(module) {
            direct.push_str(&format!(", {short}: {import}.{function}"));
        }
    }
    // The snippets are no longer imported as a whole, so a bundler can drop what is unused.
    let js = Regex::new(r#"\s*"\./snippets/[^"]+": import\d+,"#)?.replace_all(js, "");
    let own = format!("\"./{name}_bg.js\"");
    let own = Regex::new(&[&regex::escape(&own), r": (\w+(?:\(\))?)"].concat())?;
    let together = format!("{SHORT_MODULE}: {{ ...$1{direct} }}");
    Ok(own.replace(&js, together).into_owned())
}

/// Replaces each name that the first group of `pattern` captures. A name that wasm-opt does not know would fail only
/// when it is called, so it is an error here.
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
        Some(name) => {
            bail!("`{name}` is in the JS but not among the imports and exports of the wasm")
        }
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
    fn only_the_names_of_imports_and_exports_are_shortened() {
        let js = "const memory = wasm.memory; wasm.core_free(1);\n\
                  import0 = { __wbg_now_1f: function() { return obj.__wbg_ptr; } };\n\
                  return { \"./event_driven_kit_bg.js\": import0 };";
        let expected = "const memory = wasm.c; wasm.d(1);\n\
                        import0 = { b: function() { return obj.__wbg_ptr; } };\n\
                        return { \"a\": { ...import0 } };";
        assert_eq!(rename(js, "event_driven_kit", &renamed()).unwrap(), expected);
    }

    #[test]
    fn direct_imports_from_a_snippet_move_into_the_one_module() {
        let mut renamed = renamed();
        renamed.imports.push(("./snippets/x/face.js".into(), "face".into(), "c".into()));
        let js =
            "return { \"./event_driven_kit_bg.js\": import0, \"./snippets/x/face.js\": import1, };";
        let js = rename(js, "event_driven_kit", &renamed).unwrap();
        assert_eq!(js, "return { \"a\": { ...import0, c: import1.face }, };");
    }

    #[test]
    fn a_name_that_the_wasm_does_not_have_is_an_error() {
        let error = rename("wasm.other()", "event_driven_kit", &renamed()).unwrap_err().to_string();
        assert!(error.starts_with("`other` is in the JS"), "{error}");
    }
}
