//! The page's address: its hash names the room, so that a link to a room can be passed on, and its host
//! is where the peer listens.

use event_driven_kit::BridgeOptions;
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

/// The port of `trunk serve`, as host names have it; see Trunk.toml.
const TRUNK_PORT: &str = ":8081";

/// Where this page's peer listens: where the page comes from. The debug page of `trunk serve` reaches it
/// through Trunk's proxy.
pub fn peer() -> BridgeOptions {
    let secure = location().and_then(|location| location.protocol().ok());
    let host = location().and_then(|location| location.host().ok()).unwrap_or_default();
    let scheme = match secure.as_deref() {
        Some("https:") => "wss://",
        _ => "ws://",
    };
    let peer = BridgeOptions::new([scheme, &host, "/ws"].concat());
    if cfg!(debug_assertions) && host.ends_with(TRUNK_PORT) {
        peer.without_subprotocol()
    } else {
        peer
    }
}

/// One spelling (Unicode NFC) for names that look the same, so that they name the same room.
pub fn composed(name: &str) -> String {
    JsString::from(name).normalize("NFC").into()
}

fn location() -> Option<Location> {
    Some(window()?.location())
}
