//! The page's address. Its hash names the room, so that users can share links to rooms. Its host is the peer's
//! host.

use event_driven_kit::BridgeOptions;
use js_sys::{JsString, decode_uri_component, encode_uri_component};
use web_sys::{Location, window};

/// The room in the address, if any.
pub fn room() -> Option<String> {
    let hash = location()?.hash().ok()?;
    let name = hash.strip_prefix('#')?;
    // A hash that was typed by hand may not be well-formed. It is used as it is.
    let decoded = decode_uri_component(name).map(String::from);
    let name = decoded.unwrap_or_else(|_| name.to_owned());
    (!name.trim().is_empty()).then(|| composed(&name))
}

/// Puts `room` into the address, or removes the room. The page is notified by `hashchange`.
pub fn go_to(room: &str) {
    if let Some(location) = location() {
        // Fails only in a document that is no longer shown.
        let _ = location.set_hash(&String::from(encode_uri_component(room)));
    }
}

/// The port of `trunk serve` as part of a host; see Trunk.toml.
const TRUNK_PORT: &str = ":8081";

/// The URL of the page's peer, on the server of the page. The debug page of `trunk serve` reaches it through
/// Trunk's proxy.
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

/// Normalizes a name (Unicode NFC), so that names that look the same mean the same room.
pub fn composed(name: &str) -> String {
    JsString::from(name).normalize("NFC").into()
}

fn location() -> Option<Location> {
    Some(window()?.location())
}
