//! The user's profile, which the browser keeps: a permanent id, and the last name and room.

use std::cell::RefCell;

use gloo_events::EventListener;
use js_sys::Uint8Array;
use web_sys::window;

use crate::address;
use crate::address::DIRECT;
use crate::boxed::listen;
use crate::events::Person;
use crate::language::t_with;
use crate::model::text;
use crate::storage::{read, write};

const ID: &str = "id";
const NAME: &str = "name";
const ROOM: &str = "room";
const CLIENTS: &str = "clients";

/// How many of this browser's newest client ids are remembered.
const MAX_CLIENTS: usize = 50;

thread_local! {
    /// The client ids of this browser as they are kept, because each event asks for them. Empty until they are read.
    static OWN_CLIENTS: RefCell<Option<String>> = const { RefCell::new(None) };
    /// Forgets them when another tab has remembered one.
    static OTHER_TABS: Option<EventListener> =
        window().map(|window| listen(&window, "storage", |_| OWN_CLIENTS.set(None)));
}

/// The user of this browser. The name is empty until the user enters one; a guest has a name from the start.
pub fn person() -> Person {
    let id = read(ID).unwrap_or_else(|| {
        let id = random_id();
        write(ID, &id);
        id
    });
    let name = read(NAME).and_then(|kept| text::name(&kept));
    let name = name.unwrap_or_else(|| if address::is_guest() { guest() } else { String::new() });
    Person { id, name }
}

fn guest() -> String {
    let number = (js_sys::Math::random() * 90.0) as u8 + 10;
    let name = t_with("Guest {n}", &[("n", &number.to_string())]).to_string();
    write(NAME, &name);
    name
}

/// Whether this client id is one of this browser's. Without a database, a page has a new client id after each load.
pub fn is_own_client(client: &str) -> bool {
    OTHER_TABS.with(|_| ());
    OWN_CLIENTS.with_borrow_mut(|own| {
        let own = own.get_or_insert_with(|| read(CLIENTS).unwrap_or_default());
        own.split(' ').any(|known| known == client)
    })
}

/// Remembers the client id by which the relay now knows this browser.
pub fn remember_client(client: &str) {
    let before = read(CLIENTS).unwrap_or_default();
    let clients: Vec<&str> = before.split(' ').take(MAX_CLIENTS - 1).collect();
    write(CLIENTS, &[client, &clients.join(" ")].join(" "));
    OWN_CLIENTS.set(None);
}

/// The name of the last room, unless the user talked to one person.
pub fn last_room() -> Option<String> {
    read(ROOM).filter(|room| !room.starts_with(DIRECT))
}

/// Stores the name, and the path of the room, for the next visit.
pub fn remember(name: &str, room: &str) {
    write(NAME, name);
    write(ROOM, room);
}

/// 128 random bits in hex. `crypto.randomUUID` is available on `https:` and localhost only.
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
