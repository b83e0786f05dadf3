//! The page's address: its hash names the room, so that a link to a room can be passed on, and its host
//! is where the peer listens.

use js_sys::{JsString, decode_uri_component, encode_uri_component};
use web_sys::{Location, window};

/// The room that the address names, if it names one.
pub fn room() -> Option<String> {
    let hash = location()?.hash().ok()?;
    let name = hash.strip_prefix('#')?;
    // What a person typed there by hand need not be well-formed: then it is taken as it stands.
    let decoded = decode_uri_component(name).map(String::from);
    let name = decoded.unwrap_or_else(|_| name.to_owned());
    (!name.trim().is_empty()).then(|| composed(&name))
}

/// Lets the address name `room`, or none. The page hears of it by `hashchange`.
pub fn go_to(room: &str) {
    if let Some(location) = location() {
        // Fails only in a document that is no longer shown.
        let _ = location.set_hash(&String::from(encode_uri_component(room)));
    }
}

/// The relay beside `trunk serve` and the port of the latter, as host names have them; see Trunk.toml.
const RELAY_PORT: &str = ":8080";
const TRUNK_PORT: &str = ":8081";

/// Where this page's peer listens: where the page comes from. A debug page that `trunk serve` serves
/// asks the relay beside it, because Trunk's proxy drops the subprotocol of a WebSocket.
pub fn peer() -> String {
    let secure = location().and_then(|location| location.protocol().ok());
    let host = location().and_then(|location| location.host().ok()).unwrap_or_default();
    let scheme = match secure.as_deref() {
        Some("https:") => "wss://",
        _ => "ws://",
    };
    match host.strip_suffix(TRUNK_PORT) {
        Some(name) if cfg!(debug_assertions) => [scheme, name, RELAY_PORT, "/ws"].concat(),
        _ => [scheme, &host, "/ws"].concat(),
    }
}

/// One spelling (Unicode NFC) for names that look the same, so that they name the same room.
pub fn composed(name: &str) -> String {
    JsString::from(name).normalize("NFC").into()
}

fn location() -> Option<Location> {
    Some(window()?.location())
}
