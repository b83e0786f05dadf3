//! Makes the package smaller to download: short names for imports and exports of the wasm, and all JS in one minified
//! file, but for what only pages with keys load.

use crate::toolchain::Toolchain;
use crate::wasm;
use anyhow::{Context, Result, bail};
use regex::Regex;
use std::fs;
use std::path::Path;

pub const WASM: &str = "event_driven_kit_bg.wasm";
pub const JS: &str = "event_driven_kit.js";
/// What links with a key, or that trust an issuer, load besides.
pub const KEYS: &str = "keys.js";
const NAME: &str = "event_driven_kit";

/// Rewrites wasm-bindgen's output in `package`.
pub fn shrink(toolchain: &Toolchain, package: &Path) -> Result<()> {
    let js = package.join(JS);
    let text =
        fs::read_to_string(&js).with_context(|| format!("{} could not be read", js.display()))?;
    fs::write(&js, without_platform(&text)?)?;
    wasm::shorten(toolchain, &package.join(WASM), &js, NAME)?;
    wasm::bundle(toolchain, &js, Some(KEYS))
}

/// wasm-bindgen's JS creates a `TextDecoder` and a `TextEncoder` on import. This delays them to their first use, so
/// that the module can be imported where they don't exist: on a server, in a test's DOM. It also removes warnings that
/// can't occur.
fn without_platform(js: &str) -> Result<String> {
    let mut js = js.to_owned();
    for (pattern, lazy) in [
        (
            r"let cachedTextDecoder = new TextDecoder\([^;]*;\s*cachedTextDecoder\.decode\(\);",
            "let cachedTextDecoder;",
        ),
        // Above the limit at which wasm-bindgen creates a new decoder, so the first use creates one.
        (r"let numBytesDecoded = 0;", "let numBytesDecoded = Infinity;"),
        // Every browser that supports the rest has `encodeInto`.
        (
            r"(?s)const cachedTextEncoder = new TextEncoder\(\);\s*if \(!\('encodeInto'.*?\n\}\n",
            "let textEncoder;\n",
        ),
        (r"\bcachedTextEncoder\.", "(textEncoder ??= new TextEncoder())."),
        // The files of the package pass one object, so the warning is unreachable.
        (r" else \{\s*console\.warn\('using deprecated[^\n]*\n\s*\}", ""),
    ] {
        let pattern = Regex::new(pattern)?;
        if !pattern.is_match(&js) {
            bail!("nothing in {JS} matches `{pattern}`: has wasm-bindgen's output changed?");
        }
        js = pattern.replace_all(&js, lazy).into_owned();
    }
    Ok(js)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoder_and_encoder_are_created_on_first_use() {
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
}
