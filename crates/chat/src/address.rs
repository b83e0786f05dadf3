//! The page's address. Its hash names the room, so that users can share links to rooms: `#room`, and with the offset of
//! a message `#room/1234`. `#@person` names direct messages. Its host is the peer's host. With `?guest` the page is a
//! guest window: another person, for as long as its tab is open.

use event_driven_kit::BridgeOptions;
use js_sys::{JsString, decode_uri_component, encode_uri_component};
use web_sys::{Location, window};

/// Begins the [path](crate::events::Room::path) of direct messages. No name of a room has it, because names have no
/// control characters.
pub const DIRECT: char = '\u{1}';

/// What the address names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Named {
    /// The [path](crate::events::Room::path) of the room.
    pub room: Option<String>,
    /// The offset of a message in the room.
    pub offset: Option<u64>,
}

/// What the address names.
pub fn named() -> Named {
    let hash = location().and_then(|location| location.hash().ok()).unwrap_or_default();
    let (name, offset) = parts(hash.strip_prefix('#').unwrap_or_default());
    let room = match name.strip_prefix('@').map(decoded) {
        Some(person) if !person.is_empty() => {
            Some([DIRECT.encode_utf8(&mut [0; 1]), &*person].concat())
        }
        _ => {
            let name = decoded(name);
            (!name.trim().is_empty()).then(|| composed(&name))
        }
    };
    Named { room, offset }
}

/// Decodes a name in a hash. One that was typed by hand may not be well-formed: it stays as it is.
fn decoded(name: &str) -> String {
    let decoded = decode_uri_component(name).map(String::from);
    decoded.unwrap_or_else(|_| name.to_owned())
}

/// The hash of a room with this [path](crate::events::Room::path).
pub fn hash(path: &str) -> String {
    let (mark, name) = match path.strip_prefix(DIRECT) {
        Some(person) => ("#@", person),
        None => ("#", path),
    };
    [mark, &String::from(encode_uri_component(name))].concat()
}

/// The room and the offset of a hash. A slash in the name of a room is escaped.
fn parts(hash: &str) -> (&str, Option<u64>) {
    let cut = hash.rsplit_once('/');
    match cut.and_then(|(name, offset)| Some((name, offset.parse().ok()?))) {
        Some((name, offset)) => (name, Some(offset)),
        None => (hash, None),
    }
}

/// The hash of a message in a room.
pub fn hash_of(path: &str, offset: u64) -> String {
    [&*hash(path), "/", &offset.to_string()].concat()
}

/// Removes the message from the address. The page is notified by `hashchange`.
pub fn forget_message() {
    if let Some(location) = location()
        && let Ok(hash) = location.hash()
        && let (name, Some(_)) = parts(&hash)
    {
        // Fails only in a document that is no longer shown.
        let _ = location.replace(name);
    }
}

/// Puts the room with this path into the address. The page is notified by `hashchange`.
pub fn go_to(path: &str) {
    if let Some(location) = location() {
        // Fails only in a document that is no longer shown.
        let _ = location.set_hash(&hash(path));
    }
}

/// Removes the room from the address. "Back" does not return to it. The page is notified by `hashchange`.
pub fn leave() {
    if let Some(location) = location() {
        // Fails only in a document that is no longer shown.
        let _ = location.replace("#");
    }
}

/// Whether this is a guest window.
pub fn is_guest() -> bool {
    location().and_then(|location| location.search().ok()).is_some_and(|search| search == GUEST)
}

/// The address of the room for others.
pub fn link() -> String {
    with_search("")
}

/// The address of a guest window of the room.
pub fn guest_link() -> String {
    with_search(GUEST)
}

fn with_search(search: &str) -> String {
    let Some(location) = location() else {
        return String::new();
    };
    let [origin, path, hash] =
        [location.origin(), location.pathname(), location.hash()].map(Result::unwrap_or_default);
    [&*origin, &path, search, parts(&hash).0].concat()
}

const GUEST: &str = "?guest";

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
    let mut peer = BridgeOptions::new([scheme, &host, "/ws"].concat());
    if is_guest() {
        // The other tabs share one outbox, and with it one identity.
        peer = peer.in_memory();
    }
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

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_number_after_the_last_slash_is_the_offset_of_a_message() {
        for (hash, name, offset) in [
            ("", "", None),
            ("tea", "tea", None),
            ("tea/12", "tea", Some(12)),
            ("a/b", "a/b", None),
            ("a/b/7", "a/b", Some(7)),
            ("tea/", "tea/", None),
            ("tea/-1", "tea/-1", None),
            ("tea/99999999999999999999", "tea/99999999999999999999", None),
        ] {
            assert_eq!(parts(hash), (name, offset), "{hash}");
        }
    }
}
