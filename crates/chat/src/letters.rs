//! Letters of all languages. A page asks the browser, because Rust's tables would be 26 kB of the program.

#[cfg(target_family = "wasm")]
use js_sys::{JsString, RegExp};

/// The text in lower case.
pub fn lower(text: &str) -> String {
    #[cfg(target_family = "wasm")]
    return JsString::from(text).to_lower_case().into();
    #[cfg(not(target_family = "wasm"))]
    text.to_lowercase()
}

/// The text in upper case.
pub fn upper(text: &str) -> String {
    #[cfg(target_family = "wasm")]
    return JsString::from(text).to_upper_case().into();
    #[cfg(not(target_family = "wasm"))]
    text.to_uppercase()
}

/// Whether it is a letter or a digit.
pub fn is_alphanumeric(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric();
    }
    #[cfg(target_family = "wasm")]
    return RegExp::new(r"[\p{Alphabetic}\p{N}]", "u").test(character.encode_utf8(&mut [0; 4]));
    #[cfg(not(target_family = "wasm"))]
    character.is_alphanumeric()
}
