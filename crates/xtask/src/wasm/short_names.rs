//! Short names on the border between wasm and JS. wasm-bindgen's names are long, end with a hash that does not compress,
//! and stand on both sides.

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

/// What wasm-opt prints: each old name with its new one, and for imports their module first.
#[derive(Deserialize)]
struct Renamed {
    imports: Vec<(String, String, String)>,
    exports: Vec<(String, String)>,
}

/// Gives both files short names. `name` is what wasm-bindgen was told with `--out-name`.
pub fn shorten(toolchain: &Toolchain, wasm: &Path, js: &Path, name: &str) -> Result<()> {
    let mut wasm_opt = toolchain.command("wasm-opt");
    wasm_opt
        .args(["--minify-imports-and-exports-and-modules", "--strip-producers"])
        .arg("--strip-target-features")
        .arg(wasm)
        .arg("-o")
        .arg(wasm);
    let renamed = serde_json::from_str(&process::capture(&mut wasm_opt)?)
        .context("wasm-opt did not print the names that it has given")?;
    let text =
        fs::read_to_string(js).with_context(|| format!("{} could not be read", js.display()))?;
    fs::write(js, rename(&text, name, &renamed)?)
        .with_context(|| format!("{} could not be written", js.display()))
}

/// wasm-bindgen's JS with the names that the wasm has now.
fn rename(js: &str, name: &str, renamed: &Renamed) -> Result<String> {
    let imports = renamed.imports.iter().map(|(_, name, short)| (&**name, &**short)).collect();
    let exports = renamed.exports.iter().map(|(name, short)| (&**name, &**short)).collect();
    let js = with_short_names(js, r"\b(__wb\w+): function", &imports)?;
    let js = with_short_names(&js, r"\bwasm\.(\w+)", &exports)?;
    with_snippets(&js, name, renamed)
}

/// Where a function of a snippet needs no glue, wasm imports it from there by its name. All imports are of
/// one module now.
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
    // The snippets themselves are no longer imported as a whole, so that a bundler drops what is not used of them.
    let js = Regex::new(r#"\s*"\./snippets/[^"]+": import\d+,"#)?.replace_all(js, "");
    let own = format!("\"./{name}_bg.js\"");
    let own = Regex::new(&[&regex::escape(&own), r": (\w+(?:\(\))?)"].concat())?;
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
        Some(name) => bail!("`{name}` is in the JS but not on the border of the wasm"),
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
        assert_eq!(rename(js, "event_driven_kit", &renamed()).unwrap(), expected);
    }

    #[test]
    fn what_wasm_imports_from_a_snippet_is_in_the_one_module_too() {
        let mut renamed = renamed();
        renamed.imports.push(("./snippets/x/face.js".into(), "face".into(), "c".into()));
        let js =
            "return { \"./event_driven_kit_bg.js\": import0, \"./snippets/x/face.js\": import1, };";
        let js = rename(js, "event_driven_kit", &renamed).unwrap();
        assert_eq!(js, "return { \"a\": { ...import0, c: import1.face }, };");
    }

    #[test]
    fn a_name_that_the_wasm_does_not_have_is_an_error_that_says_it() {
        let error = rename("wasm.other()", "event_driven_kit", &renamed()).unwrap_err().to_string();
        assert!(error.starts_with("`other` is in the JS"), "{error}");
    }
}
