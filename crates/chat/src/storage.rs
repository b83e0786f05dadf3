//! What the page keeps in the browser: in localStorage, or in a guest window in sessionStorage, so that each guest
//! window is a person of its own. Without access to either, nothing is kept.

use web_sys::{Storage, window};

use crate::{account, address};

/// Begins all keys. The script in index.html uses it, too.
const PREFIX: &str = "event-driven-kit.chat.";

/// What is kept under `key`, unless it is empty.
pub fn read(key: &str) -> Option<String> {
    let text = storage()?.get_item(&full(key)).ok()??;
    (!text.is_empty()).then_some(text)
}

/// Keeps `text` under `key`, or nothing if it is empty.
pub fn write(key: &str, text: &str) {
    if let Some(storage) = storage() {
        let key = full(key);
        // If storage is full or closed, only convenience is lost, which needs no message.
        let _ =
            if text.is_empty() { storage.remove_item(&key) } else { storage.set_item(&key, text) };
    }
}

/// Each account is a person of its own. The script in index.html does the same.
fn full(key: &str) -> String {
    match account::account() {
        Some(account) => [PREFIX, "account.", &account, ".", key].concat(),
        None => [PREFIX, key].concat(),
    }
}

/// Keeps a setting of this browser, which holds for all accounts and guest windows. An empty one leaves the choice to
/// the system. The script in index.html reads it.
pub fn set(setting: &str, value: &str) {
    if let Some(storage) = window().and_then(|window| window.local_storage().ok()?) {
        // Without storage the setting is lost, which needs no message.
        let _ = storage.set_item(&[PREFIX, setting].concat(), value);
    }
}

/// A setting of this browser. Empty without one.
pub fn setting(setting: &str) -> String {
    let storage = window().and_then(|window| window.local_storage().ok()?);
    storage
        .and_then(|storage| storage.get_item(&[PREFIX, setting].concat()).ok()?)
        .unwrap_or_default()
}

fn storage() -> Option<Storage> {
    let window = window()?;
    let storage =
        if address::is_guest() { window.session_storage() } else { window.local_storage() };
    storage.ok()?
}
