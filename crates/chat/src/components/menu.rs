//! The menu of the room, and the ways to invite people, which an empty room offers, too.
//!
//! These are functions and not components: they have no state of their own.

use std::rc::Rc;

use event_driven_kit::Bus;
use js_sys::Reflect;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Clipboard, window};
use yew::prelude::*;

use super::RoomList;
use crate::address;
use crate::boxed::spawn;
use crate::events::{Membership, NOTICE, Room};
use crate::language::t;

/// The button that opens the menu of a room, and the menu. The browser opens and closes it, and moves the focus.
pub fn menu(bus: &Bus, rooms: &Rc<RoomList>, room: &Room, on_leave: Callback<MouseEvent>) -> Html {
    let membership = rooms.membership(room);
    let change = |change: fn(&mut Membership)| {
        let (rooms, room) = (rooms.clone(), room.clone());
        Callback::from(move |_: MouseEvent| {
            let mut membership = rooms.membership(&room);
            change(&mut membership);
            rooms.set_membership(&room, membership);
        })
    };
    let item = |id: &'static str, text: AttrValue, onclick: Callback<MouseEvent>| {
        html! {
            <button {id} type="button" popovertarget="menu" popovertargetaction="hide" {onclick}>{ text }</button>
        }
    };
    let pin = if membership.is_pinned { t("Unpin") } else { t("Pin to the top") };
    let mute = if membership.is_muted { t("Unmute") } else { t("Mute") };
    let list = {
        let (rooms, room) = (rooms.clone(), room.clone());
        Callback::from(move |_: MouseEvent| rooms.list_publicly(&room))
    };
    html! {
        <>
            <button type="button" class="open-menu" aria-label={t("Menu")} popovertarget="menu">{ "⋯" }</button>
            <div id="menu" popover="auto" role="group" aria-label={t("Menu")}>
                if room.other().is_none() {
                    { invite(bus, Some("menu")) }
                    { item("list-publicly", t("List in the directory"), list) }
                }
                { item("pin", pin, change(|membership| membership.is_pinned ^= true)) }
                { item("mute", mute, change(|membership| membership.is_muted ^= true)) }
                { item("leave", t("Leave room"), on_leave) }
            </div>
        </>
    }
}

/// The buttons that copy the room's address and open a guest window. They close this popover, if any.
pub fn invite(bus: &Bus, popover: Option<&'static str>) -> Html {
    let bus = bus.clone();
    let copy = Callback::from(move |_: MouseEvent| copy_link(bus.clone()));
    let open = Callback::from(|_: MouseEvent| {
        if let Some(window) = window() {
            let link = address::guest_link();
            // Without an opener, the window has a session storage of its own.
            let _ = window.open_with_url_and_target_and_features(&link, "_blank", "noopener");
        }
    });
    let button = |class: &'static str, text: AttrValue, onclick: Callback<MouseEvent>| {
        html! {
            <button
                type="button"
                {class}
                popovertarget={popover}
                popovertargetaction={popover.map(|_| "hide")}
                {onclick}
            >
                { text }
            </button>
        }
    };
    html! {
        <>
            { button("copy-link", t("Copy link"), copy) }
            { button("open-guest", t("Open a guest window"), open) }
        </>
    }
}

/// Copies the room's address. If the browser does not let the page copy, the notice shows the address.
fn copy_link(bus: Bus) {
    spawn(async move {
        let link = address::link();
        let is_copied = match clipboard() {
            Some(clipboard) => JsFuture::from(clipboard.write_text(&link)).await.is_ok(),
            None => false,
        };
        let notice = if is_copied { t("Link copied").to_string() } else { link };
        // Nothing limits the number of events on this topic.
        let _ = bus.publish(NOTICE, notice);
    });
}

/// `None` on a page that is not secure.
fn clipboard() -> Option<Clipboard> {
    let navigator = window()?.navigator();
    let clipboard = Reflect::get(&navigator, &"clipboard".into()).ok()?;
    (!clipboard.is_undefined()).then(|| clipboard.unchecked_into())
}
