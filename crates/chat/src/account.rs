//! The account of the page. `cargo xtask run --auth` serves a page that keeps a token for each account in the browser, and
//! links to this page with `?account=NAME`.

use std::future::ready;

use event_driven_kit::{BridgeOptions, Cause};
use web_sys::window;

/// Begins the keys of the tokens.
const TOKEN: &str = "event-driven-kit.chat.token.";

/// Signs in with the account in the page's address, if there is one. Each account has an outbox of its own.
pub fn sign_in(peer: BridgeOptions) -> BridgeOptions {
    let Some(account) = account() else { return peer };
    let key = [TOKEN, &account].concat();
    let none = "this browser has no token for the account: open accounts.html";
    peer.identity(account).credentials(move || ready(token(&key).ok_or_else(|| Cause::from(none))))
}

/// The account in the page's address.
pub fn account() -> Option<String> {
    let search = window()?.location().search().ok()?;
    search.strip_prefix("?account=").map(str::to_owned)
}

fn token(key: &str) -> Option<String> {
    window()?.local_storage().ok()??.get_item(key).ok()?
}
