//! The account of the page. `cargo xtask run --auth` serves a page that keeps a token for each account in the browser,
//! and links to this page with `?account=NAME`.
//!
//! That page may also keep the keys of the relay that issues certificates. Then this page shows who has signed a
//! message, and an account's messages are signed by a certificate of this device.

use std::future::ready;
use std::rc::Rc;

use event_driven_kit::trust::Trust;
use event_driven_kit::{Bridge, BridgeOptions, Cause};
use wasm_bindgen::prelude::*;
use web_sys::window;

use crate::boxed::{sleep, spawn};

/// Begins the keys of the tokens.
const TOKEN: &str = "event-driven-kit.chat.token.";
/// The key of the issuer's public keys, a JSON Web Key Set.
const ISSUER_KEYS: &str = "event-driven-kit.chat.issuer-keys";
/// The name of the relay as an issuer.
const ISSUER: &str = "event-relay";
/// How long before its end a certificate is replaced, in milliseconds.
const EARLY_MS: f64 = 3_600_000.0;
/// How often that time is checked, in milliseconds: timers are not exact over hours, and a device may sleep.
const WAIT_MS: i32 = 600_000;

#[wasm_bindgen(inline_js = "
export async function certificate(token, body) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch('/certificate', { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`the relay answers ${response.status}`);
  return response.text();
}")]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn certificate(token: &str, jwk: &str) -> Result<JsValue, JsValue>;
}

/// Signs in with the account in the page's address, if there is one. Each account has an outbox of its own.
pub fn sign_in(peer: BridgeOptions) -> BridgeOptions {
    let peer = match kept(ISSUER_KEYS) {
        Some(keys) => peer.trust(Trust::issuer(ISSUER, keys)),
        None => peer,
    };
    let Some(key) = token_key() else { return peer };
    let account = account().unwrap_or_default();
    let none = "this browser has no token for the account: open accounts.html";
    let token = move || kept(&key).ok_or_else(|| Cause::from(none));
    let peer = peer.identity(account);
    let peer = match kept(ISSUER_KEYS) {
        Some(_) => {
            let token = token.clone();
            peer.certify(move |jwk| {
                let token = token();
                async move {
                    let issued = certificate(&token?, &jwk).await?;
                    Ok(issued.as_string().unwrap_or_default())
                }
            })
        }
        None => peer,
    };
    peer.credentials(move || ready(token()))
}

/// Keeps this device certified while the page is open, if it can, so that its messages are signed.
pub fn certify(bridge: &Rc<Bridge>) {
    if kept(ISSUER_KEYS).is_none() || token_key().is_none() {
        return;
    }
    let bridge = Rc::downgrade(bridge);
    spawn(async move {
        loop {
            let Some(sending) = bridge.upgrade().map(|bridge| bridge.send_certificate()) else {
                return;
            };
            // Without a certificate messages are not signed, which each reader sees.
            let until = sending.await.map_or(0.0, |sent| sent.expires as f64 - EARLY_MS);
            loop {
                sleep(WAIT_MS).await;
                if js_sys::Date::now() > until {
                    break;
                }
            }
        }
    });
}

/// The account in the page's address.
pub fn account() -> Option<String> {
    let search = window()?.location().search().ok()?;
    search.strip_prefix("?account=").map(str::to_owned)
}

/// Where the account's token is.
fn token_key() -> Option<String> {
    Some([TOKEN, &account()?].concat())
}

fn kept(key: &str) -> Option<String> {
    window()?.local_storage().ok()??.get_item(key).ok()?
}
