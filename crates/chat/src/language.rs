//! The language of the page. English is in the program, and each English text is the key of its translations in
//! `www/languages`. The script in index.html chooses the language, and fetches the translations while the program
//! loads.

use std::cell::OnceCell;

use js_sys::Intl::{ListFormat, PluralRules};
use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::window;
use yew::AttrValue;
use yew::virtual_dom::VNode;

use crate::storage;

/// The key of the chosen language in the browser's storage, which the script in index.html reads, too.
pub const LANGUAGE: &str = "language";

/// The variable of the script in index.html that holds the promise of the translations.
const TEXTS: &str = "pageTexts";

thread_local! {
    /// An object from English texts to translations. Empty while the page is in English.
    static TABLE: OnceCell<JsValue> = const { OnceCell::new() };
}

/// Waits for the translations. If they can't be loaded, the page is in English.
pub async fn load() {
    let texts = window().and_then(|window| Reflect::get(&window, &TEXTS.into()).ok());
    let texts = JsFuture::from(Promise::resolve(&texts.unwrap_or_default())).await;
    if let Some(texts) = texts.ok().filter(JsValue::is_object) {
        // Fails only if they are there already.
        let _ = TABLE.with(|table| table.set(texts));
    }
}

/// Changes the language, and loads the page again. An empty text leaves the choice to the browser's settings.
pub fn change(language: &str) {
    storage::set(LANGUAGE, language);
    if let Some(window) = window() {
        // Fails only in a document that is no longer shown.
        let _ = window.location().reload();
    }
}

/// The text in the language of the page.
pub fn t(text: &'static str) -> AttrValue {
    let translated = entry(text).and_then(|entry| entry.as_string());
    translated.map_or(AttrValue::Static(text), AttrValue::from)
}

/// The text in the language of the page, with the values in place of their names in braces.
pub fn t_with(text: &'static str, values: &[(&str, &str)]) -> AttrValue {
    fill(&t(text), values).into()
}

/// Like [`t_with`] for elements, such as names that may be written in the other direction.
pub fn t_html(text: &'static str, values: &[(&str, VNode)]) -> VNode {
    let mut nodes = Vec::new();
    for (name, rest) in pieces(&t(text)) {
        nodes.extend(
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()),
        );
        nodes.push(VNode::from(rest));
    }
    nodes.into_iter().collect()
}

/// The text for a number of things, with the number in place of `{n}`. Translations have a text for each plural form of
/// their language, under the key `other`.
pub fn t_count(one: &'static str, other: &'static str, count: u64) -> AttrValue {
    let translated = entry(other).and_then(|forms| {
        let form = PluralRules::new(&locales(), &Object::new()).select(count as f64);
        Reflect::get(&forms, &form).ok()?.as_string()
    });
    let english = if count == 1 { one } else { other };
    fill(translated.as_deref().unwrap_or(english), &[("n", &count.to_string())]).into()
}

/// Names as a list in a sentence, such as "Ann, Bob and Cho".
pub fn list(items: impl IntoIterator<Item = AttrValue>) -> String {
    let items: Array = items.into_iter().map(|item| JsValue::from(&*item)).collect();
    ListFormat::new(&locales(), &Object::new()).format(&items).into()
}

/// A name that does not change the direction of the sentence around it.
pub fn isolated(name: &str) -> AttrValue {
    ["\u{2068}", name, "\u{2069}"].concat().into()
}

/// The language of the page, for the browser's own formats.
pub fn locales() -> Array {
    let root = window().and_then(|window| window.document()?.document_element());
    let language = root.and_then(|root| root.get_attribute("lang"));
    language.iter().map(|language| JsValue::from(&**language)).collect()
}

fn entry(text: &str) -> Option<JsValue> {
    TABLE.with(|table| Reflect::get(table.get()?, &text.into()).ok())
}

fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    for (name, rest) in pieces(text) {
        let value = values.iter().find(|(known, _)| *known == name);
        filled.push_str(value.map_or("", |(_, value)| value));
        filled.push_str(rest);
    }
    filled
}

/// The name of each value, which is empty for the first piece, and the text after it.
fn pieces(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('{').map(|piece| piece.split_once('}').unwrap_or(("", piece)))
}

#[cfg(all(test, not(target_family = "wasm")))]
#[path = "language/tests.rs"]
mod tests;
