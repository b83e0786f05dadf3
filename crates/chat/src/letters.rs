//! Upper and lower case. A page asks the browser, because Rust's tables would be 24 kB of the program.

/// The text in lower case.
pub fn lower(text: &str) -> String {
    #[cfg(target_family = "wasm")]
    return js_sys::JsString::from(text).to_lower_case().into();
    #[cfg(not(target_family = "wasm"))]
    text.to_lowercase()
}

/// The text in upper case.
pub fn upper(text: &str) -> String {
    #[cfg(target_family = "wasm")]
    return js_sys::JsString::from(text).to_upper_case().into();
    #[cfg(not(target_family = "wasm"))]
    text.to_uppercase()
}
