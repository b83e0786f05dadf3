//! The list of joined rooms, and the switcher: it searches names, joins and creates rooms, and lists the directory.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement, window};
use yew::prelude::*;

use super::RoomList;
use super::room_row::{place, room_row};
use crate::address;
use crate::boxed::use_listener;
use crate::events::Room;
use crate::language::{t, t_with};
use crate::letters::lower;
use crate::state::{StateHandle, use_memo, use_state_eq};

/// The most rooms of the directory that are shown for a search.
const MAX_FOUND: usize = 20;

#[derive(Properties, PartialEq)]
pub struct SidebarProps {
    pub rooms: Rc<RoomList>,
    /// The key of the room that is open.
    pub open: Option<AttrValue>,
}

#[component]
pub fn Sidebar(props: &SidebarProps) -> Html {
    let SidebarProps { rooms, open } = props;
    let (update, query) = (use_force_update(), use_state_eq(String::new));
    use_memo((), |()| {
        rooms.on_change.replace(Some(Callback::from(move |()| update.force_update())));
    });
    let me = rooms.me();
    let rows: Html = rooms
        .rooms()
        .joined()
        .into_iter()
        .filter_map(|entry| {
            let room = Room::of_key(&entry.key, me.as_ref()).ok()?;
            let is_open = open.as_deref() == Some(&*entry.key);
            Some(room_row(&room, rooms.title_of(&room), entry, is_open))
        })
        .collect();
    let invitations = rooms.invitations().into_iter().map(|(key, name)| {
        let (declines, declined) = (rooms.clone(), key.clone());
        let decline = Callback::from(move |_: MouseEvent| declines.decline(&declined));
        let hash = Room::of_key(&key, me.as_ref()).map(|room| address::hash(&room.path));
        html! {
            <li key={key.to_string()} class="invitation">
                <span>{ t_with("{name} wants to talk to you", &[("name", &name)]) }</span>
                <a class="accept" href={hash.unwrap_or_default()}>{ t("Open") }</a>
                <button type="button" onclick={decline}>{ t("Dismiss") }</button>
            </li>
        }
    });
    html! {
        <>
        <nav class="side" aria-label={t("Rooms")}>
            <button type="button" class="open-switcher" popovertarget="switcher">
                { t("Find or join a room") }
            </button>
            <ul class="rooms">
                { for invitations }
                { rows }
            </ul>
        </nav>
        { switcher(rooms, &query) }
        </>
    }
}

/// The dialog that the button and Ctrl+K open. The browser closes it, and moves the focus.
fn switcher(rooms: &Rc<RoomList>, query: &StateHandle<String>) -> Html {
    let wanted = lower(query.trim());
    let mut found: Vec<(Room, AttrValue, AttrValue)> = Vec::new();
    let me = rooms.me();
    let matches = |title: &str| lower(title).contains(&wanted);
    for entry in rooms.rooms().joined() {
        if let Ok(room) = Room::of_key(&entry.key, me.as_ref()) {
            let title = rooms.title_of(&room);
            if matches(&title) {
                found.push((room, title, AttrValue::default()));
            }
        }
    }
    for (key, about) in rooms.directory() {
        if found.len() < MAX_FOUND
            && found.iter().all(|(room, ..)| room.key != key)
            && let Ok(room) = Room::of_key(&key, None)
            && (matches(&room.name) || matches(&about))
        {
            let title = room.name.clone();
            found.push((room, title, about));
        }
    }
    let new = Room::named(&address::composed(query.trim())).ok();
    let new = new.filter(|new| found.iter().all(|(room, ..)| room.key != new.key));
    let first = found.first().map(|(room, ..)| room).or(new.as_ref()).map(|room| room.path.clone());
    let onsubmit = {
        let query = query.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(path) = &first {
                close();
                query.set(String::new());
                address::go_to(path);
            }
        })
    };
    let oninput = {
        let query = query.clone();
        Callback::from(move |event: InputEvent| {
            let input: HtmlInputElement = event.target_unchecked_into();
            query.set(input.value());
        })
    };
    let onclick = {
        let query = query.clone();
        Callback::from(move |event: MouseEvent| {
            let target = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
            if target.and_then(|target| target.closest("a").ok()?).is_some() {
                close();
                query.set(String::new());
            }
        })
    };
    let onfocusin = {
        let rooms = rooms.clone();
        Callback::from(move |_: FocusEvent| rooms.read_directory())
    };
    let item = |(room, title, about): &(Room, AttrValue, AttrValue)| {
        html! {
            <li key={room.key.to_string()}>
                <a href={address::hash(&room.path)}>
                    { place(room, title) }
                    <span class="name"><bdi>{ title.clone() }</bdi></span>
                    if !about.is_empty() {
                        <span class="preview">{ about.clone() }</span>
                    }
                </a>
            </li>
        }
    };
    html! {
        <div id="switcher" popover="auto" role="dialog" aria-label={t("Find or join a room")} onkeydown={walk} {onclick} {onfocusin}>
            <form {onsubmit}>
                <input
                    type="search"
                    autofocus=true
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    dir="auto"
                    aria-label={t("The name of a room")}
                    placeholder={t("The name of a room")}
                    value={(**query).clone()}
                    {oninput}
                />
            </form>
            <ul class="rooms">
                { for found.iter().map(item) }
                if let Some(new) = new {
                    <li key="new">
                        <a href={address::hash(&new.path)} class="new">
                            <span class="place" aria-hidden="true">{ "+" }</span>
                            <span class="name">{ t_with("Join #{room}", &[("room", &new.name)]) }</span>
                        </a>
                    </li>
                }
            </ul>
        </div>
    }
}

/// Moves the focus between the field and the rooms with the arrows.
fn walk(event: KeyboardEvent) {
    let step = match &*event.key() {
        "ArrowDown" => 1,
        "ArrowUp" => u32::MAX,
        _ => return,
    };
    let Some(document) = window().and_then(|window| window.document()) else { return };
    let (Ok(all), Some(focused)) =
        (document.query_selector_all("#switcher input, #switcher a"), document.active_element())
    else {
        return;
    };
    let at = (0..all.length()).find(|at| all.item(*at).is_some_and(|item| item == *focused));
    let next = all.item(at.unwrap_or(0).wrapping_add(step));
    if let Some(next) = next.and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
        event.prevent_default();
        // Fails only if the element has been removed.
        let _ = next.focus();
    }
}

/// Closes the switcher, if it is open.
fn close() {
    if let Some(switcher) = element("switcher") {
        // Fails only if the element has been removed.
        let _ = switcher.hide_popover();
    }
}

fn element(id: &str) -> Option<HtmlElement> {
    window()?.document()?.get_element_by_id(id)?.dyn_into().ok()
}

/// Opens the switcher with Ctrl+K. It is there while there are rooms.
#[hook]
pub fn use_switcher_key() {
    use_listener("keydown", |event| {
        if let Some(event) = event.dyn_ref::<KeyboardEvent>()
            && (event.ctrl_key() || event.meta_key())
            && !event.alt_key()
            && event.key().eq_ignore_ascii_case("k")
            && let Some(switcher) = element("switcher")
        {
            event.prevent_default();
            // Fails only if the element has been removed.
            let _ = switcher.toggle_popover();
        }
    });
}
