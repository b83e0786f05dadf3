//! The table of emoji, which is loaded when it is needed for the first time, and what the user has chosen before.

use std::cell::OnceCell;

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Response, window};
use yew::prelude::*;

use crate::boxed::spawn;
use crate::effect::use_effect_with;
use crate::model::emoji::{TONES, Table};
use crate::state::use_state_eq;
use crate::storage;

/// The keys of the newest emoji, and of the number of the skin tone.
const RECENT: &str = "emoji.recent";
const TONE: &str = "emoji.tone";

/// The most emoji that are remembered.
const MAX_RECENT: usize = 24;

/// Offered until the user has chosen others.
const USUAL: &str = "👍 ❤️ 😂 🎉 😮 😢 🙏 🔥";

thread_local! {
    /// The page has one language, so the table is kept for as long as the page is open.
    static TABLE: OnceCell<&'static Table> = const { OnceCell::new() };
}

/// The table, if it is loaded.
pub fn table() -> Option<&'static Table> {
    TABLE.with(|table| table.get().copied())
}

/// Loads the table, and then calls `done`: with `false` if it can't be loaded.
pub fn load(done: impl FnOnce(bool) + 'static) {
    if table().is_some() {
        return done(true);
    }
    spawn(async move {
        if let Some(text) = fetch().await {
            let text: &'static str = Box::leak(text.into_boxed_str());
            // Fails only if it was loaded twice at the same time.
            let _ = TABLE.with(|table| table.set(Box::leak(Box::new(Table::parse(text)))));
        }
        done(table().is_some());
    });
}

async fn fetch() -> Option<String> {
    let window = window()?;
    let language = window.document()?.document_element()?.get_attribute("lang")?;
    let language = if language == "zh-CN" { "zh-CN" } else { "en" };
    let address = ["emoji/", language, ".txt"].concat();
    let response = JsFuture::from(window.fetch_with_str(&address)).await.ok()?;
    let response: Response = response.dyn_into().ok()?;
    let text = JsFuture::from(response.text().ok().filter(|_| response.ok())?).await.ok()?;
    text.as_string()
}

/// Whether the table is there, once loading has ended.
#[hook]
pub fn use_table() -> Option<bool> {
    let is_there = use_state_eq(|| table().map(|_| true));
    let set = is_there.setter();
    use_effect_with((), move |()| load(move |is_loaded| set.set(Some(is_loaded))));
    *is_there
}

/// The emoji that the user has chosen last.
pub fn recent() -> Vec<String> {
    let kept = storage::read(RECENT).unwrap_or_default();
    let all = kept.split(' ').chain(USUAL.split(' ').filter(|usual| !kept.contains(usual)));
    all.filter(|emoji| !emoji.is_empty()).take(MAX_RECENT).map(str::to_owned).collect()
}

/// Remembers a choice.
pub fn remember(emoji: &str) {
    let mut all = recent();
    all.retain(|other| other != emoji);
    all.truncate(MAX_RECENT - 1);
    storage::write(RECENT, &[emoji, " ", &all.join(" ")].concat());
}

/// The number of the user's skin tone.
pub fn tone() -> usize {
    let kept = storage::read(TONE).and_then(|kept| kept.parse().ok());
    kept.filter(|tone| *tone < TONES.len()).unwrap_or_default()
}

/// Remembers the skin tone.
pub fn set_tone(tone: usize) {
    storage::write(TONE, &tone.to_string());
}
