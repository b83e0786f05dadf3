//! Who one is in this browser: an id made once, and the name and room used last, in localStorage. Where
//! that is closed to us, they last as long as the page.

use js_sys::Uint8Array;
use web_sys::{Storage, window};

use crate::events::Person;
use crate::model::text;

const ID: &str = "event-driven-kit.chat.id";
const NAME: &str = "event-driven-kit.chat.name";
const ROOM: &str = "event-driven-kit.chat.room";
const CLIENTS: &str = "event-driven-kit.chat.clients";

/// Of the clients that this browser has had, the newest so many are remembered.
const MOST_CLIENTS: usize = 50;

/// The person of this browser; without a name until they gave one.
pub fn person() -> Person {
    let id = read(ID).unwrap_or_else(|| {
        let id = random_id();
        write(ID, &id);
        id
    });
    Person { id, name: read(NAME).and_then(|kept| text::name(&kept)).unwrap_or_default() }
}

/// Whether the relay has known this browser by that client: a page without a database is another one after each load.
pub fn is_own_client(client: &str) -> bool {
    read(CLIENTS).is_some_and(|clients| clients.split(' ').any(|known| known == client))
}

/// From now on the relay knows this browser by that client.
pub fn remember_client(client: &str) {
    let before = read(CLIENTS).unwrap_or_default();
    let clients: Vec<&str> = before.split(' ').take(MOST_CLIENTS - 1).collect();
    write(CLIENTS, &[client, &clients.join(" ")].join(" "));
}

/// The name of the room visited last.
pub fn last_room() -> Option<String> {
    read(ROOM)
}

/// Remembers both for the next visit.
pub fn remember(name: &str, room: &str) {
    write(NAME, name);
    write(ROOM, room);
}

fn storage() -> Option<Storage> {
    window()?.local_storage().ok()?
}

fn read(key: &str) -> Option<String> {
    let text = storage()?.get_item(key).ok()??;
    (!text.is_empty()).then_some(text)
}

fn write(key: &str, text: &str) {
    if let Some(storage) = storage() {
        // A full or closed storage costs the memory of a name, and nothing that one would be told of.
        let _ = storage.set_item(key, text);
    }
}

/// 128 random bits in hex. `crypto.randomUUID` would do, but exists on `https:` and localhost only.
fn random_id() -> String {
    let bytes = Uint8Array::new_with_length(16);
    let filled = window()
        .and_then(|window| window.crypto().ok())
        .is_some_and(|crypto| crypto.get_random_values_with_js_u8_array(&bytes).is_ok());
    if !filled {
        for at in 0..16 {
            bytes.set_index(at, (js_sys::Math::random() * 256.0) as u8);
        }
    }
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digits = |byte: u8| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
    let hex = bytes.to_vec().into_iter().flat_map(digits);
    hex.map(char::from).collect()
}
